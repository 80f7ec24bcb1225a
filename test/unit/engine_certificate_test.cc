// Both roles against bad Certificates and CertificateVerifys.
#include <gtest/gtest.h>

#include "engine_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

// The side under test asks for a certificate.
void ask(SSL* ssl) {
  SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

Script changing(uint8_t type, std::function<void(Octets&)> change) {
  Script script;
  script.message = [type, change](uint8_t sent, Octets& whole) {
    if (sent == type) change(whole);
  };
  return script;
}

Octets certificate(const Octets& entries, const Octets& context = {}) {
  return message(SSL3_MT_CERTIFICATE, vector8(context) + vector24(entries));
}

Octets entry(const Octets& der, const Octets& extensions = {}) {
  return vector24(der) + vector16(extensions);
}

// cert_data of the only entry of a Certificate.
Octets data_of(const Octets& whole) {
  return {whole.begin() + 11, whole.end() - 2};
}

struct Case {
  const char* name;
  std::function<void(Octets&)> change;
  Alert client, server;  // what each role says
  int reason;
};

void run(uint8_t type, std::span<const Case> cases) {
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    Script script = changing(type, test.change);
    {
      SCOPED_TRACE("client");
      expect_client_fails(script, {test.client, test.reason});
    }
    SCOPED_TRACE("server");
    expect_server_fails(script, {test.server, test.reason}, ask);
  }
}

}  // namespace

TEST(EngineCertificate, Forms) {
  const Case cases[] = {
      {"a context", [](Octets& whole) { whole = certificate(entry(data_of(whole)), {1}); },
       Alert::illegal_parameter, Alert::illegal_parameter, SSL_R_INVALID_CONTEXT},
      {"empty certificate", [](Octets& whole) { whole = certificate(entry({})); },
       Alert::decode_error, Alert::decode_error, SSL_R_CERT_LENGTH_MISMATCH},
      {"entry without extensions",
       [](Octets& whole) { whole = certificate(vector24(data_of(whole))); }, Alert::decode_error,
       Alert::decode_error, SSL_R_BAD_LENGTH},
      {"half an entry",
       [](Octets& whole) {
         whole = certificate(entry(data_of(whole)) + Octets{0, 0});
       },
       Alert::decode_error, Alert::decode_error, SSL_R_CERT_LENGTH_MISMATCH},
      {"extension that is cut",
       [](Octets& whole) { whole = certificate(entry(data_of(whole), {0})); }, Alert::decode_error,
       Alert::decode_error, SSL_R_BAD_EXTENSION},
      {"unknown extension",
       [](Octets& whole) { whole = certificate(entry(data_of(whole), u16(0x1234) + u16(0))); },
       Alert::unsupported_extension, Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION},
      {"extension that has no place here",
       [](Octets& whole) { whole = certificate(entry(data_of(whole), u16(16) + u16(0))); },
       Alert::illegal_parameter, Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
  };
  run(SSL3_MT_CERTIFICATE, cases);
}

TEST(EngineCertificate, Status) {
  // RFC 8446 4.4.2.1: no status that was not asked for.
  Script script;
  script.certificate_extensions = [](Extensions& extensions) {
    extensions.push_back({TLSEXT_TYPE_status_request, Octets{1} + vector24({1, 2, 3})});
  };
  expect_client_fails(script, {Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION});
  auto staple = [](SSL* ssl) { SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp); };
  script.certificate_extensions = [](Extensions& extensions) {
    extensions.push_back({TLSEXT_TYPE_status_request, Octets{1} + vector24({})});
  };
  expect_client_fails(script, {Alert::decode_error, SSL_R_LENGTH_MISMATCH}, staple);
  script.certificate_extensions = [](Extensions& extensions) {
    extensions.push_back({TLSEXT_TYPE_status_request, Octets{2} + vector24({1})});
  };
  expect_client_fails(script, {Alert::decode_error, SSL_R_UNSUPPORTED_STATUS_TYPE}, staple);
}

