// refused: a coroutine word in a statement expression
Flow flow(Handshake& hs) {
  auto v = CHECK_EXPRESSION(co_await a(hs));
  co_return ok();
}
