#include "wire/verdict.h"

namespace handfast {

Alert alert_of(int chosen, uint16_t version) {
  switch (chosen) {
    // Of the older versions only.
    case SSL_AD_DECRYPTION_FAILED:
    case SSL_AD_DECOMPRESSION_FAILURE:
    case SSL_AD_EXPORT_RESTRICTION:
    case SSL_AD_CERTIFICATE_UNOBTAINABLE:
    case SSL_AD_BAD_CERTIFICATE_HASH_VALUE:
      return static_cast<Alert>(chosen);
    default:
      break;
  }
  switch (Alert alert = chosen < 0 || chosen > 255 ? Alert::none : static_cast<Alert>(chosen)) {
    case Alert::close_notify:
    case Alert::unexpected_message:
    case Alert::bad_record_mac:
    case Alert::record_overflow:
    case Alert::handshake_failure:
    case Alert::bad_certificate:
    case Alert::unsupported_certificate:
    case Alert::certificate_revoked:
    case Alert::certificate_expired:
    case Alert::certificate_unknown:
    case Alert::illegal_parameter:
    case Alert::unknown_ca:
    case Alert::access_denied:
    case Alert::decode_error:
    case Alert::decrypt_error:
    case Alert::protocol_version:
    case Alert::insufficient_security:
    case Alert::internal_error:
    case Alert::inappropriate_fallback:
    case Alert::user_canceled:
    case Alert::no_renegotiation:
    case Alert::unsupported_extension:
    case Alert::unrecognized_name:
    case Alert::bad_certificate_status_response:
    case Alert::unknown_psk_identity:
    case Alert::no_application_protocol:
      return alert;
    // RFC 8446 6.2 made these.
    case Alert::missing_extension:
    case Alert::certificate_required:
      return version == TLS1_3_VERSION ? alert : Alert::handshake_failure;
    default:
      return Alert::none;
  }
}

}  // namespace handfast
