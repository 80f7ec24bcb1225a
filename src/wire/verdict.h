// The one error value of the library.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdint>

namespace handfast {

// Alert descriptions by their RFC 8446 section 6 names.
enum class Alert : uint8_t {
  close_notify = SSL_AD_CLOSE_NOTIFY,
  unexpected_message = SSL_AD_UNEXPECTED_MESSAGE,
  bad_record_mac = SSL_AD_BAD_RECORD_MAC,
  record_overflow = SSL_AD_RECORD_OVERFLOW,
  handshake_failure = SSL_AD_HANDSHAKE_FAILURE,
  bad_certificate = SSL_AD_BAD_CERTIFICATE,
  unsupported_certificate = SSL_AD_UNSUPPORTED_CERTIFICATE,
  certificate_revoked = SSL_AD_CERTIFICATE_REVOKED,
  certificate_expired = SSL_AD_CERTIFICATE_EXPIRED,
  certificate_unknown = SSL_AD_CERTIFICATE_UNKNOWN,
  illegal_parameter = SSL_AD_ILLEGAL_PARAMETER,
  unknown_ca = SSL_AD_UNKNOWN_CA,
  access_denied = SSL_AD_ACCESS_DENIED,
  decode_error = SSL_AD_DECODE_ERROR,
  decrypt_error = SSL_AD_DECRYPT_ERROR,
  protocol_version = SSL_AD_PROTOCOL_VERSION,
  insufficient_security = SSL_AD_INSUFFICIENT_SECURITY,
  internal_error = SSL_AD_INTERNAL_ERROR,
  inappropriate_fallback = SSL_AD_INAPPROPRIATE_FALLBACK,
  user_canceled = SSL_AD_USER_CANCELLED,
  no_renegotiation = SSL_AD_NO_RENEGOTIATION,
  missing_extension = TLS13_AD_MISSING_EXTENSION,
  unsupported_extension = SSL_AD_UNSUPPORTED_EXTENSION,
  unrecognized_name = SSL_AD_UNRECOGNIZED_NAME,
  bad_certificate_status_response = SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE,
  unknown_psk_identity = SSL_AD_UNKNOWN_PSK_IDENTITY,
  certificate_required = TLS13_AD_CERTIFICATE_REQUIRED,
  no_application_protocol = SSL_AD_NO_APPLICATION_PROTOCOL,
  none = 255,  // fail without telling the peer
};

// The alert that an application's callback chose, as `version` knows it (0: not known yet); `none`
// for a value that is no alert of TLS.
Alert alert_of(int chosen, uint16_t version);

// Success, or why not: the alert for the peer and the reason for the error queue. Returned by
// everything that can fail; raised and sent in one place, connection/driver.cc.
struct [[nodiscard]] Verdict {
  Alert alert = Alert::none;
  int library = 0;  // 0: success
  int reason = 0;   // 0 with a library: the queue already holds the reason
  int line = 0;
  const char* file = nullptr;

  [[nodiscard]] constexpr bool ok() const { return library == 0; }
};

constexpr Verdict success() {
  return {};
}

// A failure of the protocol. `reason`: SSL_R_*; the caller's file and line are kept for the queue.
constexpr Verdict fatal(Alert alert, int reason, const char* file = __builtin_FILE(),
                        int line = __builtin_LINE()) {
  return {alert, ERR_LIB_SSL, reason, line, file};
}

// A failure of libcrypto or of an application's callback that should not happen.
constexpr Verdict internal_error(int reason = ERR_R_INTERNAL_ERROR,
                                 const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return fatal(Alert::internal_error, reason, file, line);
}

constexpr Verdict malloc_failure(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return fatal(Alert::internal_error, ERR_R_MALLOC_FAILURE, file, line);
}

// Leaves the verdict's function when `expression` failed.
#define HANDFAST_CHECK(expression)                       \
  do {                                                   \
    ::handfast::Verdict handfast_verdict = (expression); \
    if (!handfast_verdict.ok()) return handfast_verdict; \
  } while (0)

}  // namespace handfast
