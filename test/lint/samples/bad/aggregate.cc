// refused: co_await in a braced initializer
Flow flow(Handshake& hs) {
  Pair pair{co_await a(hs), 1};
  co_return ok();
}
