// Conversations over datagrams that somebody disturbs. Time passes when a test says so.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "connection/connection.h"
#include "support/datagrams.h"
#include "support/dtls_cookies.h"
#include "support/dtls_records.h"
#include "support/older.h"

namespace handfast::datagram_test {

constexpr const char* kEcdhe = "ECDHE-ECDSA-AES128-GCM-SHA256";
constexpr const char* kPsk = "PSK-AES128-CBC-SHA256:PSK-AES128-CBC-SHA";

// What is gone through.
struct Kind {
  const char* name = "full";
  int version = DTLS1_2_VERSION;
  const char* suites = kEcdhe;
  bool client_certificate = false;
  bool cookie = false;
  enum { none, by_id, by_ticket } resumption = none;
  long mtu = 1472;
};

inline unsigned psk_of_client(SSL*, const char*, char* identity, unsigned, unsigned char* psk,
                              unsigned) {
  std::copy_n("name", 5, identity);
  std::fill_n(psk, 16, 5);
  return 16;
}

inline unsigned psk_of_server(SSL*, const char*, unsigned char* psk, unsigned) {
  std::fill_n(psk, 16, 5);
  return 16;
}

// New connections of the same contexts, again and again.
class Bench {
 public:
  explicit Bench(const Kind& kind) : kind_(kind) {
    net.client.query_mtu = net.server.query_mtu = kind.mtu;
    peers = twin::make_peers(twin::at_version(
        kind.version, {.certificate = "server-p256",
                       .client_context =
                           [&](SSL_CTX* context) {
                             configure(context);
                             SSL_CTX_set_psk_client_callback(context, psk_of_client);
                             if (kind.client_certificate) {
                               twin::use_certificate(context, "client-p256");
                             }
                           },
                       .server_context =
                           [&](SSL_CTX* context) {
                             configure(context);
                             SSL_CTX_set_psk_server_callback(context, psk_of_server);
                             if (kind.cookie) twin::exchange_cookies(context);
                             if (kind.client_certificate) {
                               SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
                             }
                           }}));
    renew();
    if (kind.resumption == Kind::none) return;
    EXPECT_TRUE(complete());
    session_.reset(SSL_get1_session(client()));
    for (SSL* ssl : {client(), server()}) SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN);
    renew();
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  [[nodiscard]] SSL* client() const { return peers.client.get(); }
  [[nodiscard]] SSL* server() const { return peers.server.get(); }

  void renew() {
    twin::renew(peers);
    net.clear();
    net.to_client.fate = net.to_server.fate = nullptr;
    twin::link_datagrams(peers, net);
    if (session_) SSL_set_session(client(), session_.get());
    ERR_clear_error();
  }

  // One call of a side: it goes on with its handshake or looks what has come.
  bool step(SSL* ssl) {
    char byte = 0;
    ERR_clear_error();
    int result = SSL_is_init_finished(ssl) != 0 ? SSL_peek(ssl, &byte, 1) : SSL_do_handshake(ssl);
    int error = SSL_get_error(ssl, result);
    bool over = error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ;
    if (over && error == SSL_ERROR_SSL) EXPECT_NE(ERR_peek_error(), 0U);
    if (!over) EXPECT_EQ(ERR_peek_error(), 0U) << twin::errors();
    ERR_clear_error();
    return !over;
  }

  // The timers that run run out.
  static bool run_out(SSL* ssl) {
    RetransmissionTimer& timer = ssl->channel.datagram->timer;
    if (!timer.on()) return false;
    timer.due = {1, 0};
    return true;
  }

  [[nodiscard]] bool finished() const {
    return SSL_is_init_finished(client()) != 0 && SSL_is_init_finished(server()) != 0;
  }

  // Both sides in turn until both are done. False: one failed, or nothing moves even with time.
  bool complete(int most = 80) {
    for (int round = 0; round < most; ++round) {
      bool idle = net.to_client.arrived.empty() && net.to_server.arrived.empty() && round > 1;
      if (idle && finished()) return true;
      if (idle) {
        bool runs = run_out(client());
        if (!run_out(server()) && !runs) return false;
      }
      if (!step(client()) || !step(server())) return false;
    }
    return false;
  }

  // Both have the same keys, believe the same transcript, and data passes.
  void expect_agreed() {
    net.to_client.fate = net.to_server.fate = nullptr;
    EXPECT_STREQ(SSL_get_cipher(client()), SSL_get_cipher(server()));
    EXPECT_EQ(SSL_version(client()), SSL_version(server()));
    unsigned char keys[2][64] = {};
    size_t length = SSL_SESSION_get_master_key(SSL_get0_session(client()), keys[0], 64);
    EXPECT_EQ(SSL_SESSION_get_master_key(SSL_get0_session(server()), keys[1], 64), length);
    EXPECT_EQ(std::memcmp(keys[0], keys[1], 64), 0);
    for (bool swapped : {false, true}) {
      char one[64] = {}, other[64] = {};
      size_t size = SSL_get_finished(swapped ? client() : server(), one, 64);
      EXPECT_EQ(SSL_get_peer_finished(swapped ? server() : client(), other, 64), size);
      EXPECT_GT(size, 0U);
      EXPECT_EQ(std::memcmp(one, other, 64), 0);
    }
    expect_data();
  }
  void expect_data() {
    EXPECT_EQ(twin::transfer(client(), server(), twin::sample(300)), "300 bytes equal");
    EXPECT_EQ(twin::transfer(server(), client(), twin::sample(300)), "300 bytes equal");
  }

  // A record that the side's keys protect, whatever it is.
  static std::string sealed(SSL* ssl, int type, const std::string& content) {
    Bytes out;
    EXPECT_TRUE(
        ssl->channel.writer.seal(static_cast<ContentType>(type), as_view(content), out).ok());
    return {reinterpret_cast<const char*>(out.data()), out.size()};
  }

  twin::Net net;
  twin::Peers peers;

 private:
  void configure(SSL_CTX* context) const {
    EXPECT_EQ(
        SSL_CTX_set_cipher_list(context, (std::string(kind_.suites) + ":@SECLEVEL=0").c_str()), 1);
    if (kind_.resumption != Kind::none) {
      twin::allow_resumption(context, kind_.resumption == Kind::by_ticket);
    }
  }
  Kind kind_;
  twin::Owned<SSL_SESSION> session_;
};

inline std::string name_of(const testing::TestParamInfo<Kind>& info) {
  return info.param.name;
}

}  // namespace handfast::datagram_test
