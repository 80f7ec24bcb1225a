// refused: co_await in the head of if
Flow flow(Handshake& hs) {
  if (co_await ready(hs)) { go(hs); }
  co_return ok();
}
