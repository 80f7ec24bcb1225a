// Where datagrams differ from a stream: DTLS.
#pragma once

#include "connection/connection.h"
#include "driver/transport.h"
#include "handshake/handshake.h"

namespace handfast {

constexpr size_t kMinLinkMtu = 256;  // DTLS_get_link_min_mtu(3)

// Reads one datagram, whose place the next takes. Ok with nothing read: blocked.
[[nodiscard]] Verdict read_datagram(Connection& connection, bool& progress);
// The output leaves, a datagram a write.
[[nodiscard]] Outgoing send_datagrams(Connection& connection);
// The length of datagrams is known from here on: DTLS_set_link_mtu(3), SSL_OP_NO_QUERY_MTU of
// SSL_CTX_set_options(3). False: it cannot be known.
[[nodiscard]] bool know_mtu(Connection& connection);

// A record that comes where none of its kind is awaited in a handshake is dropped, or data kept for
// later: datagrams overtake each other, and anybody may send them. False: it is to be judged.
[[nodiscard]] bool set_aside(Connection& connection, const Opened& opened, Verdict& verdict);
// Data that was kept becomes what is read next; false when there is none.
[[nodiscard]] bool take_early_data(Channel& channel);
// What the application has not read yet of a record stays while other records come. False: memory.
[[nodiscard]] bool hold_rest(Channel& channel);
// Is a record of the handshake, after it, the beginning of another?
[[nodiscard]] bool begins_handshake(const Connection& connection, View record);
// Does it show that the peer has missed our last flight?
[[nodiscard]] bool misses_last_flight(View record);

// SSL_write(3): one record, one datagram. 1, or what SSL_get_error needs.
int write_datagram(Connection& connection, View content, size_t& done);

}  // namespace handfast
