// refused: co_await in the head of if
Flow flow(Handshake& hs) {
  CHECK_IN_IF(co_await send(hs));
  co_return ok();
}
