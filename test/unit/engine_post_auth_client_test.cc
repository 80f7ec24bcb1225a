// A client against CertificateRequests after the handshake (RFC 8446 section 4.6.2).
#include <gtest/gtest.h>

#include "crypto/signature_scheme.h"
#include "engine_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

void offering(SSL* ssl) {
  SSL_set_post_handshake_auth(ssl, 1);
}

void with_certificate(SSL* ssl) {
  offering(ssl);
  ASSERT_EQ(
      SSL_use_certificate_file(ssl, twin::fixture("client-ed25519.pem").c_str(), SSL_FILETYPE_PEM),
      1);
  ASSERT_EQ(
      SSL_use_PrivateKey_file(ssl, twin::fixture("client-ed25519.key").c_str(), SSL_FILETYPE_PEM),
      1);
}

void established(const std::function<void(Peer&)>& test,
                 const Configure& configure = with_certificate, const Script& script = {}) {
  Peer peer(new_client(configure), script);
  ASSERT_TRUE(peer.handshake());
  test(peer);
}

Octets body_of(const Octets& message) {
  return message.size() < 4 ? Octets{} : Octets(message.begin() + 4, message.end());
}

// The SSL's CertificateVerify over the transcript before it, whose hash is `hash`.
void expect_signature(const Octets& message, const Digest& hash) {
  ASSERT_GT(message.size(), 8U);
  EXPECT_EQ(message[0], SSL3_MT_CERTIFICATE_VERIFY);
  twin::Owned<X509> certificate = twin::read_certificate("client-ed25519");
  const SignatureScheme* scheme = find_signature_scheme(0x0807);
  Bytes content;
  ASSERT_TRUE(certificate_verify_content(false, hash.view(), content));
  EXPECT_TRUE(verify_signature(algorithms(), *scheme, X509_get0_pubkey(certificate.get()),
                               content.view(), View(message).subspan(8))
                  .ok());
}

// What the SSL answers to the request that was sent last.
void expect_answer(Peer& peer, const Octets& context, bool certificate = true) {
  Octets first = peer.take_message();
  ASSERT_GT(first.size(), 8U);
  EXPECT_EQ(first[0], SSL3_MT_CERTIFICATE);
  Octets body = body_of(first), echoed = vector8(context);
  ASSERT_GT(body.size(), echoed.size());
  EXPECT_EQ(Octets(body.begin(), body.begin() + static_cast<ptrdiff_t>(echoed.size())), echoed);
  EXPECT_EQ(body.size() > echoed.size() + 3, certificate);
  if (certificate) {
    Digest hash = peer.transcript_hash();
    expect_signature(peer.take_message(), hash);
  }
  Octets expected = message(SSL3_MT_FINISHED, peer.verify_data(false));
  EXPECT_EQ(peer.take_message(), expected);
}

void expect_waiting(Peer& peer) {
  peer.drive();
  EXPECT_EQ(peer.outcome().error, SSL_ERROR_WANT_READ);
}

// `records` handshake contents are sent in order; the last one must be refused.
void refused(const char* name, const std::vector<Octets>& records, const Failure& failure) {
  SCOPED_TRACE(name);
  established([&](Peer& peer) {
    for (const Octets& record : records) peer.send(ContentType::handshake, record);
    peer.drive();
    expect_failure(peer, failure);
  });
}

Octets request(const Octets& context, const Extensions& extensions) {
  return message(SSL3_MT_CERTIFICATE_REQUEST, vector8(context) + build(extensions));
}

const Extensions kEd25519 = {{TLSEXT_TYPE_signature_algorithms, vector16(u16(0x0807))}};

}  // namespace

TEST(EnginePostAuthClient, AnswersWithTheContext) {
  for (size_t length : {0U, 1U, 32U, 255U}) {
    SCOPED_TRACE(length);
    established([&](Peer& peer) {
      Octets context = pattern(length, 3);
      peer.request_authentication(context);
      expect_waiting(peer);
      expect_answer(peer, context);
    });
  }
}

TEST(EnginePostAuthClient, AnswersWithoutCertificate) {
  established(
      [](Peer& peer) {
        peer.request_authentication({1});
        expect_waiting(peer);
        expect_answer(peer, {1}, false);
      },
      offering);
  // It has one, but none that the server would take.
  established([](Peer& peer) {
    peer.request_authentication({1}, [](Extensions& extensions) {
      set(extensions, TLSEXT_TYPE_signature_algorithms, vector16(u16(0x0403)));
    });
    expect_waiting(peer);
    expect_answer(peer, {1}, false);
  });
}

