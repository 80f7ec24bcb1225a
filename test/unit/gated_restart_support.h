// A server that lets its clients restart the handshake, and the clients.
#pragma once

#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "engine_support.h"
#include "handfast/control.h"

namespace handfast::gated_test {

using namespace engine_test;

constexpr const char* kSuite = "ECDHE-RSA-AES128-GCM-SHA256";
constexpr const char* kNetscape = "serverAuth,nsSGC";
constexpr const char* kMicrosoft = "serverAuth,msSGC";

// The key of server-rsa.pem, certified anew for another usage; no usage for nullptr.
inline twin::Owned<X509> certificate_for(const char* usage) {
  twin::Owned<X509> made = twin::read_certificate("server-rsa");
  twin::Owned<EVP_PKEY> issuer_key = twin::read_key("root");
  X509_set_issuer_name(made.get(), X509_get_subject_name(twin::read_certificate("root").get()));
  for (int nid : {NID_ext_key_usage, NID_authority_key_identifier}) {
    int at = X509_get_ext_by_NID(made.get(), nid, -1);
    if (at >= 0) X509_EXTENSION_free(X509_delete_ext(made.get(), at));
  }
  if (usage != nullptr) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_ext_key_usage, usage);
    EXPECT_NE(extension, nullptr);
    EXPECT_EQ(X509_add_ext(made.get(), extension, -1), 1);
    X509_EXTENSION_free(extension);
  }
  const EVP_MD* md = EVP_PKEY_is_a(issuer_key.get(), "ED25519") != 0 ? nullptr : EVP_sha256();
  EXPECT_GT(X509_sign(made.get(), issuer_key.get(), md), 0) << twin::errors();
  return made;
}

struct Counted {
  int client_hello = 0, server_name = 0, alpn = 0;
};
inline Counted counted;

inline int count_client_hello(SSL*, int*, void*) {
  ++counted.client_hello;
  return SSL_CLIENT_HELLO_SUCCESS;
}

inline int count_server_name(SSL*, int*, void*) {
  ++counted.server_name;
  return SSL_TLSEXT_ERR_OK;
}

inline int count_alpn(SSL*, const unsigned char** out, unsigned char* length,
                      const unsigned char* in, unsigned, void*) {
  ++counted.alpn;
  *out = in + 1;
  *length = in[0];
  return SSL_TLSEXT_ERR_OK;
}

inline twin::Owned<SSL_CTX> server_context(const char* usage = kMicrosoft) {
  counted = {};
  twin::Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  twin::trust(context.get());
  EXPECT_EQ(SSL_CTX_use_certificate(context.get(), certificate_for(usage).get()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), twin::read_key("server-rsa").get()), 1);
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_client_hello_cb(context.get(), count_client_hello, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context.get(), count_server_name);
  SSL_CTX_set_alpn_select_cb(context.get(), count_alpn, nullptr);
  EXPECT_EQ(HANDFAST_CTX_set_server_gated_cryptography(context.get(), 1), 1);
  return context;
}

struct ClientSetup {
  int version = TLS1_2_VERSION;
  const char* suites = kSuite;
  const char* name = "localhost";
  std::function<void(SSL*)> more{};
};

inline twin::Owned<SSL> new_client12(const ClientSetup& setup = {}) {
  twin::Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  twin::trust(context.get());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), setup.version);
  SSL_CTX_set_cipher_list(context.get(), (std::string(setup.suites) + ":@SECLEVEL=0").c_str());
  SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const uint8_t*>("\2h2"), 3);
  twin::Owned<SSL> ssl(SSL_new(context.get()));
  SSL_set_connect_state(ssl.get());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  if (setup.name != nullptr) SSL_set_tlsext_host_name(ssl.get(), setup.name);
  if (setup.more) setup.more(ssl.get());
  return ssl;
}

inline Octets taken(BIO* bio) {
  Octets out(static_cast<size_t>(BIO_ctrl_pending(bio)));
  if (!out.empty()) BIO_read(bio, out.data(), static_cast<int>(out.size()));
  return out;
}

