// Early data in the flows of TLS 1.3, RFC 8446 sections 2.3 and 4.2.10.
#pragma once

#include "crypto/key_schedule.h"
#include "handshake/handshake.h"

namespace handfast {

// --- Client ---

// SSL_write_early_data(3) has begun the handshake.
[[nodiscard]] bool sends_early_data(const Handshake& hs);
// And it has sent some, or could have.
[[nodiscard]] bool sent_early_data(const Handshake& hs);
// Decides whether the ClientHello announces early data: hs.early_data. It goes with the first of
// hs.psks, and only for the name and a protocol of that session.
[[nodiscard]] Verdict offer_early_data(Handshake& hs);
// The ClientHello is in the output: records are protected with the early keys from here on.
[[nodiscard]] Verdict begin_early_data(Handshake& hs);
// EndOfEarlyData (RFC 8446 4.5), and the handshake's write keys behind it.
[[nodiscard]] Verdict end_early_data(Handshake& hs);

// --- Server ---

// Decides about the early data that the ClientHello announced: hs.early_data. Runs the callback of
// SSL_set_allow_early_data_cb(3).
void judge_early_data(Handshake& hs);
// After our Finished: reads what was accepted, until EndOfEarlyData.
Flow receive_early_data(Handshake& hs);

// --- Both ---

// The early secrets over the ClientHello, all that is in the transcript. `md` is the key's hash.
[[nodiscard]] Verdict derive_early_secrets(Handshake& hs, const EVP_MD* md,
                                           const EarlySecret& early, TrafficSecret& client);

}  // namespace handfast
