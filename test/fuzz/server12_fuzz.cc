// A whole server of TLS <= 1.2: see engine12_harness.h. The first byte chooses version and suite,
// the second the options, the third whether records follow or changes of a genuine conversation.
#include "fuzz/engine12_harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return handfast::fuzz::run12(true, data, size);
}
