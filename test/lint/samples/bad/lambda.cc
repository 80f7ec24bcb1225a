// refused: a lambda that is a coroutine
Flow flow(Handshake& hs) {
  auto step = [&](int n) -> Flow {
    if (n > 0) {
      co_await a(hs);
    }
    co_return ok();
  };
  return step(1);
}
