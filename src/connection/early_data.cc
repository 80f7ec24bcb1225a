#include "connection/early_data.h"

#include "connection/connection.h"

namespace handfast {
namespace {

// Whoever handshakes or writes as usual has no more early data to send.
void finish_writing(Connection& connection) {
  if (!goes_on_writing(connection.early_data)) return;
  connection.early_data.state = EarlyDataState::finished_writing;
  // A record that the BIO has stopped goes out in front of EndOfEarlyData.
  connection.write = {};
}

}  // namespace

void leave_early_data(Connection& connection, Caller caller) {
  EarlyData& early = connection.early_data;
  if (!early.paused) return;
  if (caller == Caller::handshake) {
    finish_writing(connection);
  } else if (connection.server) {
    // A server without keys waits for a second ClientHello: there is nothing to read or write yet.
    const bool has_keys = connection.channel.writer.protection().active();
    if (early.state != EarlyDataState::finished_reading && has_keys) return;
  } else if (caller == Caller::write) {
    if (early.state == EarlyDataState::writing) return;
    finish_writing(connection);
  } else if (connection.state != TLS_ST_EARLY_DATA) {
    return;  // the server's flight is there: what it sent may be read before our Finished
  }
  connection.in_init = true;
}

bool count_early_data(EarlyData& early_data, size_t length) {
  if (length > early_data.limit - early_data.count) return false;
  early_data.count += static_cast<uint32_t>(length);
  return true;
}

}  // namespace handfast
