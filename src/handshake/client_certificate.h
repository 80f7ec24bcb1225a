// Which certificate a client shows when it was asked for one.
#pragma once

#include "handshake/handshake.h"
#include "pki/signer.h"

namespace handfast {

// Asks the certificate callbacks, waiting when they say so; signer.credential is nullptr when the
// client has none that fits: it sends an empty Certificate then (RFC 8446 4.4.2).
Flow choose_client_certificate(Handshake& hs, Signer& signer);

}  // namespace handfast
