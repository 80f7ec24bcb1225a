// refused: co_await in an operand of ?:
Flow flow(Handshake& hs) {
  TRY(v, late ? co_await a(hs) : co_await b(hs));
  co_return ok();
}
