// What the extensions and flows of one handshake know and share: the peer's offers and our own.
// Gone when the handshake completes; what must stay is in Negotiated.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>

#include "config/context.h"
#include "config/request.h"
#include "crypto/key_share.h"
#include "session/negotiated.h"
#include "session/session.h"
#include "wire/array.h"
#include "wire/bytes.h"

namespace handfast {

// The messages that extensions stand in, as a set: RFC 8446 section 4.2's table.
enum MessageSet : uint16_t {
  kInClientHello = 1,
  kInServerHello12 = 2,
  kInServerHello13 = 4,
  kInHelloRetryRequest = 8,
  kInEncryptedExtensions = 16,
  kInCertificate = 32,
  kInCertificateRequest = 64,
  kInNewSessionTicket = 128,
};

constexpr size_t kMaxExtensions = 64;  // rows of the registry

// What a ClientHello asked for; read_extensions() resets it. Views point into the ClientHello and
// are valid until the next receive.
struct ClientOffers {
  View key_shares;         // client_shares body
  View supported_groups;   // NamedGroup list, two bytes each
  View signature_schemes;  // two bytes each
  View signature_schemes_cert;
  View alpn;          // ProtocolNameList body
  View server_name;   // host_name
  View ocsp_request;  // OCSPStatusRequest body
  View cookie;
  bool status_request = false;
  bool sct = false;
  bool psk_dhe_ke = false, psk_ke = false;
  bool psk = false;                  // pre_shared_key was there (and last)
  View psk_identities, psk_binders;  // lists of OfferedPsks, their form checked
  bool early_data = false;
  bool post_handshake_auth = false;
  // TLS <= 1.2.
  View session_ticket;  // body of the extension; empty: a new ticket is asked for
  View point_formats;   // ECPointFormatList, one byte each; empty: not sent
  View srp_username;    // RFC 5054 2.8.1; empty: not sent
  bool session_ticket_sent = false;
  bool encrypt_then_mac = false;
  bool extended_master_secret = false;
  bool next_protocol = false;  // NPN
};

// A pre-shared key that a client offers (RFC 8446 4.2.11).
struct OfferedPsk {
  const Session* session;  // its cipher names the hash; held by the exchange
  View identity;           // the ticket, or what the application named the key
  uint32_t obfuscated_age;
  bool external;  // the application's own, not of an earlier connection
};

struct Exchange {
  SSL* ssl = nullptr;
  bool server = false;
  bool datagram = false;   // DTLS
  Context* ctx = nullptr;  // of the moment: SSL_set_SSL_CTX may change it
  const Algorithms* algorithms = nullptr;
  // The connection's groups; -> is always the current state, callbacks may edit them.
  Cow<Policy>* policy = nullptr;
  Cow<Credentials>* credentials = nullptr;
  Cow<Credentials> chosen;  // what our certificate is a part of: later edits do not touch it
  Cow<Trust>* trust = nullptr;
  const NamedAuthorities* authorities = nullptr;  // the connection's; where unset, ctx's are used
  Cow<Hooks>* hooks = nullptr;
  Request* request = nullptr;
  Negotiated* negotiated = nullptr;

  // Enabled range of this handshake; TLS's numbers also for DTLS (wire/version.h).
  uint16_t min_version = 0, max_version = 0;
  uint64_t sent = 0;      // bit per registry row: extensions we sent in the last hello or request
  uint64_t received = 0;  // bit per row: extensions the peer sent in its last hello or request
  // Bytes of the ClientHello being built before its extensions (with the 4 of its header); padding
  // is added to a known length only. 0: unknown.
  size_t hello_prefix_length = 0;
  size_t extensions_length = 0;  // bytes of extensions written so far in this message
  // Both roles: max_fragment_length that holds (TLSEXT_max_fragment_length_*); 0: none.
  uint8_t max_fragment_length_mode = 0;

  // Client.
  InlineVector<uint16_t, 2> share_groups;  // groups to send shares of; chosen by the flow
  KeyShare key_shares[2];
  // From the HelloRetryRequest, to be echoed; server: to be sent in it.
  Bytes cookie;
  bool ct_enabled = false;             // client: asks for SCTs (SSL_set_ct_validation_callback)
  uint32_t ticket_max_early_data = 0;  // early_data of the NewSessionTicket just read
  // selected_group of the HelloRetryRequest, received or (server) to be sent; 0: none. A server
  // that leaves it 0 and has no cookie asks for `group`.
  uint16_t retry_group = 0;
  bool hello_retry_request = false;
  uint16_t selected_version = 0;    // supported_versions of the (server) hello
  uint16_t server_share_group = 0;  // key_share of the ServerHello
  View server_share;                // its key_exchange, valid until the next receive
  // In CertificateRequest.
  Array<uint16_t> request_schemes;  // signature_algorithms of the peer's request
  Array<uint16_t> request_schemes_cert;

  // Pre-shared keys of TLS 1.3. Client: those of the hello, in its order.
  InlineVector<OfferedPsk, 2> psks;
  SessionRef ticket_psk, external_psk;  // the sessions behind them
  Bytes external_identity;
  // Both: index of the identity that `resuming` is about.
  uint16_t psk_index = 0;
  // Client: early_data is in the hello; server: it was accepted.
  bool early_data = false;
  // Server: the key was the first that was offered, and its ticket of the right age.
  bool early_data_possible = false;

  // Server.
  ClientOffers offers;
  const Group* group = nullptr;  // chosen group
  KeyShare share;                // ours, once generated
  bool staple = false;           // the status callback gave a response to send
  // Answer with an empty server_name; client: the server answered so.
  bool accept_server_name = false;
  // In Certificate: which entry is being read or written (0: the leaf), and its certificate;
  // nullptr in other messages.
  size_t certificate_index = 0;
  X509* certificate = nullptr;

  // --- Both roles ---
  // The session's secrets are used again: an abbreviated handshake of TLS <= 1.2, or one with a
  // pre-shared key. Set by the client from the server's answer, by the server's flow.
  bool resuming = false;
  // A NewSessionTicket will come. In TLS <= 1.2 a part of the ServerHello.
  bool ticket_expected = false;

  // --- TLS <= 1.2, both roles ---
  // A handshake over the protection of an earlier one; its Finished values are negotiated's.
  bool renegotiating = false;
  // Client: a suite of the hello is about elliptic curves, or of TLS 1.3.
  bool elliptic_suites = true;
  // Client: the session of TLS <= 1.2 whose id or ticket the hello offers; nullptr: none. Not
  // owned.
  const Session* offered_session = nullptr;
  // What the ServerHello says: set by the client from the server's answer, by the server's flow and
  // extensions before they write it.
  bool encrypt_then_mac = false;        // RFC 7366
  bool extended_master_secret = false;  // RFC 7627
  bool status_expected = false;         // client: a CertificateStatus may come
  bool next_protocol_expected = false;  // NPN: the client sends NextProtocol

  // Types of the application's own extensions in our last hello or request, and in the peer's.
  Array<uint16_t> custom_sent, custom_received;
};

}  // namespace handfast
