// One block of a PEM file, as PEM_read_bio(3) gives it.
#pragma once

#include <openssl/pem.h>

#include "wire/allocate.h"
#include "wire/bytes.h"

namespace handfast {

struct PemBlock {
  UniqueString name;
  UniqueString header;  // "" when it has none
  std::unique_ptr<unsigned char, OpensslFree> data;
  size_t length = 0;

  [[nodiscard]] View view() const { return {data.get(), length}; }
};

// The next block of `in`; false with libcrypto's reason in the queue, PEM_R_NO_START_LINE at the
// end.
[[nodiscard]] inline bool read_pem_block(BIO* in, PemBlock& block) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long length = 0;
  if (PEM_read_bio(in, &name, &header, &data, &length) == 0) return false;
  block.name.reset(name);
  block.header.reset(header);
  block.data.reset(data);
  block.length = static_cast<size_t>(length);
  return true;
}

}  // namespace handfast
