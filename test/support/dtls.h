// Connections of DTLS.
#pragma once

#include "datagrams.h"
#include "older.h"
#include "resumption12.h"

namespace twin {

/// Peers that are joined by `net`, of this version only, or with DTLS_method() as it is for 0.
inline Peers dtls_peers(Net& net, int version = DTLS1_2_VERSION, Setup setup = {}) {
  if (version != 0) {
    setup = at_version(version, setup);
  } else {
    if (setup.certificate == "server-ed25519") setup.certificate = "server-rsa";
    setup.client_method = setup.server_method = DTLS_method();
  }
  Peers peers = make_peers(setup);
  link_datagrams(peers, net);
  return peers;
}

/// The same after a handshake, with nothing told of it.
inline Peers dtls_connected(Net& net, int version = DTLS1_2_VERSION, const Setup& setup = {}) {
  Peers peers = dtls_peers(net, version, setup);
  Result result = handshake(peers);
  require(result.good(), result.said());
  net.clear();
  return peers;
}

/// "none", or what is left until the timer runs out.
inline std::string timeout_of(SSL* ssl) {
  timeval left = {};
  long returned = DTLSv1_get_timeout(ssl, &left);
  if (returned != 1) return text("none (%ld)", returned);
  return text("%ld.%06ld s", static_cast<long>(left.tv_sec), static_cast<long>(left.tv_usec));
}

/// What both have agreed on, and data in both directions.
inline void tell_agreed(const Peers& peers) {
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    out("  %s: %s (%#x)", SSL_is_server(ssl) ? "server" : "client", agreed(ssl).c_str(),
        SSL_version(ssl));
  }
  out("  %s, %s", transfer(peers.client.get(), peers.server.get(), sample(1000)).c_str(),
      transfer(peers.server.get(), peers.client.get(), sample(1000, 8)).c_str());
}

}  // namespace twin
