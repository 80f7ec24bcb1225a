// refused: co_await in an operand of ?:
Flow flow(Handshake& hs) {
  auto v = late ? co_await a(hs) : none;
  co_return ok();
}
