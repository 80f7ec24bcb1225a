// The pre-shared key that the SSLs of engine_harness.h and the side that the harness plays have.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <vector>

#include "crypto/transcript.h"

namespace handfast::fuzz {

// Bits of an input's second byte.
constexpr uint8_t kAsPieces = 1, kWithTicket = 2, kWithEarlyData = 4, kWithExternalKey = 8,
                  kWithoutDhe = 16, kHalfRtt = 32;

constexpr uint8_t kSessionIdContext[] = {'f', 'u', 'z', 'z'};

// A client offers what the bits say; a server has the session of the ticket in its cache and knows
// the external key. The ticket is 32 times 'T', the external key's name is "name".
void use_keys(SSL* ssl, bool server, uint8_t bits);
// Makes every binder of 32 bytes at the end of a ClientHello, with its header, one of the key over
// `before` and the hello. Where there is no pre_shared_key in the end, nothing is changed.
void set_binders(std::vector<uint8_t>& hello, const Transcript& before);

}  // namespace handfast::fuzz
