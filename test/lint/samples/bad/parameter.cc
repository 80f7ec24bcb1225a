// refused: a flow whose first parameter is not Handshake&
Flow flow(int n, Handshake& hs) {
  CHECK(co_await send(hs, n));
  co_return ok();
}
