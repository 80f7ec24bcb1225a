// Sides of a handshake of TLS 1.2, and sessions and suites to put into it.
#pragma once

#include <openssl/tls1.h>

#include "crypto/cipher_suite.h"
#include "extension_test_support.h"
#include "session/session.h"

namespace handfast::test {

constexpr uint16_t kEcdheRsaAes128Sha = 0xc013, kEcdheRsaAes128Gcm = 0xc02f,
                   kEcdheEcdsaAes128Gcm = 0xc02b, kEcdheEcdsaAes256Gcm = 0xc02c,
                   kRsaAes128Sha = 0x002f, kRsaNullSha = 0x0002;

// `negotiated.version` and `.suite` are chosen, as when a hello's extensions are read or answered.
struct Side12 : Side {
  explicit Side12(bool server, uint16_t suite = kEcdheRsaAes128Sha) : Side(server) {
    exchange.min_version = TLS1_VERSION;
    exchange.max_version = TLS1_2_VERSION;
    negotiated.version = TLS1_2_VERSION;
    set_suite(suite);
  }
  void set_suite(uint16_t id) {
    negotiated.suite = find_cipher_suite(id);
    EXPECT_NE(negotiated.suite, nullptr) << id;
  }
  // A handshake is done, the next one begins.
  void renegotiate(const Octets& own_finished, const Octets& peer_finished) {
    negotiated.own_finished.assign(own_finished);
    negotiated.peer_finished.assign(peer_finished);
    negotiated.secure_renegotiation = true;
    exchange.renegotiating = true;
  }
};

// A client of TLS 1.2 that has sent everything.
struct Client12 : Side12 {
  explicit Client12(uint16_t suite = kEcdheRsaAes128Sha) : Side12(false, suite) {
    exchange.sent = ~uint64_t{0};
  }
  // In a ServerHello with renegotiation_info as it must be.
  Verdict reads(int type, const Octets& body) {
    Octets block = extension(type, body);
    if (type != TLSEXT_TYPE_renegotiate) block = block + renegotiation_info();
    return read(kInServerHello12, block);
  }
  Verdict reads(int type, std::string_view body) { return reads(type, hex(body)); }
  Verdict reads_nothing() { return read(kInServerHello12, renegotiation_info()); }
  Octets renegotiation_info() {
    Octets value;
    if (exchange.renegotiating) {
      View own = negotiated.own_finished.view(), peer = negotiated.peer_finished.view();
      value.assign(own.begin(), own.end());
      value.insert(value.end(), peer.begin(), peer.end());
    }
    return extension(TLSEXT_TYPE_renegotiate, vector8(value));
  }
};

struct Server12 : Side12 {
  explicit Server12(uint16_t suite = kEcdheRsaAes128Sha) : Side12(true, suite) {}
  Verdict reads(int type, const Octets& body) {
    return read(kInClientHello, extension(type, body));
  }
  Verdict reads(int type, std::string_view body) { return reads(type, hex(body)); }
  std::string answer() { return to_hex(write(kInServerHello12)); }
};

// A session of TLS 1.2 with this ticket.
inline SessionRef session12(const Octets& ticket, uint32_t flags = 0) {
  SessionRef session(new_session());
  EXPECT_NE(session, nullptr);
  session->version = TLS1_2_VERSION;
  session->flags = flags;
  EXPECT_TRUE(session->ticket.assign(ticket));
  return session;
}

}  // namespace handfast::test
