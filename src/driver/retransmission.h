// The timer of DTLS (RFC 6347 section 4.2.4): when an answer does not come, our flight goes again.
#pragma once

#include "connection/connection.h"

namespace handfast {

// DTLSv1_get_timeout(3): what is left of it; false when it is off. What is nearly over counts as
// over, for clocks of sockets are not exact.
[[nodiscard]] bool time_left(const Connection& connection, timeval& left);
[[nodiscard]] bool timer_is_over(const Connection& connection);
// An answer is awaited from now on.
void start_timer(Connection& connection);
// DTLSv1_handle_timeout(3). 1: the flight has gone again, 0: it was not time, -1: see
// SSL_get_error.
int handle_timeout(Connection& connection);
// The peer has missed our last flight. As handle_timeout().
int repeat_flight(Connection& connection);
// Tells the BIO until when a read may block, if that has changed.
void tell_timer(Connection& connection);

}  // namespace handfast