// Each on top of the handshake alone, whatever came between.
TEST(EnginePostAuthClient, AnswersOneAfterTheOther) {
  established([](Peer& peer) {
    for (uint8_t i = 0; i < 5; ++i) {
      peer.request_authentication({i});
      expect_waiting(peer);
      expect_answer(peer, {i});
      peer.send(ContentType::application_data, {'x'});
    }
    expect_waiting(peer);
    EXPECT_EQ(peer.decrypted(), "xxxxx");
  });
}

TEST(EnginePostAuthClient, AnswersAfterACertificateInTheHandshake) {
  Script script;
  script.request_certificate = true;
  established(
      [](Peer& peer) {
        peer.request_authentication({1});
        expect_waiting(peer);
        expect_answer(peer, {1});
      },
      with_certificate, script);
}

TEST(EnginePostAuthClient, TheFinishedUsesTheKeyOfTheMoment) {
  established([](Peer& peer) {
    for (int i = 0; i < 2; ++i) {
      SSL_key_update(peer.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
      EXPECT_EQ(SSL_do_handshake(peer.ssl()), 1);
      Arrived arrived;
      ASSERT_TRUE(peer.take_record(arrived));
      peer.update_read_keys();
    }
    peer.request_authentication({1});
    expect_waiting(peer);
    expect_answer(peer, {1});
  });
}

TEST(EnginePostAuthClient, RequestsInAnyRecords) {
  // Two requests in one record are answered in their order.
  established([](Peer& peer) {
    peer.send(ContentType::handshake, request({1}, kEd25519) + request({2}, kEd25519));
    expect_waiting(peer);
    for (uint8_t i : {1, 2}) {
      peer.rewind_transcript();
      peer.hash_message(request({i}, kEd25519));
      expect_answer(peer, {i});
    }
  });
  // A byte in each record; other messages in front of it and behind it.
  established([](Peer& peer) {
    for (uint8_t byte : request({1}, kEd25519)) peer.send(ContentType::handshake, {byte});
    expect_waiting(peer);
    peer.rewind_transcript();
    peer.hash_message(request({1}, kEd25519));
    expect_answer(peer, {1});
    Octets ticket = message(SSL3_MT_NEWSESSION_TICKET,
                            Octets(8, 0) + vector8({1}) + vector16({1}) + vector16({}));
    peer.send(ContentType::handshake,
              ticket + request({2}, kEd25519) + message(SSL3_MT_KEY_UPDATE, {0}));
    peer.update_write_keys();
    peer.send(ContentType::application_data, {'x'});
    expect_waiting(peer);
    EXPECT_EQ(peer.decrypted(), "x");
    peer.rewind_transcript();
    peer.hash_message(request({2}, kEd25519));
    expect_answer(peer, {2});
  });
}

TEST(EnginePostAuthClient, MalformedRequests) {
  Octets good = request({1}, kEd25519);
  Octets cut = good;
  cut.pop_back();
  cut[3]--;
  Octets longer = good + Octets{0};
  longer[3]++;
  refused("empty", {message(SSL3_MT_CERTIFICATE_REQUEST, {})},
          {Alert::decode_error, SSL_R_LENGTH_MISMATCH});
  refused("cut", {cut}, {Alert::decode_error, SSL_R_BAD_LENGTH});
  refused("longer", {longer}, {Alert::decode_error, SSL_R_LENGTH_MISMATCH});
  refused("context longer than the message", {message(SSL3_MT_CERTIFICATE_REQUEST, {9, 1})},
          {Alert::decode_error, SSL_R_LENGTH_MISMATCH});
  refused("announced too long", {{SSL3_MT_CERTIFICATE_REQUEST, 0x7f, 0, 0}},
          {Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE});
  // RFC 8446 4.3.2: signature_algorithms MUST be there.
  refused("no extensions", {request({1}, {})},
          {Alert::missing_extension, SSL_R_MISSING_SIGALGS_EXTENSION});
  refused("key_share", {request({1}, {kEd25519[0], {TLSEXT_TYPE_key_share, {0, 0}}})},
          {Alert::illegal_parameter, SSL_R_BAD_EXTENSION});
  refused("post_handshake_auth",
          {request({1}, {kEd25519[0], {TLSEXT_TYPE_post_handshake_auth, {}}})},
          {Alert::illegal_parameter, SSL_R_BAD_EXTENSION});
  refused("signature_algorithms twice", {request({1}, {kEd25519[0], kEd25519[0]})},
          {Alert::illegal_parameter, SSL_R_BAD_EXTENSION});
}

TEST(EnginePostAuthClient, UnknownExtensionsAreIgnored) {
  established([](Peer& peer) {
    peer.request_authentication({1}, [](Extensions& e) { set(e, 0x1234, {1, 2, 3}); });
    expect_waiting(peer);
    expect_answer(peer, {1});
  });
}

TEST(EnginePostAuthClient, DataBetweenTheParts) {
  established([](Peer& peer) {
    Octets whole = request({1}, kEd25519);
    peer.send(ContentType::handshake, {whole.begin(), whole.begin() + 6});
    peer.send(ContentType::application_data, {'x'});
    peer.drive();
    expect_failure(peer, {Alert::unexpected_message, SSL_R_MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA});
  });
}

TEST(EnginePostAuthClient, FloodOfRequests) {
  established([](Peer& peer) {
    for (int i = 0; i < 65; ++i) peer.request_authentication({static_cast<uint8_t>(i)});
    peer.drive();
    expect_failure(peer, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
  });
  // Application data in between ends a flood.
  established([](Peer& peer) {
    for (int i = 0; i < 150; ++i) {
      peer.request_authentication({static_cast<uint8_t>(i)});
      if (i % 60 == 0) peer.send(ContentType::application_data, {'x'});
    }
    expect_waiting(peer);
  });
}

// RFC 8446 6.1: nothing is sent after close_notify.
TEST(EnginePostAuthClient, SilentAfterCloseNotify) {
  established([](Peer& peer) {
    EXPECT_EQ(SSL_shutdown(peer.ssl()), 0);
    peer.drain();
    peer.request_authentication({1});
    peer.send(ContentType::application_data, {'x'});
    expect_waiting(peer);
    EXPECT_EQ(peer.decrypted(), "x");
    Arrived arrived;
    EXPECT_FALSE(peer.take_record(arrived));
  });
}

TEST(EnginePostAuthClient, ServersAnswerIsNoneOfItsMessages) {
  // RFC 8446 4.6.2: after its answer the client awaits nothing but what may always come.
  for (uint8_t type : {SSL3_MT_CERTIFICATE, SSL3_MT_CERTIFICATE_VERIFY, SSL3_MT_FINISHED}) {
    SCOPED_TRACE(type);
    established([&](Peer& peer) {
      peer.request_authentication({1});
      peer.send(ContentType::handshake, message(type, {0, 0, 0, 0}));
      peer.drive();
      Arrived arrived;
      for (int i = 0; i < 3; ++i) ASSERT_TRUE(peer.take_record(arrived));
      expect_failure(peer, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
    });
  }
}

// The certificate callback waits; meanwhile the connection neither reads nor writes.
TEST(EnginePostAuthClient, CallbackThatWaits) {
  static int calls;
  calls = 0;
  established(
      [](Peer& peer) {
        peer.request_authentication({1});
        peer.send(ContentType::application_data, {'x'});
        for (int i = 0; i < 3; ++i) {
          peer.drive();
          EXPECT_EQ(peer.outcome().error, SSL_ERROR_WANT_X509_LOOKUP);
          EXPECT_EQ(SSL_write(peer.ssl(), "y", 1), -1);
          EXPECT_EQ(SSL_get_error(peer.ssl(), -1), SSL_ERROR_WANT_X509_LOOKUP);
          Arrived arrived;
          EXPECT_FALSE(peer.take_record(arrived));
        }
        peer.drive();
        expect_waiting(peer);
        EXPECT_EQ(peer.decrypted(), "x");
        expect_answer(peer, {1});
      },
      [](SSL* ssl) {
        with_certificate(ssl);
        SSL_set_cert_cb(
            ssl, [](SSL*, void*) { return ++calls < 7 ? -1 : 1; }, nullptr);
      });
}
