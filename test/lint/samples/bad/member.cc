// refused: a flow whose first parameter is not Handshake&
Flow Engine::flow(const Message& message) noexcept {
  co_return ok();
}
