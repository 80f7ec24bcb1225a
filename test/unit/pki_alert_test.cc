// The alerts for certificates that do not verify.
#include <gtest/gtest.h>

#include "pki/verify.h"

namespace handfast {
namespace {

TEST(PkiAlert, NamesTheReason) {
  EXPECT_EQ(alert_for_verify_error(X509_V_ERR_CERT_HAS_EXPIRED), Alert::certificate_expired);
  EXPECT_EQ(alert_for_verify_error(X509_V_ERR_CERT_REVOKED), Alert::certificate_revoked);
  EXPECT_EQ(alert_for_verify_error(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY),
            Alert::unknown_ca);
  EXPECT_EQ(alert_for_verify_error(X509_V_ERR_INVALID_PURPOSE), Alert::unsupported_certificate);
  EXPECT_EQ(alert_for_verify_error(X509_V_ERR_HOSTNAME_MISMATCH), Alert::bad_certificate);
  EXPECT_EQ(alert_for_verify_error(X509_V_ERR_CERT_SIGNATURE_FAILURE), Alert::decrypt_error);
  EXPECT_EQ(alert_for_verify_error(X509_V_ERR_APPLICATION_VERIFICATION), Alert::handshake_failure);
  EXPECT_EQ(alert_for_verify_error(X509_V_ERR_UNSPECIFIED), Alert::internal_error);
  EXPECT_EQ(alert_for_verify_error(X509_V_ERR_SUITE_B_INVALID_CURVE), Alert::certificate_unknown);
  EXPECT_EQ(alert_for_verify_error(X509_V_OK), Alert::certificate_unknown);
}

}  // namespace
}  // namespace handfast
