// The state of one handshake: exists from its first byte to its last, and no longer.
#pragma once

#include <openssl/ssl.h>

#include <span>

#include "connection/connection.h"
#include "crypto/transcript.h"
#include "extension/exchange.h"
#include "handshake/flow.h"
#include "handshake/reassembly.h"
#include "message/client_hello.h"
#include "wire/bytes.h"

namespace handfast {

// A message that may come next, the state that its arrival leads to, and the longest body it may
// have. A flow's receive() names all that the RFC's diagram allows at its place.
struct Expect {
  uint8_t type;
  OSSL_HANDSHAKE_STATE state;
  size_t limit;
};

// A received handshake message; views end with the next receive.
struct Message {
  uint8_t type = 0;
  View body;
  View whole;  // with its header, for the transcript
};

// Received handshake bytes, cut into messages.
struct Inbox {
  Bytes bytes;
  size_t begin = 0;          // of the current message
  size_t taken = 0;          // length of the current message once it was handed out
  bool header_seen = false;  // the current message's header passed its checks
  [[nodiscard]] View rest() const { return bytes.view().subspan(begin + taken); }
};

// Bytes that are wiped when they go.
struct SecretBytes : Bytes {
  SecretBytes() = default;
  SecretBytes(SecretBytes&&) = default;
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    swap(other);  // `other` wipes what was here
    return *this;
  }
  ~SecretBytes() { wipe(); }
};

// TLS <= 1.2: what both messages of one key exchange have in common (key_exchange12.h).
struct KeyExchange {
  KeyShare share;         // ECDHE: our key
  EvpPkeyPtr dh;          // DHE: our key
  Bytes public_value;     // client: what its message will say
  SecretBytes premaster;  // without the PSK
  SecretBytes psk;
};

// A flow owns no memory of its own: what a frame would have to free is here, so that a handshake
// can go away while its job is paused (driver/job.cc).
struct Handshake : FlowState, Exchange {
  explicit Handshake(Connection& connection);

  // Exchange::ctx becomes the connection's: SSL_set_SSL_CTX in a callback may have changed it.
  void follow_context();

  Connection& conn;
  ContextRef held_ctx;  // keeps Exchange::ctx alive until it is followed
  Inbox inbox;
  Reassembly reassembly;  // DTLS: what is on its way into the inbox
  Message message;
  std::span<const Expect> expected;
  Verdict receive_verdict;
  OSSL_HANDSHAKE_STATE change_state = TLS_ST_BEFORE;  // after the awaited change_cipher_spec
  bool changed = false;  // Want::either was answered by a change_cipher_spec
  Transcript transcript;
  X509StackPtr client_chain;  // server: what the client has shown, until it is accepted
  ClientHello client_hello;   // server: of the last ClientHello, for the client-hello callback
  Bytes scratch;              // the message being built
  uint8_t session_id[SSL_MAX_SSL_SESSION_ID_LENGTH] = {};
  uint8_t session_id_length = 0;
  Bytes v2_hello;               // server: the ClientHello as it came, in SSL 2.0's format
  bool retry_needed = false;    // server of TLS 1.3: a HelloRetryRequest must be sent
  bool cookie_ok = false;       // the ClientHello has a cookie of ours (stateless.cc)
  bool restarted = false;       // gated_restart.cc
  bool started = false;         // the flow has begun
  bool running = false;         // it is on the stack, or on that of a paused job
  bool completed = false;       // finish() was called: tickets may still follow
  bool post_handshake = false;  // KeyUpdate, NewSessionTicket: after the first handshake
  TrafficSecret client_secret, server_secret;  // handshake traffic
  SecretBytes shared_secret;                   // TLS 1.3 server: until the keys are made of it
  KeyExchange key_exchange;                    // TLS <= 1.2
  SecretBytes key_block;                       // TLS <= 1.2: RFC 5246 6.3, once it is needed
  Alert warning = Alert::none;                 // what Want::warning sends
  Flow flow{nullptr};                          // last: its frames refer to all of the above
};

inline FlowState& flow_state(Handshake& hs) {
  return hs;
}

// --- The flows ---
Flow client_handshake(Handshake& hs);  // client.cc
Flow server_handshake(Handshake& hs);  // server.cc
Flow post_handshake(Handshake& hs);    // post_handshake.cc
Flow renegotiation(Handshake& hs);     // renegotiation.cc

}  // namespace handfast
