// A whole client fed with arbitrary bytes: see engine_harness.h. The first byte chooses its
// options, the second its keys and whether records or contents follow.
#include "fuzz/engine_harness.h"

using namespace handfast;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool kPrepared = [] {
    fuzz::use_fixed_random();
    return true;
  }();
  if (!kPrepared || size < 2) return 0;
  fuzz::Harness harness(false, data[0], data[1]);
  View rest(data + 2, size - 2);
  if ((data[1] & fuzz::kAsPieces) != 0) {
    harness.feed_pieces(rest);
  } else {
    harness.feed(rest);
  }
  harness.end();
  return 0;
}
