#include "handshake/resumption.h"

#include <cstring>
#include <ctime>

#include "config/security.h"
#include "crypto/hash.h"
#include "extension/extension.h"
#include "handshake/suites.h"
#include "session/cache.h"
#include "session/ticket.h"
#include "wire/version.h"

namespace handfast {
namespace {

constexpr int kMaxIdAttempts = 10;

void count(std::atomic<int>& statistic) {
  statistic.fetch_add(1, std::memory_order_relaxed);
}

// SSL_OP_NO_TICKET, and the security level's word.
bool tickets_allowed(const Handshake& hs) {
  const Policy& policy = **hs.policy;
  return (policy.options & SSL_OP_NO_TICKET) == 0 &&
         allowed(policy, hs.ssl, nullptr, SSL_SECOP_TICKET, 0, 0, nullptr);
}

Ticket read_ticket(Handshake& hs) {
  View body;
  Ticket ticket;
  if (!tickets_allowed(hs) ||
      !find_extension(hs.client_hello.extensions, TLSEXT_TYPE_session_ticket, body)) {
    return ticket;
  }
  Context& context = *hs.conn.session_ctx;
  // The application makes the master secret of what it knows from another ticket.
  bool elsewhere = (*hs.hooks)->session_secret != nullptr;
  if (elsewhere && !body.empty()) {
    ticket.status = SSL_TICKET_NO_DECRYPT;
  } else {
    ticket = open_ticket(hs.ssl, context, false, body, hs.client_hello.session_id);
  }
  ask_decrypt_ticket(hs.ssl, context, body, ticket);
  hs.ticket_expected = !elsewhere && (ticket.status == SSL_TICKET_NO_DECRYPT ||
                                      ticket.status == SSL_TICKET_SUCCESS_RENEW ||
                                      ticket.status == SSL_TICKET_EMPTY);
  return ticket;
}

SessionRef find_outside(Handshake& hs, View id) {
  Context& context = *hs.conn.session_ctx;
  if (context.live.get_session == nullptr) return nullptr;
  int copy = 1;
  Session* found = context.live.get_session(hs.ssl, id.data(), static_cast<int>(id.size()), &copy);
  if (found == nullptr) return nullptr;
  if (copy != 0) up_ref(found);
  SessionRef session(found);
  if (session->not_resumable) return nullptr;
  count(context.statistics.callback_hit);
  if ((context.session_cache_mode & SSL_SESS_CACHE_NO_INTERNAL_STORE) == 0) {
    add_session(context, *session);
  }
  return session;
}

}  // namespace

SessionRef look_up_session(Handshake& hs, View id) {
  Context& context = *hs.conn.session_ctx;
  if ((context.session_cache_mode & SSL_SESS_CACHE_NO_INTERNAL_LOOKUP) == 0) {
    SessionKey key;
    key.version = wire_version(hs.datagram, hs.negotiated->version);
    key.id_length = static_cast<uint8_t>(id.size());
    std::memcpy(key.id, id.data(), id.size());
    if (SessionRef session = context.sessions->find(key)) return session;
    count(context.statistics.miss);
  }
  return find_outside(hs, id);
}

namespace {

// TLS's number of the session's version; 0 when that is of the other family.
uint16_t version_of(const Handshake& hs, const Session& session) {
  uint16_t version = tls_version(static_cast<uint16_t>(session.version));
  return wire_version(hs.datagram, version) == session.version ? version : 0;
}

// What is the hello's own; a session that does not fit is left aside.
Verdict fits(const Handshake& hs, const Session& session, bool& fit) {
  const Policy& policy = **hs.policy;
  View own_context = {policy.id_context, policy.id_context_length};
  int version = hs.negotiated->version;
  fit = version_of(hs, session) == version && session.compression == 0 &&
        session.cipher != nullptr && fits_version(*session.cipher, version, version) &&
        equal({session.id_context, session.id_context_length}, own_context);
  if (!fit) return success();
  // Whose session is it? A server that verifies its clients must say so.
  if (((*hs.trust)->verify_mode & SSL_VERIFY_PEER) != 0 && own_context.empty()) {
    return internal_error(SSL_R_SESSION_ID_CONTEXT_UNINITIALIZED);
  }
  return success();
}

bool hello_has_extended_master_secret(const Handshake& hs) {
  View body;
  return ((*hs.policy)->options & SSL_OP_NO_EXTENDED_MASTER_SECRET) == 0 &&
         find_extension(hs.client_hello.extensions, TLSEXT_TYPE_extended_master_secret, body);
}

// RFC 7627 5.3.
Verdict check_extended_master_secret(const Handshake& hs, const Session& session, bool& fit) {
  bool before = (session.flags & kSessionExtendedMasterSecret) != 0;
  bool now = hello_has_extended_master_secret(hs);
  // If the original session used it but the new hello does not have it, the server MUST abort.
  if (before && !now) return fatal(Alert::handshake_failure, SSL_R_INCONSISTENT_EXTMS);
  // If it did not and the new hello has it, the server MUST NOT resume.
  fit = before == now;
  return success();
}

Verdict judge(const Handshake& hs, Session& session, bool cached, bool& fit) {
  HANDFAST_CHECK(fits(hs, session, fit));
  if (!fit) return success();
  if (std::time(nullptr) > expiry(session)) {
    Context& context = *hs.conn.session_ctx;
    count(context.statistics.timeout);
    if (cached) remove_session(context, session);
    fit = false;
    return success();
  }
  return check_extended_master_secret(hs, session, fit);
}

}  // namespace

Verdict find_session(Handshake& hs, SessionRef& session) {
  session.reset();
  hs.ticket_expected = false;
  Ticket ticket = read_ticket(hs);
  bool by_id = false;
  switch (ticket.status) {
    case SSL_TICKET_FATAL_ERR_MALLOC:
    case SSL_TICKET_FATAL_ERR_OTHER:
      return internal_error();
    case SSL_TICKET_NONE:
    case SSL_TICKET_EMPTY:
      by_id = !hs.client_hello.session_id.empty();
      if (by_id) ticket.session = look_up_session(hs, hs.client_hello.session_id);
      break;
    default:
      break;
  }
  if (ticket.session == nullptr) return success();
  bool fit = false;
  HANDFAST_CHECK(judge(hs, *ticket.session, by_id, fit));
  if (!fit) {
    // A ticket that opened but does not fit is replaced.
    if (!by_id) hs.ticket_expected = true;
    return success();
  }
  count(hs.conn.session_ctx->statistics.hit);
  session = static_cast<SessionRef&&>(ticket.session);
  return success();
}

namespace {

bool is_taken(const Handshake& hs, const Session& session) {
  return SSL_has_matching_session_id(hs.ssl, session.id, session.id_length) != 0;
}

bool choose_random_id(const Handshake& hs, Session& session) {
  for (int attempt = 0; attempt < kMaxIdAttempts; ++attempt) {
    if (!hs.algorithms->random({session.id, session.id_length})) return false;
    if (!is_taken(hs, session)) return true;
  }
  return false;
}

}  // namespace

Verdict generate_session_id(Handshake& hs, Session& session) {
  // RFC 5077 3.4: with a ticket to come, the ServerHello's session id may be empty.
  session.id_length = 0;
  if (hs.ticket_expected && hs.negotiated->version < TLS1_3_VERSION) return success();
  GEN_SESSION_CB callback = (*hs.hooks)->generate_session_id;
  if (callback == nullptr) callback = hs.conn.session_ctx->hooks->generate_session_id;
  std::memset(session.id, 0, sizeof session.id);
  session.id_length = sizeof session.id;
  if (callback == nullptr) {
    return choose_random_id(hs, session) ? success()
                                         : internal_error(SSL_R_SSL_SESSION_ID_CALLBACK_FAILED);
  }
  unsigned int length = sizeof session.id;
  if (callback(hs.ssl, session.id, &length) == 0) {
    return internal_error(SSL_R_SSL_SESSION_ID_CALLBACK_FAILED);
  }
  if (length == 0 || length > sizeof session.id) {
    return internal_error(SSL_R_SSL_SESSION_ID_HAS_BAD_LENGTH);
  }
  session.id_length = static_cast<uint8_t>(length);
  return is_taken(hs, session) ? internal_error(SSL_R_SSL_SESSION_ID_CONFLICT) : success();
}

Verdict ask_generate_ticket(Handshake& hs) {
  const LiveHooks& live = hs.conn.session_ctx->live;
  bool refused =
      live.generate_ticket != nullptr && live.generate_ticket(hs.ssl, live.ticket_argument) == 0;
  return refused ? internal_error() : success();
}

Verdict make_ticket(Handshake& hs, Bytes& ticket, uint32_t& lifetime_hint) {
  Context& context = *hs.conn.session_ctx;
  HANDFAST_CHECK(ask_generate_ticket(hs));
  const Session& session = *hs.conn.session;
  HANDFAST_CHECK(seal_ticket(hs.ssl, context, session, ticket));
  bool none = ticket.empty() || hs.resuming;
  lifetime_hint = none ? 0 : static_cast<uint32_t>(session.timeout);
  return success();
}

bool offerable(const Handshake& hs) {
  const Session* session = hs.conn.session.get();
  if (session == nullptr || SSL_SESSION_is_resumable(session) == 0) return false;
  uint16_t version = version_of(hs, *session);
  if (version >= TLS1_3_VERSION || version < hs.min_version || version > hs.max_version) {
    return false;
  }
  // RFC 7627 5.3: the extension MUST be sent for a session that had it.
  if ((session->flags & kSessionExtendedMasterSecret) != 0 &&
      ((*hs.policy)->options & SSL_OP_NO_EXTENDED_MASTER_SECRET) != 0) {
    return false;
  }
  // RFC 5246 7.4.1.2: the hello's suites MUST include that of the session.
  return first_suite(hs, [&](const CipherSuite& suite) {
           return &suite == session->cipher && fits_version(suite, version, version) &&
                  cipher_allowed(**hs.policy, hs.ssl, suite, SSL_SECOP_CIPHER_SUPPORTED);
         }) != nullptr;
}

namespace {

// A cached session must not change: the connection goes on with a copy.
Verdict replace_session(Handshake& hs) {
  SessionRef copy(duplicate(*hs.conn.session, false));
  if (copy == nullptr) return malloc_failure();
  copy->not_resumable = false;
  Context& context = *hs.conn.session_ctx;
  // RFC 5077 3.3: the client should discard the old ticket.
  if ((context.session_cache_mode & SSL_SESS_CACHE_CLIENT) != 0) {
    remove_session(context, *hs.conn.session);
  }
  hs.offered_session = nullptr;
  hs.conn.session.swap(copy);
  return success();
}

}  // namespace

Verdict accept_ticket(Handshake& hs, View ticket, uint32_t lifetime_hint) {
  // RFC 5077 3.3: a server that has no ticket after all sends an empty one.
  if (ticket.empty()) return success();
  if (hs.conn.session->id_length > 0) HANDFAST_CHECK(replace_session(hs));
  Session& session = *hs.conn.session;
  session.time = std::time(nullptr);
  if (!session.ticket.assign(ticket)) return malloc_failure();
  session.ticket_lifetime_hint = lifetime_hint;
  session.ticket_age_add = 0;
  session.not_resumable = false;
  return name_by_ticket(hs, session);
}

Verdict name_by_ticket(Handshake& hs, Session& session) {
  static_assert(sizeof session.id == 32, "SHA-256");
  Hash hash;
  if (!hash.start(hs.algorithms->hash(HashId::sha256)) || !hash.update(session.ticket.view()) ||
      !hash.finish(session.id)) {
    return internal_error();
  }
  session.id_length = sizeof session.id;
  return success();
}

Verdict ask_session_secret(Handshake& hs, STACK_OF(SSL_CIPHER) * offered, const CipherSuite*& suite,
                           bool& known) {
  const Hooks& hooks = **hs.hooks;
  uint8_t secret[kMaxMasterKeyLength];
  int length = sizeof secret;
  known = hooks.session_secret(hs.ssl, secret, &length, offered, &suite,
                               hooks.session_secret_argument) != 0 &&
          length > 0;
  bool kept = true;
  if (known) {
    kept = static_cast<size_t>(length) <= sizeof secret &&
           hs.conn.session->master_key.assign({secret, static_cast<size_t>(length)});
  }
  OPENSSL_cleanse(secret, sizeof secret);
  if (!kept) return internal_error();
  int version = hs.negotiated->version;
  bool fits = !known || suite == nullptr || fits_version(*suite, version, version);
  return fits ? success() : internal_error(SSL_R_WRONG_CIPHER_RETURNED);
}

namespace {

constexpr int kFlushMask = 0xff;

bool cacheable(const Connection& connection) {
  const Session& session = *connection.session;
  if (session.id_length == 0 || session.not_resumable) return false;
  // Without an id context, a server that verifies its clients would refuse the session.
  return !connection.server || session.id_context_length > 0 ||
         (connection.trust->verify_mode & SSL_VERIFY_PEER) == 0;
}

// A server of TLS 1.3 needs a session in its cache only where the ticket is but its name, or where
// the application wants to hear of its end.
bool stored_inside(const Connection& connection) {
  const Context& context = *connection.session_ctx;
  if ((context.session_cache_mode & SSL_SESS_CACHE_NO_INTERNAL_STORE) != 0) return false;
  if (connection.negotiated.version < TLS1_3_VERSION || !connection.server) return true;
  const Policy& policy = *connection.policy;
  return (policy.options & SSL_OP_NO_TICKET) != 0 || context.live.remove_session != nullptr ||
         (policy.max_early_data > 0 && (policy.options & SSL_OP_NO_ANTI_REPLAY) == 0);
}

void store(Connection& connection) {
  Context& context = *connection.session_ctx;
  if (stored_inside(connection)) {
    add_session(context, *connection.session);
  }
  if (context.live.new_session == nullptr) return;
  // The reference is the callback's, unless it returns 0.
  up_ref(connection.session.get());
  SessionRef given(connection.session.get());
  if (context.live.new_session(&connection, given.get()) != 0) given.release();
}

}  // namespace

void update_cache(Connection& connection) {
  Context& context = *connection.session_ctx;
  bool resumed = connection.negotiated.resumed;
  if (cacheable(connection)) {
    uint32_t mode = context.session_cache_mode;
    uint32_t role = connection.server ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_CLIENT;
    bool on = (mode & role) != 0;
    bool fresh = !resumed || connection.negotiated.version >= TLS1_3_VERSION;
    if (on && fresh) store(connection);
    const auto& statistics = context.statistics;
    int done = connection.server ? statistics.accept_good : statistics.connect_good;
    if (on && (mode & SSL_SESS_CACHE_NO_AUTO_CLEAR) == 0 && (done & kFlushMask) == kFlushMask) {
      flush_sessions(context, std::time(nullptr));
    }
  }
}

}  // namespace handfast
