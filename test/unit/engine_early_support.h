// Servers that have made a ticket for early data, and the client that comes back with it.
#pragma once

#include "engine_psk_support.h"

namespace handfast::engine_test {

constexpr uint32_t kLimit = 1000;

inline void welcome_early_data(SSL_CTX* context) {
  use_stateful_tickets(context);
  SSL_CTX_set_max_early_data(context, kLimit);
  SSL_CTX_set_recv_max_early_data(context, kLimit);
}

// A server that has made a ticket, what its application reads, and the client's script.
struct Early {
  Resumption made;
  std::shared_ptr<std::string> got = std::make_shared<std::string>();
  Script script;

  explicit Early(const std::function<void(Peer&)>& send = nullptr,
                 const ConfigureContext& configure = nullptr, const Script& first = {})
      : made(server_with_ticket(
            [&](SSL_CTX* context) {
              welcome_early_data(context);
              if (configure) configure(context);
            },
            first)) {
    script = first;
    script.keys = {made.key};
    script.early_data = send ? send : [](Peer& peer) {
      peer.send(ContentType::application_data, octets(as_view("early")));
    };
    script.call = read_early(got);
  }
  Peer peer(const Configure& configure = nullptr) const {
    return {new_server(made.context.get(), configure), script};
  }
};

inline std::function<void(Peer&)> sending_data(size_t length, size_t records = 1) {
  return [=](Peer& peer) {
    for (size_t i = 0; i < records; ++i) {
      peer.send(ContentType::application_data, Octets(length, 'e'));
    }
  };
}

inline void expect_accepted(Peer& peer) {
  EXPECT_TRUE(peer.early_data_accepted());
  EXPECT_EQ(SSL_get_early_data_status(peer.ssl()), SSL_EARLY_DATA_ACCEPTED);
}

inline void expect_rejected(Peer& peer) {
  EXPECT_FALSE(peer.early_data_accepted());
  EXPECT_EQ(SSL_get_early_data_status(peer.ssl()), SSL_EARLY_DATA_REJECTED);
  peer.send(ContentType::application_data, {'x'});
  peer.drive();
  EXPECT_EQ(peer.decrypted(), "x");
}

inline void fails(const Early& early, const Failure& failure,
                  const Configure& configure = nullptr) {
  Peer peer = early.peer(configure);
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, failure);
}

}  // namespace handfast::engine_test
