// A client of TLS <= 1.2 and certificates whose keys are not for the suite's key exchange.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine12_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

// The certificates themselves are not to be judged here: they have lost their signatures.
Script12 without_verification(const char* suite, const char* certificate) {
  Script12 script;
  script.suite = suite;
  script.certificate = certificate;
  script.tested = [](SSL* ssl) { SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr); };
  return script;
}

Octets der_of(const std::string& name) {
  twin::Owned<X509> certificate = twin::read_certificate(name);
  unsigned char* der = nullptr;
  int length = i2d_X509(certificate.get(), &der);
  Octets bytes(der, der + length);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace

TEST(Engine12ServerKey, KeyUsageOfEcdsaMustAllowSignatures) {
  Script12 script = without_verification("ECDHE-ECDSA-AES128-GCM-SHA256", "server-p256");
  ASSERT_TRUE(Forger(false, script).handshake());
  script.edit = changing12(SSL3_MT_CERTIFICATE, [](Octets& whole) {
    // KeyUsage digitalSignature becomes keyAgreement.
    const Octets signature = {3, 2, 7, 0x80}, agreement = {3, 2, 3, 0x08};
    auto at = std::search(whole.begin(), whole.end(), signature.begin(), signature.end());
    ASSERT_NE(at, whole.end());
    std::copy(agreement.begin(), agreement.end(), at);
  });
  expect_fails12(false, script, {Alert::handshake_failure, SSL_R_BAD_ECC_CERT, false});
}

TEST(Engine12ServerKey, PssKeyEncryptsNothing) {
  Script12 script = without_verification("AES128-GCM-SHA256", "server-rsa");
  ASSERT_TRUE(Forger(false, script).handshake());
  script.edit = changing12(SSL3_MT_CERTIFICATE, [](Octets& whole) {
    whole = message(SSL3_MT_CERTIFICATE, vector24(vector24(der_of("server-rsa-pss"))));
  });
  expect_fails12(false, script,
                 {Alert::handshake_failure, SSL_R_MISSING_RSA_ENCRYPTING_CERT, false});
}
