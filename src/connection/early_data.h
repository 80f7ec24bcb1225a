// How far a connection is with early data (RFC 8446 section 4.2.10): SSL_read_early_data(3),
// SSL_write_early_data(3).
#pragma once

#include <openssl/ssl.h>

#include <cstdint>

namespace handfast {

enum class EarlyDataState : uint8_t {
  none,
  // Client.
  connecting,        // SSL_write_early_data sends the ClientHello
  connect_retry,     // and must be called again
  writing,           // it writes
  write_retry,       // it may be called, again or with more
  write_flush,       // what it has written is being flushed
  finished_writing,  // the application goes on with the handshake
  // Server.
  accepting,                // SSL_read_early_data runs the handshake up to our Finished
  accept_retry,             // and must be called again
  reading,                  // it reads
  read_retry,               // it may be called, again or for more
  finished_reading,         // there is no more
  writing_unauthenticated,  // SSL_write_early_data of a server: to a client without Finished
};

struct EarlyData {
  EarlyDataState state = EarlyDataState::none;
  bool paused = false;   // the handshake waits while the application reads or writes
  bool refused = false;  // client: what is written goes nowhere
  uint32_t limit = 0;    // bytes that may be sent, or were announced as welcome
  uint32_t count = 0;    // bytes so far
};

// A client that has sent its hello, and may write more.
[[nodiscard]] inline bool goes_on_writing(const EarlyData& early_data) {
  return early_data.state == EarlyDataState::write_retry ||
         early_data.state == EarlyDataState::write_flush;
}

// Why a call of the API may let the handshake go on.
enum class Caller : uint8_t { handshake, read, write };
// A handshake that is paused for early data goes on, if the caller's intent and its state say so;
// the next call of do_handshake() does it.
void leave_early_data(SSL& connection, Caller caller);
// Counts `length` bytes of early data; false: more than the limit.
[[nodiscard]] bool count_early_data(EarlyData& early_data, size_t length);

}  // namespace handfast
