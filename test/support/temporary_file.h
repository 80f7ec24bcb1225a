// A file that is gone with the object.
#pragma once

#include <unistd.h>

#include "peers.h"

namespace twin {

struct TemporaryFile {
  char path[32] = "/tmp/twin-file-XXXXXX";
  explicit TemporaryFile(const std::string& content) {
    int descriptor = mkstemp(path);
    require(
        write(descriptor, content.data(), content.size()) == static_cast<ssize_t>(content.size()),
        path);
    close(descriptor);
  }
  ~TemporaryFile() { unlink(path); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
};

}  // namespace twin
