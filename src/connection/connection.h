// The public SSL: one connection.
#pragma once

#include <openssl/ssl.h>

#include <atomic>

#include "config/context.h"
#include "config/request.h"
#include "connection/early_data.h"
#include "connection/job.h"
#include "connection/post_handshake_auth.h"
#include "crypto/key_schedule.h"
#include "pki/dane.h"
#include "pki/transparency.h"
#include "record/channel.h"
#include "session/negotiated.h"
#include "session/session.h"
#include "wire/allocate.h"
#include "wire/verdict.h"

namespace handfast {
struct Handshake;
struct DestroyHandshake {
  void operator()(Handshake* handshake) const;
};

enum class Role : uint8_t { unset, client, server };
enum class Phase : uint8_t {
  before,       // nothing sent or received yet
  handshaking,  // a Handshake is there
  connected,    // application data may flow
  failed,       // a fatal error or alert: nothing works any more
};

// SSL_renegotiate(3), SSL_num_renegotiations(3).
struct Renegotiation {
  bool requested = false;  // by either side, and its handshake is not finished
  bool fresh = false;      // without resumption
  bool due = false;        // SSL_renegotiate was called: starts when no record is half way
  bool starts = false;     // the next handshake is ours to start
  long count = 0, total = 0;
};

// An SSL_write that the BIO stopped half way, to be repeated by the caller.
struct UnfinishedWrite {
  const void* buffer = nullptr;
  size_t done = 0;    // content bytes in records that left
  size_t sealed = 0;  // content bytes of the record in the output buffer; 0: none unfinished
};
}  // namespace handfast

// Made by SSL_new, counted. Used by one thread at a time.
struct ssl_st {
  std::atomic<int> references{1};
  handfast::ContextRef ctx;          // configuration read live
  handfast::ContextRef session_ctx;  // whose session cache and tickets are used
  const handfast::Method* method = nullptr;

  handfast::Cow<handfast::Policy> policy;
  handfast::Cow<handfast::Credentials> credentials;
  handfast::Cow<handfast::Trust> trust;
  handfast::Cow<handfast::Hooks> hooks;
  handfast::Request request;
  handfast::NamedAuthorities authorities;
  handfast::CipherStackPtr ciphers;  // SSL_set_cipher_list; nullptr: those of ctx, live

  BIO* rbio = nullptr;  // owned; may be the same as wbio, then with two references
  BIO* wbio = nullptr;
  handfast::Channel channel;
  handfast::UnfinishedWrite write;

  handfast::Role role = handfast::Role::unset;
  handfast::Phase phase = handfast::Phase::before;
  bool server = false;  // as SSL_is_server: the method's role until one is chosen
  OSSL_HANDSHAKE_STATE state = TLS_ST_BEFORE;
  int want = SSL_NOTHING;     // SSL_want
  int shutdown = 0;           // SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN
  bool in_init = true;        // SSL_in_init
  bool error_raised = false;  // the last call put its reason into the error queue
  // Description of the peer's last warning alert. 0 is close_notify, and so before any alert, as
  // SSL_get_error has it in OpenSSL.
  uint8_t warning_alert = 0;
  int read_result = 1;         // what BIO_read said last: a BIO at its end makes SSL_read return 0
  bool alert_unsent = false;   // the output buffer ends with an alert of ours
  bool reading = false;        // inside SSL_read or SSL_peek
  bool driving = false;        // the driver is on the stack: callbacks may not drive again
  uint8_t warning_alerts = 0;  // in a row
  uint8_t entered = 0;         // API calls on the stack; a callback may call SSL_free
  bool doomed = false;         // SSL_free was called meanwhile: the outermost call destroys
  handfast::Job job;           // SSL_MODE_ASYNC
  bool stateless = false;      // inside SSL_stateless
  long verify_result = X509_V_OK;

  std::unique_ptr<handfast::Handshake, handfast::DestroyHandshake> handshake;
  handfast::Negotiated negotiated;
  handfast::SessionRef session;

  handfast::Renegotiation renegotiation;  // TLS <= 1.2
  int certificate_requests = 0;           // that a server has sent: SSL_VERIFY_CLIENT_ONCE

  // TLS 1.3, after the handshake.
  handfast::TrafficSecret read_secret, write_secret;
  handfast::ExporterSecret exporter, early_exporter;
  handfast::Secret resumption_secret;  // resumption_master_secret
  uint64_t ticket_nonce = 0;           // tickets made by this server
  size_t tickets_sent = 0;             // since the handshake
  size_t tickets_asked = 0;            // by SSL_new_session_ticket, not sent yet
  handfast::EarlyData early_data;
  int key_update = SSL_KEY_UPDATE_NONE;  // asked for by SSL_key_update, not sent yet
  bool key_update_asked = false;         // of the peer, whose key has served long enough
  // KeyUpdates and CertificateRequests in a row, without application data between.
  uint8_t control_messages = 0;
  handfast::Unique<handfast::PostHandshakeAuth> post_auth;  // when the client has offered it

  handfast::CtSettings transparency;
  handfast::SctStackPtr scts;  // SSL_get0_peer_scts, once asked for
  handfast::DaneState dane;    // SSL_dane_enable

  CRYPTO_EX_DATA ex_data{};
};

namespace handfast {

using Connection = ssl_st;

// nullptr with the reason in the queue. SSL_new(3).
Connection* new_connection(Context* context);
// Drops one reference; inside a callback of the connection it is destroyed by the outermost call.
void free_connection(Connection* connection);
// Which side this is: SSL_set_connect_state(3), SSL_set_accept_state(3). Forgets a handshake that
// had begun.
void set_role(Connection& connection, Role role);
// Version in use, or the highest of the method before one was negotiated: SSL_version.
int current_version(const Connection& connection);
// SSL_set_SSL_CTX: credentials and what goes with them come from `context`, nullptr for that of
// the session. False: memory; nothing is changed then.
bool switch_context(Connection& connection, Context* context);
// A connection that was cut off must not be resumed: lets go of its session and takes it out of the
// cache. Nothing happens to one that has not been connected, or has sent close_notify.
void drop_bad_session(Connection& connection);
// If a renegotiation is due and no record is half way, the next handshake starts it. `initiated`:
// inside a handshake that has just been asked for it. True: it is started.
bool start_renegotiation(Connection& connection, bool initiated);
// SSL_clear(3): ready for another handshake with the same configuration. False: see the queue.
bool clear(Connection& connection);

// Scope of an API call that may run callbacks.
class Entered {
 public:
  explicit Entered(Connection& connection) : connection_(connection) { ++connection.entered; }
  ~Entered();
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

 private:
  Connection& connection_;
};

// --- connection/callbacks.cc ---
// Before anything is written: padding as it is set now. Settings may change between writes.
void follow_write_settings(Connection& connection);
// Longest content of a record: SSL_CTX_set_max_send_fragment(3), max_fragment_length.
size_t fragment_limit(const Connection& connection);
void call_info(const Connection& connection, int where, int value);
void call_message(Connection& connection, bool written, int version, int content_type, View bytes);
// SSL_CTX_set_keylog_callback(3): a line of label, what identifies the secret, and the secret.
void log_line(Connection& connection, const char* label, View id, View secret);
// The same with the client's random as identification.
void log_secret(Connection& connection, const char* label, View secret);

}  // namespace handfast
