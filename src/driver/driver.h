// What the API asks of a connection: it runs the flows, moves the bytes and tells the failures.
#pragma once

#include "connection/connection.h"

namespace handfast {

// --- job.cc: a call of the API ---
// Does what `call` says, for SSL_do_handshake(3), SSL_read_ex(3), SSL_peek_ex(3), SSL_write_ex(3)
// and SSL_shutdown(3), and returns what that function below does; with SSL_MODE_ASYNC as a job that
// may be paused: -1 and SSL_ASYNC_PAUSED in SSL_want(3).
int run_call(Connection& connection, const Call& call, size_t& done);

// --- driver.cc: resolves every wait ---
// Return values of SSL_do_handshake(3); 0 when the method does not have the role.
int do_handshake(Connection& connection);
// Puts the verdict into the error queue, sends its alert and makes the failure sticky.
void fail(Connection& connection, const Verdict& verdict);

// Post-handshake messages and our own KeyUpdate go through the same driver: the next call of
// do_handshake() runs them. `received` are handshake bytes already there. False: memory.
[[nodiscard]] bool begin_post_handshake(Connection& connection, View received);

// --- data.cc ---
// SSL_read_ex(3), SSL_peek_ex(3), SSL_write_ex(3): 1 or what SSL_get_error needs (<= 0).
int read(Connection& connection, std::span<uint8_t> buffer, bool peek, size_t& done);
int write(Connection& connection, View content, size_t& done);
// Sends what lies in the output and flushes the BIO. False: see SSL_get_error.
bool flush(Connection& connection);
// Reads until the peer's close_notify is there: for SSL_shutdown. 0: it is; -1: see SSL_get_error.
int await_close_notify(Connection& connection);

// --- shutdown.cc ---
int shutdown(Connection& connection);

}  // namespace handfast
