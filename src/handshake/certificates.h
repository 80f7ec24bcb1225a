// Certificate and CertificateVerify (RFC 8446 sections 4.4.2, 4.4.3), as sent and as received.
#pragma once

#include "handshake/handshake.h"
#include "pki/signer.h"

namespace handfast {

// Parses the Certificate in hs.message into the session's peer chain. The list may be empty when
// a client sent it: conn.session->peer is nullptr then.
[[nodiscard]] Verdict read_certificate(Handshake& hs);
// The peer's chain becomes the session's.
void keep_chain(Handshake& hs, X509StackPtr chain);
// The certificate's DER form.
[[nodiscard]] Verdict encode_certificate(X509* certificate, Bytes& der);
// Verifies the peer's chain, waiting when the application asks to; keeps the result.
Flow verify_peer(Handshake& hs);
// Checks the CertificateVerify in hs.message against the transcript so far.
[[nodiscard]] Verdict check_certificate_verify(Handshake& hs);

// Sends Certificate, empty when signer.credential is nullptr.
[[nodiscard]] Verdict send_certificate(Handshake& hs, const Signer& signer, View context);
[[nodiscard]] Verdict send_certificate_verify(Handshake& hs, const Signer& signer);

}  // namespace handfast
