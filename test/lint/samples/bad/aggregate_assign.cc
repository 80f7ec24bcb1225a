// refused: co_await in a braced initializer
Flow flow(Handshake& hs) {
  Pair pair = {1, co_await a(hs)};
  co_return ok();
}
