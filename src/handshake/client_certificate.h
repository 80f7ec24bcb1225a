// A client that is asked for a certificate (RFC 8446 section 4.3.2), in the handshake or after it.
#pragma once

#include "handshake/handshake.h"
#include "pki/signer.h"

namespace handfast {

// Parses the CertificateRequest in hs.message and adds it to the transcript. `context` is a part of
// the message.
[[nodiscard]] Verdict read_certificate_request(Handshake& hs, View& context);
// Asks the certificate callbacks, waiting when they say so; signer.credential is nullptr when the
// client has none that fits: it sends an empty Certificate then (RFC 8446 4.4.2).
Flow choose_client_certificate(Handshake& hs, Signer& signer);
// Sends Certificate and, if there is one, CertificateVerify.
[[nodiscard]] Verdict send_client_certificate(Handshake& hs, const Signer& signer, View context);

}  // namespace handfast
