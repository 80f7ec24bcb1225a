#include "tool/library_path.h"

#include <filesystem>
#include <initializer_list>

namespace handfast::tool {
namespace fs = std::filesystem;

namespace {

std::optional<std::string> folder_if_present(const fs::path& folder) {
  std::error_code error;
  const fs::path file = fs::canonical(folder / "libssl.so.3", error);
  if (error) return std::nullopt;
  return file.parent_path().string();
}

}  // namespace

std::optional<std::string> library_folder(const std::string& chosen) {
  if (!chosen.empty()) return folder_if_present(chosen);
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) return std::nullopt;
  const fs::path prefix = self.parent_path().parent_path();
  // The installed place first: PREFIX/lib may hold a libssl.so.3 that is not ours.
  for (const char* place : {HANDFAST_INSTALL_SUBDIR, "lib"}) {
    if (auto found = folder_if_present(prefix / place)) return found;
  }
  return std::nullopt;
}

}  // namespace handfast::tool
