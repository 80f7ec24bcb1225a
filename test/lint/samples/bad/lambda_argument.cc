// refused: braces among the arguments of an awaited call
Flow flow(Handshake& hs) {
  CHECK(co_await send(hs, [] { return 1; }));
  co_return ok();
}
