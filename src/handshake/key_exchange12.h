// How a master secret is agreed on in TLS <= 1.2 (RFC 5246 7.4.3 and 7.4.7, RFC 8422, RFC 4279):
// the server's half is in server_key_exchange.cc, the client's in client_key_exchange.cc.
#pragma once

#include "handshake/handshake.h"
#include "pki/signer.h"

namespace handfast {

// --- Server ---
// Does the suite have a ServerKeyExchange?
[[nodiscard]] bool needs_server_key_exchange(const Handshake& hs);
[[nodiscard]] Verdict send_server_key_exchange(Handshake& hs, const Signer& signer,
                                               KeyExchange& exchange);
// Reads the ClientKeyExchange in hs.message, which must be in the transcript, and derives the
// session's master secret.
[[nodiscard]] Verdict read_client_key_exchange(Handshake& hs, KeyExchange& exchange);

// --- Client ---
// Reads the ServerKeyExchange in hs.message and makes our half; not absorbed yet.
[[nodiscard]] Verdict read_server_key_exchange(Handshake& hs, KeyExchange& exchange);
// Sends the ClientKeyExchange and derives the session's master secret.
[[nodiscard]] Verdict send_client_key_exchange(Handshake& hs, KeyExchange& exchange);

// --- Both ---
// RFC 4279 2: the premaster secret of suites with a PSK holds it too.
[[nodiscard]] Verdict derive_from_exchange(Handshake& hs, KeyExchange& exchange);
// RFC 5246 7.4.3: what the server signs of its parameters.
[[nodiscard]] bool signed_parameters(const Handshake& hs, View parameters, Bytes& out);

}  // namespace handfast
