// refused: a coroutine word in a statement expression
Flow flow(Handshake& hs) {
  auto v = ({ auto r = co_await a(hs); r; });
  co_return ok();
}
