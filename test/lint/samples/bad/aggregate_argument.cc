// refused: braces among the arguments of an awaited call
Flow flow(Handshake& hs) {
  CHECK(co_await send(hs, Pair{1, 2}));
  co_return ok();
}
