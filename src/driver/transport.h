// Moves bytes between the BIOs and the channel.
#pragma once

#include "connection/connection.h"

namespace handfast {

enum class Incoming : uint8_t {
  record,   // `opened` holds one
  blocked,  // the BIO has no more for now, ended without close_notify, or failed: return to the
            // caller
  failed,   // `opened.verdict` says why
};

// Reads until a whole record is there and opens it. Bytes of the record are consumed; its content
// stays valid until the next call.
Incoming next_record(Connection& connection, Opened& opened);

// Room in the input buffer that nothing is left in is given back (SSL_MODE_RELEASE_BUFFERS).
void release_input(Connection& connection);

enum class Outgoing : uint8_t { sent, blocked };

// Writes the output buffer to the write BIO. With `flush` the BIO is flushed behind it.
Outgoing send_output(Connection& connection, bool flush);

// What an alert record means; handles the callbacks and the connection's state.
enum class Heard : uint8_t { ignored, closed, failed };
Heard hear_alert(Connection& connection, View content, Verdict& verdict);

// Appends an alert to the output and tries to send it.
void send_alert(Connection& connection, uint8_t level, Alert description);

}  // namespace handfast