TEST(EngineCertificate, NoneFromTheServer) {
  // RFC 8446 4.4.2.4: "MUST abort the handshake with a "decode_error" alert."
  expect_client_fails(changing(SSL3_MT_CERTIFICATE, [](Octets& whole) { whole = certificate({}); }),
                      {Alert::decode_error, SSL_R_LENGTH_MISMATCH});
}

TEST(EngineCertificate, NoneFromTheClient) {
  Script script;
  script.show_certificate = false;
  expect_server_fails(script,
                      {Alert::certificate_required, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE}, ask);
  Peer peer(new_server([](SSL* ssl) { SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr); }), script);
  EXPECT_TRUE(peer.handshake());
  EXPECT_EQ(SSL_get0_peer_certificate(peer.ssl()), nullptr);
}

TEST(EngineCertificate, BadDer) {
  auto broken = [](std::function<void(Octets&)> change) {
    return changing(SSL3_MT_CERTIFICATE, [change](Octets& whole) {
      Octets der = data_of(whole);
      change(der);
      whole = certificate(entry(der));
    });
  };
  const std::function<void(Octets&)> changes[] = {
      [](Octets& der) { der.push_back(0); },   [](Octets& der) { der.resize(der.size() / 2); },
      [](Octets& der) { der = {0x30, 0x80}; }, [](Octets& der) { der = pattern(200, 8); },
      [](Octets& der) { der[0] = 0x31; },
  };
  for (const auto& change : changes) {
    Peer client(new_client(), broken(change));
    EXPECT_FALSE(client.handshake());
    EXPECT_EQ(client.outcome().error, SSL_ERROR_SSL);
    client.drain();
    ASSERT_EQ(client.alerts().size(), 1U);
    uint8_t alert = client.alerts()[0].description;
    EXPECT_TRUE(alert == SSL_AD_BAD_CERTIFICATE || alert == SSL_AD_DECODE_ERROR) << int{alert};
    Peer server(new_server(ask), broken(change));
    EXPECT_FALSE(server.handshake());
    server.drain();
    ASSERT_EQ(server.alerts().size(), 1U);
    EXPECT_EQ(server.alerts()[0].description, SSL_AD_DECODE_ERROR);
  }
}

TEST(EngineCertificate, LongerThanAllowed) {
  // SSL_set_max_cert_list(3).
  auto limit = [](SSL* ssl) {
    ask(ssl);
    SSL_set_max_cert_list(ssl, 300);
  };
  Failure failure{Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE};
  expect_client_fails({}, failure, limit);
  expect_server_fails({}, failure, limit);
}

TEST(EngineCertificate, Untrusted) {
  struct Untrusted {
    const char* certificate;
    Alert alert;
  };
  for (const Untrusted& test : {Untrusted{"server-stranger", Alert::unknown_ca},
                                {"server-expired", Alert::certificate_expired},
                                {"server-future", Alert::bad_certificate},
                                {"server-purpose", Alert::unsupported_certificate}}) {
    SCOPED_TRACE(test.certificate);
    Script script;
    script.certificate = test.certificate;
    expect_client_fails(script, {test.alert, SSL_R_CERTIFICATE_VERIFY_FAILED});
  }
  Script script;
  script.certificate = "client-stranger";
  expect_server_fails(script, {Alert::unknown_ca, SSL_R_CERTIFICATE_VERIFY_FAILED}, ask);
}

