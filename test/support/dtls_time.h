// Connections of DTLS with a clock that stands still until the test moves it: no timer runs out by
// itself, however long a step takes.
#pragma once

#include "dtls.h"
#include "virtual_clock.h"

namespace twin {

/// Moves the clock to where the first timer of both has run out; false where none runs.
inline bool run_out(const Peers& peers) {
  timeval first = {}, left = {};
  bool any = false;
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    if (DTLSv1_get_timeout(ssl, &left) != 1) continue;
    if (!any || timercmp(&left, &first, <)) first = left;
    any = true;
  }
  advance_clock(first);
  return any;
}

/// As handshake(); where nothing moves any more, timers run out, so often at most.
inline Result handshake_in_time(Peers& peers, int timeouts = 30) {
  Result result = handshake(peers);
  auto fatal = [&] { return result.client.fatal() || result.server.fatal(); };
  while (!result.good() && !fatal() && timeouts-- > 0 && run_out(peers)) {
    bool client_done = result.client.good(), server_done = result.server.good();
    char none[1];
    // A side that has finished meets the other's repeated flight when it reads.
    if (client_done) SSL_read(peers.client.get(), none, sizeof none);
    if (server_done) SSL_read(peers.server.get(), none, sizeof none);
    result = handshake(peers);
  }
  return result;
}

}  // namespace twin
