// What one connection asks for by itself, apart from its context's configuration.
#pragma once

#include <openssl/ocsp.h>
#include <openssl/ssl.h>

#include "config/srp.h"
#include "config/srtp.h"
#include "wire/allocate.h"
#include "wire/bytes.h"
#include "wire/crypto_types.h"

namespace handfast {

inline void free_ocsp_ids(STACK_OF(OCSP_RESPID) * ids) {
  sk_OCSP_RESPID_pop_free(ids, OCSP_RESPID_free);
}
inline void free_ocsp_extensions(STACK_OF(X509_EXTENSION) * extensions) {
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

// Client: what the session_ticket extension says instead of the session's ticket.
enum class TicketExtension : uint8_t {
  from_session,
  left_out,  // SSL_set_session_ticket_ext with a null pointer; a session's ticket is still sent
  given,     // with bytes: sent when the session has no ticket
};

struct Request {
  UniqueString server_name;  // client: SSL_set_tlsext_host_name; nullptr: no SNI
  // SSL_set_tlsext_status_ids / _exts; both may be nullptr.
  std::unique_ptr<STACK_OF(OCSP_RESPID), FreeWith<free_ocsp_ids>> ocsp_ids;
  std::unique_ptr<STACK_OF(X509_EXTENSION), FreeWith<free_ocsp_extensions>> ocsp_extensions;
  Bytes ocsp_response;  // server: SSL_set_tlsext_status_ocsp_resp, DER to staple
  bool has_ocsp_response = false;
  TicketExtension ticket_extension = TicketExtension::from_session;
  Bytes session_ticket;        // TicketExtension::given
  Unique<SrpState> srp;        // nullptr: nothing of it was set or received
  SrtpStackPtr srtp_profiles;  // SSL_set_tlsext_use_srtp; nullptr: those of the context, live
};

// May suites with SRP be negotiated?
inline bool srp_enabled(const Request& request) {
  return request.srp != nullptr && request.srp->enabled;
}

}  // namespace handfast
