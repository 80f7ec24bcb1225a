#pragma once

#include <optional>
#include <string>

namespace handfast::tool {

// Folder with Handfast's libssl.so.3: `chosen` when it is not empty, else the one that belongs to
// this program (installed beside it, or in the same build tree). Canonical; nullopt when no
// libssl.so.3 is there.
std::optional<std::string> library_folder(const std::string& chosen);

}  // namespace handfast::tool
