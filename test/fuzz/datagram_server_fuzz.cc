// A whole server of DTLS: see engine_datagram_harness.h. The first byte chooses version and suite,
// the second the options, the third whether datagrams follow or what happens to genuine ones.
#include "fuzz/engine_datagram_harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return handfast::fuzz::run_datagrams(handfast::fuzz::Tested::server, data, size);
}
