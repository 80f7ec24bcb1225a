// What a connection keeps for post-handshake authentication (RFC 8446 section 4.6.2).
#pragma once

#include "crypto/transcript.h"
#include "wire/allocate.h"
#include "wire/array.h"

namespace handfast {

// A CertificateRequest that a server has sent, until the client's answer is there.
struct SentCertificateRequest {
  uint8_t context[32] = {};
  Transcript transcript;        // of the handshake and the request
  uint64_t extensions = 0;      // Exchange::sent
  Array<uint16_t> custom_sent;  // Exchange::custom_sent
};

struct PostHandshakeAuth {
  Transcript handshake;                 // up to the client's Finished
  bool due = false;                     // server: the request is to be sent
  Unique<SentCertificateRequest> sent;  // server: nullptr when no answer is awaited
};

}  // namespace handfast