TEST(EngineCertificateVerify, Forms) {
  auto scheme = [](uint16_t id) {
    return [id](Octets& whole) {
      whole[4] = static_cast<uint8_t>(id >> 8);
      whole[5] = static_cast<uint8_t>(id);
    };
  };
  const Case cases[] = {
      {"bad signature", [](Octets& whole) { whole.back() ^= 1; }, Alert::decrypt_error,
       Alert::decrypt_error, SSL_R_BAD_SIGNATURE},
      {"no signature",
       [](Octets& whole) {
         whole = message(SSL3_MT_CERTIFICATE_VERIFY, u16(0x0807) + vector16({}));
       },
       Alert::decrypt_error, Alert::decrypt_error, SSL_R_BAD_SIGNATURE},
      {"short signature",
       [](Octets& whole) {
         whole = message(SSL3_MT_CERTIFICATE_VERIFY, u16(0x0807) + vector16(pattern(63, 3)));
       },
       Alert::decrypt_error, Alert::decrypt_error, SSL_R_BAD_SIGNATURE},
      // RFC 8446 4.4.3: among those offered, and right for the key.
      {"unknown scheme", scheme(0x1234), Alert::illegal_parameter, Alert::illegal_parameter,
       SSL_R_WRONG_SIGNATURE_TYPE},
      {"scheme of another key", scheme(0x0403), Alert::illegal_parameter, Alert::illegal_parameter,
       SSL_R_WRONG_SIGNATURE_TYPE},
      {"ed448 with an Ed25519 key", scheme(0x0808), Alert::illegal_parameter,
       Alert::illegal_parameter, SSL_R_WRONG_SIGNATURE_TYPE},
      {"signature shorter than announced", [](Octets& whole) { whole[7]++; }, Alert::decode_error,
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"signature longer than announced", [](Octets& whole) { whole[7]--; }, Alert::decode_error,
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
  };
  run(SSL3_MT_CERTIFICATE_VERIFY, cases);
}

TEST(EngineCertificateVerify, SchemesThatDoNotFit) {
  struct Fit {
    const char* name;
    const char* certificate;
    uint16_t scheme;  // with which the signature is made
    uint16_t said;
  };
  const Fit fits[] = {
      // RFC 8446 4.4.3: no PKCS #1 v1.5 and no SHA-1 in CertificateVerify.
      {"rsa_pkcs1_sha256", "server-rsa", 0x0804, 0x0401},
      {"rsa_pkcs1_sha1", "server-rsa", 0x0804, 0x0201},
      {"ecdsa_sha1", "server-p256", 0x0403, 0x0203},
      {"rsa_pss_pss with an rsaEncryption key", "server-rsa", 0x0804, 0x0809},
      {"curve of another scheme", "server-p256", 0x0403, 0x0503},
      {"curve of another scheme, larger key", "server-p384", 0x0503, 0x0403},
  };
  for (const Fit& fit : fits) {
    SCOPED_TRACE(fit.name);
    Script script = changing(SSL3_MT_CERTIFICATE_VERIFY, [&](Octets& whole) {
      whole[4] = static_cast<uint8_t>(fit.said >> 8);
      whole[5] = static_cast<uint8_t>(fit.said);
    });
    script.certificate = fit.certificate;
    script.scheme = fit.scheme;
    expect_client_fails(script, {Alert::illegal_parameter, SSL_R_WRONG_SIGNATURE_TYPE});
  }
}

TEST(EngineCertificateVerify, SchemeThatWasNotOffered) {
  // RFC 8446 4.4.3: "the signature algorithm MUST be one offered".
  auto no_ed25519 = [](SSL* ssl) {
    ASSERT_EQ(SSL_set1_sigalgs_list(ssl, "ECDSA+SHA256:RSA-PSS+SHA256"), 1);
  };
  expect_client_fails({}, {Alert::illegal_parameter, SSL_R_WRONG_SIGNATURE_TYPE}, no_ed25519);
}

TEST(EngineCertificateVerify, OverAnotherTranscript) {
  // A signature of the other role, or over other messages, is a bad one.
  for (bool client : {true, false}) {
    Script script;
    Octets kept;
    script.message = [&](uint8_t type, Octets& whole) {
      if (type == SSL3_MT_CERTIFICATE_VERIFY) kept = whole;
    };
    Peer first(client ? new_client() : new_server(ask), script);
    EXPECT_TRUE(first.handshake());
    script.message = [&](uint8_t type, Octets& whole) {
      if (type == SSL3_MT_CERTIFICATE_VERIFY) whole = kept;
    };
    Failure failure{Alert::decrypt_error, SSL_R_BAD_SIGNATURE};
    client ? expect_client_fails(script, failure) : expect_server_fails(script, failure, ask);
  }
}
