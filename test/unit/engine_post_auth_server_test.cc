// A server that asks for a certificate after the handshake (RFC 8446 section 4.6.2), against
// answers that are right and wrong.
#include <gtest/gtest.h>

#include "engine_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

constexpr int kAskLater = SSL_VERIFY_PEER | SSL_VERIFY_POST_HANDSHAKE;

Script offering(Script script = {}) {
  script.client_hello = [](HelloParts& parts, int) {
    set(parts.extensions, TLSEXT_TYPE_post_handshake_auth, {});
  };
  return script;
}

void established(const std::function<void(Peer&)>& test, const Script& script = offering(),
                 int mode = kAskLater) {
  Peer peer(new_server([=](SSL* ssl) { SSL_set_verify(ssl, mode, nullptr); }), script);
  ASSERT_TRUE(peer.handshake());
  test(peer);
}

// The SSL asks; its request is in the transcript, on top of the handshake.
Octets context_of_request(Peer& peer) {
  EXPECT_EQ(SSL_verify_client_post_handshake(peer.ssl()), 1);
  EXPECT_EQ(peer.drive().returned, 1);
  peer.rewind_transcript();
  Octets request = peer.take_message();
  if (request.size() < 37 || request[0] != SSL3_MT_CERTIFICATE_REQUEST || request[4] != 32) {
    ADD_FAILURE() << "no request with a context of 32 bytes";
    return {};
  }
  return {request.begin() + 5, request.begin() + 37};
}

bool has_certificate(Peer& peer) {
  return SSL_get0_peer_certificate(peer.ssl()) != nullptr;
}

void expect_accepted(Peer& peer, bool certificate = true) {
  peer.drive();
  EXPECT_EQ(peer.outcome().error, SSL_ERROR_WANT_READ);
  EXPECT_EQ(has_certificate(peer), certificate);
  EXPECT_EQ(SSL_get_verify_result(peer.ssl()), X509_V_OK);
}

// The script's answer must be refused.
void refused(const char* name, Script script, const Failure& failure, int mode = kAskLater) {
  SCOPED_TRACE(name);
  bool answering = false;
  auto change = script.message;
  script.message = [&](uint8_t type, Octets& whole) {
    if (answering && change) change(type, whole);
  };
  established(
      [&](Peer& peer) {
        Octets context = context_of_request(peer);
        answering = true;
        peer.answer_request(context);
        peer.drive();
        expect_failure(peer, failure);
      },
      offering(script), mode);
}

Script changing(uint8_t wanted, const std::function<void(Octets&)>& change) {
  Script script;
  script.message = [=](uint8_t type, Octets& whole) {
    if (type == wanted) change(whole);
  };
  return script;
}

}  // namespace

TEST(EnginePostAuthServer, AcceptsEveryScheme) {
  struct Kind {
    uint16_t scheme;
    const char* certificate;
  };
  for (const Kind& kind : {Kind{0x0807, "client-ed25519"}, Kind{0x0403, "client-p256"},
                           Kind{0x0804, "client-rsa"}, Kind{0x0806, "client-rsa"}}) {
    SCOPED_TRACE(kind.scheme);
    Script script;
    script.scheme = kind.scheme;
    script.certificate = kind.certificate;
    established(
        [](Peer& peer) {
          for (int i = 0; i < 3; ++i) {
            peer.answer_request(context_of_request(peer));
            expect_accepted(peer);
          }
        },
        offering(script));
  }
}

TEST(EnginePostAuthServer, ContextsAreUnique) {
  established([](Peer& peer) {
    std::vector<Octets> seen;
    for (int i = 0; i < 10; ++i) {
      Octets context = context_of_request(peer);
      EXPECT_EQ(std::count(seen.begin(), seen.end(), context), 0);
      seen.push_back(context);
      peer.answer_request(context);
      expect_accepted(peer);
    }
  });
}

TEST(EnginePostAuthServer, NoCertificate) {
  Script script;
  script.show_certificate = false;
  established(
      [](Peer& peer) {
        peer.answer_request(context_of_request(peer));
        expect_accepted(peer, false);
      },
      offering(script));
  refused("required", script,
          {Alert::certificate_required, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE},
          kAskLater | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
}

TEST(EnginePostAuthServer, NotOffered) {
  established(
      [](Peer& peer) {
        EXPECT_EQ(SSL_verify_client_post_handshake(peer.ssl()), 0);
        EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_EXTENSION_NOT_RECEIVED);
      },
      Script{});
}

