// refused: a lambda that is a coroutine
Flow flow(Handshake& hs) {
  return [&] { co_return ok(); }();
}
