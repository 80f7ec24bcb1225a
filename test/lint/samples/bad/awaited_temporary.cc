// refused: co_await of a braced temporary
Flow flow(Handshake& hs) {
  co_await Pause{Want::lookup};
  co_return ok();
}
