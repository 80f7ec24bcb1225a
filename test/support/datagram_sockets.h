// Sockets of UDP between two ends that have a stream to each other, and how an SSL gets one.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>

#include "peers.h"

namespace twin {

/// Whether `version` is one of DTLS, which counts downwards.
inline bool is_datagram_version(int version) {
  return (version >> 8) == DTLS1_VERSION_MAJOR;
}

/// A new socket of UDP on the loopback, connected to that of the process at the other end of the
/// stream, which calls this too. -1: the other end has gone.
inline int connect_datagrams(int stream) {
  sockaddr_in own = {}, peer = {};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
  socklen_t size = sizeof own;
  require(bind(descriptor, reinterpret_cast<sockaddr*>(&own), size) == 0 &&
              getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &size) == 0,
          "a socket of UDP");
  bool met = send(stream, &own, sizeof own, 0) == sizeof own &&
             recv(stream, &peer, sizeof peer, MSG_WAITALL) == sizeof peer &&
             connect(descriptor, reinterpret_cast<sockaddr*>(&peer), sizeof peer) == 0;
  if (met) return descriptor;
  close(descriptor);
  return -1;
}

/// Gives a connected socket of datagrams to the connection, which does not close it. Handshakes
/// keep to datagrams of `link_mtu` bytes.
inline void set_datagrams(SSL* ssl, int descriptor, long link_mtu = 600) {
  BIO* bio = BIO_new_dgram(descriptor, BIO_NOCLOSE);
  BIO_ADDR* peer = BIO_ADDR_new();
  in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
  BIO_ADDR_rawmake(peer, AF_INET, &loopback, sizeof loopback, 0);
  BIO_ctrl_set_connected(bio, peer);
  BIO_ADDR_free(peer);
  SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
  require(DTLS_set_link_mtu(ssl, link_mtu) == 1, "DTLS_set_link_mtu");
  SSL_set_bio(ssl, bio, bio);
}

}  // namespace twin
