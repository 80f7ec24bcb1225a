// refused: co_await in the head of for
Flow flow(Handshake& hs) {
  for (auto& m : co_await all(hs)) go(m);
  co_return ok();
}
