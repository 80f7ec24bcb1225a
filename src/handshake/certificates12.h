// Certificate, CertificateRequest and CertificateVerify of TLS <= 1.2 (RFC 5246 section 7.4).
#pragma once

#include "handshake/handshake.h"
#include "pki/signer.h"

namespace handfast {

// Reads the Certificate in hs.message and keeps its chain, not verified yet.
[[nodiscard]] Verdict read_certificate12(Handshake& hs);
// An empty list when `signer` has no credential.
[[nodiscard]] Verdict send_certificate12(Handshake& hs, const Signer& signer);

// Client, at the ServerHelloDone: is the server's key one for the suite's key exchange?
[[nodiscard]] Verdict check_server_key12(const Handshake& hs);

[[nodiscard]] Verdict read_certificate_request12(Handshake& hs);
[[nodiscard]] Verdict send_certificate_request12(Handshake& hs);

// The scheme that the peer signed by with `key`: the one it names (`named`), or its version's own.
// Into negotiated.peer_scheme, if it is one that we accept.
[[nodiscard]] Verdict choose_peer_scheme12(Handshake& hs, EVP_PKEY* key, bool named, uint16_t id);
[[nodiscard]] Verdict check_certificate_verify12(Handshake& hs);
[[nodiscard]] Verdict send_certificate_verify12(Handshake& hs, const Signer& signer);

}  // namespace handfast
