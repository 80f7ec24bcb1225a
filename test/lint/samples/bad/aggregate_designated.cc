// refused: co_await in a braced initializer
Flow flow(Handshake& hs) {
  use(Pair{.first = co_await a(hs)});
  co_return ok();
}
