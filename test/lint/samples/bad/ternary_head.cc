// refused: co_await in an operand of ?:
Flow flow(Handshake& hs) {
  auto v = (co_await a(hs)) ? x : y;
  co_return ok();
}