TEST(EnginePostAuthServer, WrongContext) {
  const Failure failure = {Alert::illegal_parameter, SSL_R_INVALID_CONTEXT};
  for (const char* kind : {"empty", "changed", "cut", "longer", "of the request before"}) {
    SCOPED_TRACE(kind);
    established([&](Peer& peer) {
      Octets first = context_of_request(peer);
      peer.answer_request(first);
      expect_accepted(peer);
      Octets context = context_of_request(peer);
      std::string which = kind;
      if (which == "empty") context.clear();
      if (which == "changed") context[31] ^= 1;
      if (which == "cut") context.pop_back();
      if (which == "longer") context.push_back(0);
      if (which == "of the request before") context = first;
      peer.answer_request(context);
      peer.drive();
      expect_failure(peer, failure);
    });
  }
}

TEST(EnginePostAuthServer, AnswerThatNobodyAskedFor) {
  const Failure failure = {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE};
  established([&](Peer& peer) {
    peer.rewind_transcript();
    peer.answer_request({});
    peer.drive();
    expect_failure(peer, failure);
  });
  // The same answer again.
  established([&](Peer& peer) {
    Octets context = context_of_request(peer);
    peer.answer_request(context);
    expect_accepted(peer);
    peer.answer_request(context);
    peer.drive();
    expect_failure(peer, failure);
  });
  // An answer before the request has left.
  established([&](Peer& peer) {
    EXPECT_EQ(SSL_verify_client_post_handshake(peer.ssl()), 1);
    peer.rewind_transcript();
    peer.answer_request({});
    EXPECT_EQ(peer.drive().returned, 1);
    peer.drive();
    EXPECT_EQ(peer.outcome().error, SSL_ERROR_SSL);
    EXPECT_FALSE(has_certificate(peer));
  });
}

TEST(EnginePostAuthServer, MessagesLeftOut) {
  const Failure failure = {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE};
  auto clear = [](Octets& whole) { whole.clear(); };
  refused("Certificate", changing(SSL3_MT_CERTIFICATE, clear), failure);
  refused("CertificateVerify", changing(SSL3_MT_CERTIFICATE_VERIFY, clear), failure);
  // Without Finished nothing is known of the client.
  established(
      [](Peer& peer) {
        peer.answer_request(context_of_request(peer));
        peer.drive();
        EXPECT_EQ(peer.outcome().error, SSL_ERROR_WANT_READ);
        EXPECT_EQ(SSL_in_init(peer.ssl()), 1);
        EXPECT_EQ(SSL_write(peer.ssl(), "x", 1), -1);
        EXPECT_EQ(SSL_get_error(peer.ssl(), -1), SSL_ERROR_WANT_READ);
      },
      [] {
        Script script = offering();
        static int finished;
        finished = 0;
        script.message = [](uint8_t type, Octets& whole) {
          if (type == SSL3_MT_FINISHED && ++finished == 2) whole.clear();
        };
        return script;
      }());
}

TEST(EnginePostAuthServer, WrongSignature) {
  refused("a bit", changing(SSL3_MT_CERTIFICATE_VERIFY, [](Octets& whole) { whole[40] ^= 1; }),
          {Alert::decrypt_error, SSL_R_BAD_SIGNATURE});
  refused("of another kind of key",
          changing(SSL3_MT_CERTIFICATE_VERIFY, [](Octets& whole) { whole[4] = whole[5] = 4; }),
          {Alert::illegal_parameter, SSL_R_WRONG_SIGNATURE_TYPE});
  refused("cut",
          changing(SSL3_MT_CERTIFICATE_VERIFY,
                   [](Octets& whole) {
                     whole.pop_back();
                     whole[3]--;
                   }),
          {Alert::decode_error, SSL_R_LENGTH_MISMATCH});
  // RFC 8446 4.4: over the handshake and the request, not over the handshake alone.
  established([](Peer& peer) {
    Octets context = context_of_request(peer);
    peer.rewind_transcript();
    peer.answer_request(context);
    peer.drive();
    expect_failure(peer, {Alert::decrypt_error, SSL_R_BAD_SIGNATURE});
  });
  // Nor with an earlier exchange in between.
  established([](Peer& peer) {
    Octets context = context_of_request(peer);
    peer.answer_request(context);
    expect_accepted(peer);
    EXPECT_EQ(SSL_verify_client_post_handshake(peer.ssl()), 1);
    EXPECT_EQ(peer.drive().returned, 1);
    Octets request = peer.take_message();
    peer.answer_request({request.begin() + 5, request.begin() + 37});
    peer.drive();
    expect_failure(peer, {Alert::decrypt_error, SSL_R_BAD_SIGNATURE});
  });
}