// What a client sends next; its first flight is in records of the version that was negotiated.
inline Octets flight(SSL* client, uint16_t version = TLS1_2_VERSION) {
  SSL_do_handshake(client);
  ERR_clear_error();
  Octets out = taken(SSL_get_wbio(client));
  if (out.size() > 2) {
    out[1] = static_cast<uint8_t>(version >> 8);
    out[2] = static_cast<uint8_t>(version);
  }
  return out;
}

// A server and the clients that talk to it one after the other.
class Gate {
 public:
  explicit Gate(twin::Owned<SSL> server) : server_(std::move(server)) {
    SSL_set_accept_state(server_.get());
    SSL_set_bio(server_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  }
  explicit Gate(SSL_CTX* context) : Gate(twin::Owned<SSL>(SSL_new(context))) {}
  SSL* server() { return server_.get(); }

  const Outcome& feed(const Octets& bytes) {
    if (!bytes.empty()) {
      BIO_write(SSL_get_rbio(server()), bytes.data(), static_cast<int>(bytes.size()));
    }
    ERR_clear_error();
    outcome_ = {};
    outcome_.returned = SSL_do_handshake(server());
    outcome_.error = SSL_get_error(server(), outcome_.returned);
    while (unsigned long code = ERR_get_error()) {
      if (ERR_GET_LIB(code) == ERR_LIB_SSL) outcome_.reasons.push_back(ERR_GET_REASON(code));
    }
    return outcome_;
  }
  // The first client gets no answer.
  void begin(SSL* first, uint16_t version = TLS1_2_VERSION) {
    EXPECT_EQ(feed(flight(first, version)).error, SSL_ERROR_WANT_READ);
    answer_ = taken(SSL_get_wbio(server()));
    EXPECT_FALSE(answer_.empty());
  }
  void begin() {
    twin::Owned<SSL> first = new_client12();
    begin(first.get());
  }
  [[nodiscard]] const Octets& answer() const { return answer_; }
  // The whole handshake with a client whose hello the server has answered.
  bool complete(SSL* client) {
    for (int i = 0; i < 6; ++i) {
      Octets sent = taken(SSL_get_wbio(server()));
      if (!sent.empty()) {
        BIO_write(SSL_get_rbio(client), sent.data(), static_cast<int>(sent.size()));
      }
      int done = SSL_do_handshake(client);
      if (feed(taken(SSL_get_wbio(client))).returned == 1 && done == 1) return true;
    }
    return false;
  }
  void expect_data(SSL* client) {
    char buffer[100] = {};
    EXPECT_EQ(SSL_write(client, "to the server", 13), 13);
    Octets sent = taken(SSL_get_wbio(client));
    BIO_write(SSL_get_rbio(server()), sent.data(), static_cast<int>(sent.size()));
    EXPECT_EQ(SSL_read(server(), buffer, sizeof buffer), 13);
    EXPECT_STREQ(buffer, "to the server");
    EXPECT_EQ(SSL_write(server(), "to the client", 13), 13);
    sent = taken(SSL_get_wbio(server()));
    BIO_write(SSL_get_rbio(client), sent.data(), static_cast<int>(sent.size()));
    EXPECT_EQ(SSL_read(client, buffer, sizeof buffer), 13);
    EXPECT_STREQ(buffer, "to the client");
  }
  // The last call failed; its alert is the last thing sent, and nothing works afterwards.
  void expect_refused(Alert alert, int reason, uint8_t major_minor = 3) {
    EXPECT_EQ(outcome_.returned, -1);
    EXPECT_EQ(outcome_.error, SSL_ERROR_SSL);
    EXPECT_TRUE(outcome_.has(reason)) << (outcome_.reasons.empty() ? 0 : outcome_.reasons[0]);
    Octets sent = taken(SSL_get_wbio(server()));
    ASSERT_GE(sent.size(), 7U);
    Octets expected = {21, 3, major_minor, 0, 2, 2, static_cast<uint8_t>(alert)};
    EXPECT_EQ(Octets(sent.end() - 7, sent.end()), expected);
    EXPECT_EQ(feed({}).returned, -1);
    EXPECT_TRUE(taken(SSL_get_wbio(server())).empty());
  }

 private:
  twin::Owned<SSL> server_;
  Outcome outcome_;
  Octets answer_;
};

}  // namespace handfast::gated_test
