// refused: co_await in an operand of ?:
Flow flow(Handshake& hs) {
  auto v = late ? none : co_await a(hs);
  co_return ok();
}
