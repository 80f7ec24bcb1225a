// refused: co_await in the head of switch
Flow flow(Handshake& hs) {
  switch (co_await kind(hs)) { case 1: break; }
  co_return ok();
}
