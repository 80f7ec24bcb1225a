// CertificateRequest, Certificate and CertificateVerify (RFC 8446 sections 4.3.2, 4.4.2, 4.4.3), as
// servers send the first and both sides the others.
#pragma once

#include "handshake/handshake.h"
#include "pki/signer.h"

namespace handfast {

// Parses the Certificate in hs.message, whose context must be this one, and keeps its chain. The
// list may be empty when a client sent it.
[[nodiscard]] Verdict read_certificate(Handshake& hs, View context);
// A server's chain becomes the session's at once, a client's hs.client_chain.
void keep_chain(Handshake& hs, X509StackPtr chain);
// The certificate's DER form.
[[nodiscard]] Verdict encode_certificate(X509* certificate, Bytes& der);
// Verifies the peer's chain, waiting when the application asks to. A server's certificate is the
// session's then.
Flow verify_peer(Handshake& hs);
// Server: verifies the chain that the client has shown, or fails with `missing` where there must be
// one; it becomes the session's then, which after the handshake is replaced by a copy for that.
Flow accept_client(Handshake& hs, Alert missing);
// Server: from the client's Certificate, which is in hs.message, to its CertificateVerify.
Flow authenticate_client(Handshake& hs, View context);
// Checks the CertificateVerify in hs.message against the transcript so far.
[[nodiscard]] Verdict check_certificate_verify(Handshake& hs);

// Server: SSL_CTX_set_verify(3), with SSL_VERIFY_CLIENT_ONCE.
[[nodiscard]] bool may_request_certificate(const Connection& connection);
// Server: RFC 8446 4.3.2; `context` is empty in the handshake itself.
[[nodiscard]] Verdict send_certificate_request(Handshake& hs, View context);

// Sends Certificate, empty when signer.credential is nullptr.
[[nodiscard]] Verdict send_certificate(Handshake& hs, const Signer& signer, View context);
[[nodiscard]] Verdict send_certificate_verify(Handshake& hs, const Signer& signer);

}  // namespace handfast
