// Tickets: their layout, opened again, changed in every place, and when memory is short.
#include "session/ticket.h"

#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include <string>
#include <vector>

#include "config/context.h"
#include "session/asn1.h"
#include "support/failing_allocator.h"
#include "support/peers.h"

namespace handfast {
namespace {

using Octets = std::vector<uint8_t>;

constexpr size_t kPrefix = 32;  // key name and IV
constexpr size_t kMac = 32;

twin::Owned<SSL_CTX> context_with_keys(uint8_t first) {
  twin::Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Octets keys(80);
  for (uint8_t& byte : keys) byte = first++;
  EXPECT_EQ(SSL_CTX_set_tlsext_ticket_keys(context.get(), keys.data(), keys.size()), 1);
  return context;
}

SessionRef sample_session() {
  SessionRef session(new_session());
  session->version = TLS1_2_VERSION;
  session->cipher = find_cipher_suite(0xc02f);
  session->cipher_id = SSL_CIPHER_get_id(session->cipher);
  EXPECT_TRUE(
      session->master_key.assign(as_view("a master secret of forty-eight bytes, no more, n")));
  EXPECT_TRUE(session->ticket_appdata.assign(as_view("data of the application")));
  return session;
}

Octets seal(SSL_CTX& context, const Session& session) {
  Bytes ticket;
  EXPECT_TRUE(seal_ticket(nullptr, context, session, ticket).ok());
  return {ticket.view().begin(), ticket.view().end()};
}

Ticket open(SSL_CTX& context, View bytes, bool tls13 = false, View id = {}) {
  return open_ticket(nullptr, context, tls13, bytes, id);
}

TEST(SessionTicket, OpensWhatItSealed) {
  twin::Owned<SSL_CTX> context = context_with_keys(1);
  Ticket ticket = open(*context, seal(*context, *sample_session()));
  ASSERT_EQ(ticket.status, SSL_TICKET_SUCCESS);
  EXPECT_EQ(ticket.session->version, TLS1_2_VERSION);
  EXPECT_EQ(ticket.session->master_key.size(), 48u);
  EXPECT_TRUE(equal(ticket.session->ticket_appdata.view(), as_view("data of the application")));
  EXPECT_EQ(ticket.session->id_length, 0);
}

// RFC 5077 3.4: the server echoes the id that came with the ticket.
TEST(SessionTicket, TakesTheHellosSessionId) {
  twin::Owned<SSL_CTX> context = context_with_keys(1);
  Octets bytes = seal(*context, *sample_session());
  Ticket ticket = open(*context, bytes, false, as_view("id of the hello"));
  ASSERT_EQ(ticket.status, SSL_TICKET_SUCCESS);
  EXPECT_TRUE(equal({ticket.session->id, ticket.session->id_length}, as_view("id of the hello")));
}

TEST(SessionTicket, IsRenewedInTls13) {
  twin::Owned<SSL_CTX> context = context_with_keys(1);
  EXPECT_EQ(open(*context, seal(*context, *sample_session()), true).status,
            SSL_TICKET_SUCCESS_RENEW);
}

// The same ticket twice would tell that the same session came back.
TEST(SessionTicket, HasANewIvEachTime) {
  twin::Owned<SSL_CTX> context = context_with_keys(1);
  SessionRef session = sample_session();
  EXPECT_NE(seal(*context, *session), seal(*context, *session));
}

// RFC 5077 4, with OpenSSL's keys: name [16], HMAC key [32], AES key [32].
TEST(SessionTicket, HasOpenSslsLayout) {
  twin::Owned<SSL_CTX> context = context_with_keys(1);
  SessionRef session = sample_session();
  Octets bytes = seal(*context, *session);
  Octets keys(80);
  for (size_t i = 0; i < keys.size(); i++) keys[i] = static_cast<uint8_t>(i + 1);
  EXPECT_TRUE(equal(View(bytes).first(16), View(keys).first(16)));
  uint8_t mac[kMac];
  ASSERT_NE(HMAC(EVP_sha256(), &keys[16], 32, bytes.data(), bytes.size() - kMac, mac, nullptr),
            nullptr);
  EXPECT_TRUE(equal(mac, View(bytes).last(kMac)));
  EvpCipherCtxPtr cipher(EVP_CIPHER_CTX_new());
  EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_cbc(), nullptr, &keys[48], &bytes[16]);
  Octets state(bytes.size());
  int length = 0, rest = 0;
  ASSERT_EQ(EVP_DecryptUpdate(cipher.get(), state.data(), &length, &bytes[kPrefix],
                              static_cast<int>(bytes.size() - kPrefix - kMac)),
            1);
  ASSERT_EQ(EVP_DecryptFinal_ex(cipher.get(), state.data() + length, &rest), 1);
  state.resize(static_cast<size_t>(length + rest));
  unsigned char* der = nullptr;
  int der_length = encode_session(*session, &der);
  EXPECT_TRUE(equal(state, {der, static_cast<size_t>(der_length)}));
  OPENSSL_free(der);
}

TEST(SessionTicket, IsRefusedWhenAnyByteIsChanged) {
  twin::Owned<SSL_CTX> context = context_with_keys(1);
  Octets bytes = seal(*context, *sample_session());
  for (uint8_t& byte : bytes) {
    byte ^= 1;
    Ticket ticket = open(*context, bytes);
    EXPECT_EQ(ticket.status, SSL_TICKET_NO_DECRYPT) << &byte - bytes.data();
    EXPECT_EQ(ticket.session, nullptr);
    byte ^= 1;
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(SessionTicket, IsRefusedAtAnyOtherLength) {
  twin::Owned<SSL_CTX> context = context_with_keys(1);
  Octets bytes = seal(*context, *sample_session());
  EXPECT_EQ(open(*context, {}).status, SSL_TICKET_EMPTY);
  for (size_t length = 1; length < bytes.size(); length++) {
    EXPECT_EQ(open(*context, View(bytes).first(length)).status, SSL_TICKET_NO_DECRYPT) << length;
  }
  bytes.push_back(0);
  EXPECT_EQ(open(*context, bytes).status, SSL_TICKET_NO_DECRYPT);
}

TEST(SessionTicket, IsRefusedByOtherKeys) {
  twin::Owned<SSL_CTX> context = context_with_keys(1), other = context_with_keys(2);
  EXPECT_EQ(open(*other, seal(*context, *sample_session())).status, SSL_TICKET_NO_DECRYPT);
}

// Seals any bytes as `context`'s keys would.
Octets seal_bytes(View state) {
  Octets keys(80), bytes(kPrefix + state.size() + EVP_MAX_BLOCK_LENGTH);
  for (size_t i = 0; i < keys.size(); i++) keys[i] = static_cast<uint8_t>(i + 1);
  std::copy(keys.begin(), keys.begin() + 16, bytes.begin());
  EvpCipherCtxPtr cipher(EVP_CIPHER_CTX_new());
  EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_cbc(), nullptr, &keys[48], &bytes[16]);
  int length = 0, rest = 0;
  EVP_EncryptUpdate(cipher.get(), &bytes[kPrefix], &length, state.data(),
                    static_cast<int>(state.size()));
  EVP_EncryptFinal_ex(cipher.get(), &bytes[kPrefix] + length, &rest);
  bytes.resize(kPrefix + static_cast<size_t>(length + rest));
  uint8_t mac[kMac];
  HMAC(EVP_sha256(), &keys[16], 32, bytes.data(), bytes.size(), mac, nullptr);
  bytes.insert(bytes.end(), mac, mac + kMac);
  return bytes;
}

TEST(SessionTicket, HoldsASessionAndNothingElse) {
  twin::Owned<SSL_CTX> context = context_with_keys(1);
  unsigned char* der = nullptr;
  int length = encode_session(*sample_session(), &der);
  Octets state(der, der + length);
  OPENSSL_free(der);
  EXPECT_EQ(open(*context, seal_bytes(state)).status, SSL_TICKET_SUCCESS);
  state.push_back(0);
  EXPECT_EQ(open(*context, seal_bytes(state)).status, SSL_TICKET_NO_DECRYPT);
  state.resize(state.size() - 2);
  EXPECT_EQ(open(*context, seal_bytes(state)).status, SSL_TICKET_NO_DECRYPT);
  EXPECT_EQ(open(*context, seal_bytes(as_view("no session"))).status, SSL_TICKET_NO_DECRYPT);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(SessionTicket, OfALargeSession) {
  twin::Owned<SSL_CTX> context = context_with_keys(1);
  SessionRef session = sample_session();
  Octets large(0xfe00, 'x');
  ASSERT_TRUE(session->ticket_appdata.assign(large));
  Bytes ticket;
  EXPECT_TRUE(seal_ticket(nullptr, *context, *session, ticket).ok());
  EXPECT_EQ(open(*context, ticket.view()).status, SSL_TICKET_SUCCESS);
  large.resize(0xff00);
  ASSERT_TRUE(session->ticket_appdata.assign(large));
  EXPECT_EQ(seal_ticket(nullptr, *context, *session, ticket).alert, Alert::internal_error);
}

TEST(SessionTicket, WhenMemoryIsShort) {
  if (!support::allocator_installed()) GTEST_SKIP() << "libcrypto had allocated before main()";
  twin::Owned<SSL_CTX> context = context_with_keys(1);
  SessionRef session = sample_session();
  Octets bytes = seal(*context, *session);
  for (size_t successes = 0; successes < 100; successes++) {
    Bytes ticket;
    support::fail_allocation_after(successes);
    bool sealed = seal_ticket(nullptr, *context, *session, ticket).ok();
    bool failed = support::stop_failing();
    EXPECT_NE(sealed, failed);
    support::fail_allocation_after(successes);
    Ticket opened = open(*context, bytes);
    bool failed_to_open = support::stop_failing();
    EXPECT_NE(opened.status == SSL_TICKET_SUCCESS, failed_to_open);
    EXPECT_EQ(opened.session == nullptr, failed_to_open);
    ERR_clear_error();
    if (!failed && !failed_to_open) return;
  }
  ADD_FAILURE() << "never enough memory";
}

// What the application may answer to each thing that was found.
TEST(SessionTicket, DecryptCallbackOverrules) {
  twin::Owned<SSL_CTX> context = context_with_keys(1);
  static SSL_TICKET_RETURN answer;
  SSL_CTX_set_session_ticket_cb(
      context.get(), nullptr,
      [](SSL*, SSL_SESSION*, const unsigned char*, size_t, SSL_TICKET_STATUS, void*) {
        return answer;
      },
      nullptr);
  struct {
    SSL_TICKET_RETURN answer;
    SSL_TICKET_STATUS empty, no_decrypt, opened;
  } table[] = {
      {SSL_TICKET_RETURN_ABORT, SSL_TICKET_FATAL_ERR_OTHER, SSL_TICKET_FATAL_ERR_OTHER,
       SSL_TICKET_FATAL_ERR_OTHER},
      {SSL_TICKET_RETURN_IGNORE, SSL_TICKET_NONE, SSL_TICKET_NONE, SSL_TICKET_NONE},
      {SSL_TICKET_RETURN_IGNORE_RENEW, SSL_TICKET_EMPTY, SSL_TICKET_NO_DECRYPT,
       SSL_TICKET_NO_DECRYPT},
      {SSL_TICKET_RETURN_USE, SSL_TICKET_FATAL_ERR_OTHER, SSL_TICKET_FATAL_ERR_OTHER,
       SSL_TICKET_SUCCESS},
      {SSL_TICKET_RETURN_USE_RENEW, SSL_TICKET_FATAL_ERR_OTHER, SSL_TICKET_FATAL_ERR_OTHER,
       SSL_TICKET_SUCCESS_RENEW},
      {99, SSL_TICKET_FATAL_ERR_OTHER, SSL_TICKET_FATAL_ERR_OTHER, SSL_TICKET_FATAL_ERR_OTHER},
  };
  Octets bytes = seal(*context, *sample_session());
  auto asked = [&](View given) {
    Ticket ticket = open(*context, given);
    ask_decrypt_ticket(nullptr, *context, given, ticket);
    bool usable = ticket.status == SSL_TICKET_SUCCESS || ticket.status == SSL_TICKET_SUCCESS_RENEW;
    EXPECT_EQ(ticket.session != nullptr, usable);
    return ticket.status;
  };
  for (const auto& row : table) {
    answer = row.answer;
    EXPECT_EQ(asked({}), row.empty) << row.answer;
    EXPECT_EQ(asked(View(bytes).first(20)), row.no_decrypt) << row.answer;
    EXPECT_EQ(asked(bytes), row.opened) << row.answer;
  }
}

}  // namespace
}  // namespace handfast
