// co_await in a comment: if (co_await x) is fine here.
#include "handshake/flow.h"

namespace handfast {
namespace {

const char* kText = "if (co_await x) { co_return; }";

Flow child(Handshake& hs, unsigned long size) {
  if (size > 1'000) {
    CHECK(co_await send(hs, size));
  } else if (size == 0) {
    co_return ok();
  }
  while (size-- > 0) {
    co_await pause(hs, Want::lookup);
  }
  switch (hs.kind) {
    case 1: {
      CHECK(co_await child(hs, size));
      break;
    }
    default:
      CHECK(co_await child(hs, 0));
  }
  for (int i = 0; i < 3; ++i) CHECK(co_await child(hs, i));
  co_return Verdict{kFatal, hs.late ? 1 : 2};
}

}  // namespace

Flow client(Handshake& hs) {
  TRY(hello, co_await receive<ServerHello>(hs));
  const Pair pair{1, 2};
  const bool late = hs.late ? true : false;
  CHECK(co_await send(hs, late ? 1 : 2, pair));
  auto compare = [](int a, int b) { return a < b ? a : b; };
  auto result = co_await child(hs, compare(1, 2));
  if (!result.ok()) co_return result;
  use({1, 2});
  do {
    result = co_await child(hs, 3);
  } while (!result.ok());
  if (late) co_return co_await child(hs, 4);
  co_return ok();
}

auto server(handfast::Handshake& hs) -> Flow {
  CHECK(co_await client(hs));
  co_return ok();
}

}  // namespace handfast
