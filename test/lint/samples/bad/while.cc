// refused: co_await in the head of while
Flow flow(Handshake& hs) {
  while (!(co_await done(hs)).ok()) { go(hs); }
  co_return ok();
}
