// Master secret, record keys and Finished of TLS <= 1.2 (RFC 5246 sections 6.3, 7.4.9, 8.1).
#pragma once

#include "handshake/handshake.h"
#include "record/record_keys.h"

namespace handfast {

// The transcript's hash is that of the suite and version; messages are kept for CertificateVerify.
[[nodiscard]] Verdict start_transcript12(Handshake& hs);

// The session's master secret. With extended_master_secret (RFC 7627) the ClientKeyExchange must
// be in the transcript.
[[nodiscard]] Verdict derive_master_secret(Handshake& hs, View premaster);

// Own and peer's change_cipher_spec (RFC 5246 7.1): keys of the session's master secret. The first
// also sends the record.
[[nodiscard]] Verdict change_write_keys(Handshake& hs);
[[nodiscard]] Verdict change_read_keys(Handshake& hs);

// The keys of records that the client or the server writes, after its change_cipher_spec; a part of
// hs.key_block.
[[nodiscard]] RecordKeys record_keys12(const Handshake& hs, bool server);

[[nodiscard]] Verdict send_finished12(Handshake& hs);
// For the Finished in hs.message, which is not in the transcript yet; adds it.
[[nodiscard]] Verdict check_finished12(Handshake& hs);

}  // namespace handfast