TEST(EnginePostAuthServer, WrongFinished) {
  refused("a bit", changing(SSL3_MT_FINISHED, [](Octets& whole) { whole[9] ^= 1; }),
          {Alert::decrypt_error, SSL_R_DIGEST_CHECK_FAILED});
  refused("cut",
          changing(SSL3_MT_FINISHED,
                   [](Octets& whole) {
                     whole.pop_back();
                     whole[3]--;
                   }),
          {Alert::decode_error, SSL_R_BAD_DIGEST_LENGTH});
  refused("another message behind it",
          changing(SSL3_MT_FINISHED,
                   [](Octets& whole) { whole = whole + message(SSL3_MT_KEY_UPDATE, {0}); }),
          {Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY});
  // RFC 8446 4.4: the base key is client_application_traffic_secret_N, of this moment.
  established([](Peer& peer) {
    Octets context = context_of_request(peer);
    peer.answer_request_with_old_finished(context);
    peer.drive();
    expect_failure(peer, {Alert::decrypt_error, SSL_R_DIGEST_CHECK_FAILED});
  });
}

TEST(EnginePostAuthServer, TheFinishedUsesTheKeyOfTheMoment) {
  established([](Peer& peer) {
    Octets context = context_of_request(peer);
    peer.send(ContentType::handshake, message(SSL3_MT_KEY_UPDATE, {0}));
    peer.update_write_keys();
    peer.answer_request(context);
    expect_accepted(peer);
  });
}

TEST(EnginePostAuthServer, CertificateExtensions) {
  // RFC 8446 4.4.2: only what the request has asked for.
  Script script;
  script.certificate_extensions = [](Extensions& extensions) {
    set(extensions, TLSEXT_TYPE_status_request, {1, 0, 0, 1, 0});
  };
  refused("status_request", script, {Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION});
}

TEST(EnginePostAuthServer, OtherRecordsBetweenTheMessages) {
  struct Between {
    const char* name;
    ContentType type;
    Octets content;
    int reason;
  };
  for (uint8_t behind : {SSL3_MT_CERTIFICATE, SSL3_MT_CERTIFICATE_VERIFY}) {
    for (const Between& between :
         {Between{"data", ContentType::application_data, {'x'}, SSL_R_UNEXPECTED_RECORD},
          Between{"KeyUpdate", ContentType::handshake, message(SSL3_MT_KEY_UPDATE, {0}),
                  SSL_R_UNEXPECTED_MESSAGE}}) {
      SCOPED_TRACE(between.name);
      Script script = offering();
      Peer* sender = nullptr;
      script.after = [&](uint8_t type) {
        if (sender != nullptr && type == behind) sender->send(between.type, between.content);
      };
      established(
          [&](Peer& peer) {
            Octets context = context_of_request(peer);
            sender = &peer;
            peer.answer_request(context);
            peer.drive();
            expect_failure(peer, {Alert::unexpected_message, between.reason});
          },
          script);
    }
  }
}

TEST(EnginePostAuthServer, AnswersInAnyRecords) {
  for (size_t piece : {1U, 7U, 5000U}) {
    SCOPED_TRACE(piece);
    Script script = offering();
    bool collecting = false;
    Octets answer;
    script.message = [&](uint8_t, Octets& whole) {
      if (collecting) answer = answer + whole;
    };
    established(
        [&](Peer& peer) {
          Octets context = context_of_request(peer);
          collecting = true;
          peer.hold(true);
          peer.answer_request(context);
          peer.hold(false);
          for (size_t at = 0; at < answer.size(); at += piece) {
            auto begin = answer.begin() + static_cast<ptrdiff_t>(at);
            auto length = static_cast<ptrdiff_t>(std::min(piece, answer.size() - at));
            peer.send(ContentType::handshake, {begin, begin + length});
            peer.drive();
            EXPECT_NE(peer.outcome().error, SSL_ERROR_SSL);
          }
          expect_accepted(peer);
        },
        script);
  }
}

// Data of the client that was on its way.
TEST(EnginePostAuthServer, DataAroundTheAnswer) {
  established([](Peer& peer) {
    peer.send(ContentType::application_data, {'a'});
    Octets context = context_of_request(peer);
    peer.send(ContentType::application_data, {'b'});
    peer.answer_request(context);
    peer.send(ContentType::application_data, {'c'});
    expect_accepted(peer);
    EXPECT_EQ(peer.decrypted(), "abc");
  });
}

TEST(EnginePostAuthServer, StrangersAreRefused) {
  Script script;
  script.certificate = "client-stranger";
  refused("stranger", script, {Alert::unknown_ca, SSL_R_CERTIFICATE_VERIFY_FAILED});
}
