// AddressSanitizer and libcrypto's fibres: it follows their stacks, but not the fake ones that it
// keeps for detect_stack_use_after_return.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <string>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace twin {

inline bool has_fake_stacks() {
#if defined(__SANITIZE_ADDRESS__)
  return __asan_get_current_fake_stack() != nullptr;
#else
  return false;
#endif
}

/// Starts this program again without fake stacks, if it has them. For the begin of main().
inline void leave_fake_stacks(char** argv) {
  if (!has_fake_stacks()) return;
  const char* options = std::getenv("ASAN_OPTIONS");
  std::string changed = std::string(options ? options : "") + ":detect_stack_use_after_return=0";
  setenv("ASAN_OPTIONS", changed.c_str(), 1);
  execv("/proc/self/exe", argv);
  std::abort();
}

}  // namespace twin
