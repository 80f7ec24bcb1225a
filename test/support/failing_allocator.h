// Makes allocations of the library under test fail, one at a time.
#pragma once

#include <cstddef>

namespace support {

// True when OPENSSL_malloc goes through this file; false: something had allocated before.
bool allocator_installed();

// From now on in this thread, the allocation that the library itself makes after `successes` more
// of them fails. Allocations inside libcrypto never do.
void fail_allocation_after(size_t successes);

// Ends it; whether an allocation failed.
bool stop_failing();

}  // namespace support
