// refused: co_await in the head of if
Flow flow(Handshake& hs) {
  if (auto v = co_await ready(hs); v.ok()) go(hs);
  co_return ok();
}
