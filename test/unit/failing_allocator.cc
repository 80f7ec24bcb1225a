#include "support/failing_allocator.h"

#include <openssl/crypto.h>

#include <cstdlib>
#include <string_view>

namespace support {

namespace {

constexpr size_t kNever = ~size_t{0};

thread_local size_t left = kNever;
thread_local bool failed = false;

// `file` is the source that called OPENSSL_malloc, with its folder, from the project's root on or
// from the build's; those of libcrypto were built elsewhere.
bool is_ours(std::string_view file) {
  constexpr std::string_view kRoot = HANDFAST_SOURCE_DIR "/", kUp = "../";
  if (file.starts_with(kRoot)) file.remove_prefix(kRoot.size());
  while (file.starts_with(kUp)) file.remove_prefix(kUp.size());
  return file.starts_with("src/");
}

bool shall_fail(const char* file) {
  if (left == kNever || file == nullptr || !is_ours(file)) return false;
  if (left-- > 0) return false;
  left = kNever;
  failed = true;
  return true;
}

void* allocate(size_t size, const char* file, int) {
  return shall_fail(file) ? nullptr : std::malloc(size);
}

void* reallocate(void* memory, size_t size, const char* file, int) {
  return shall_fail(file) ? nullptr : std::realloc(memory, size);
}

void release(void* memory, const char*, int) {
  std::free(memory);
}

// Before main(): libcrypto takes other functions only until its first allocation.
// engine_allocation_test.cc starts this program again with functions of its own.
const bool installed = std::getenv("HANDFAST_FAIL_ALLOCATIONS") == nullptr &&
                       CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;

}  // namespace

bool allocator_installed() {
  return installed;
}

void fail_allocation_after(size_t successes) {
  failed = false;
  left = successes;
}

bool stop_failing() {
  left = kNever;
  return failed;
}

}  // namespace support
