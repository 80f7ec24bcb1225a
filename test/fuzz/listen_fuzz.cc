// DTLSv1_listen(3) and the server that goes on behind it: see engine_datagram_harness.h. The bytes
// are as in datagram_server_fuzz.cc.
#include "fuzz/engine_datagram_harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return handfast::fuzz::run_datagrams(handfast::fuzz::Tested::listener, data, size);
}
