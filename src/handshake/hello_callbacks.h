// The application's say on a ClientHello.
#pragma once

#include "handshake/handshake.h"

namespace handfast {

// SSL_CTX_set_client_hello_cb(3): asks, and waits while the answer is "retry".
Flow ask_client_hello(Handshake& hs);
// SSL_CTX_set_tlsext_servername_callback(3); may change the SSL_CTX.
[[nodiscard]] Verdict ask_server_name(Handshake& hs);
// SSL_CTX_set_alpn_select_cb(3).
[[nodiscard]] Verdict ask_alpn(Handshake& hs);
// Both roles: the accepted server name and the protocol of ALPN become the new session's.
[[nodiscard]] Verdict keep_names(Handshake& hs);
// SSL_CTX_set_cert_cb(3): asks, and waits while the answer is negative.
Flow ask_certificate(Handshake& hs);
// SSL_CTX_set_not_resumable_session_callback(3), of a full handshake.
void ask_resumable(Handshake& hs);
// SSL_CTX_set_tlsext_status_cb(3) on a server, once the certificate is chosen.
[[nodiscard]] Verdict ask_status(Handshake& hs);
// The same callback on a client, which judges the server's OCSP response.
[[nodiscard]] Verdict judge_status(Handshake& hs);

}  // namespace handfast
