// The server's side of pre-shared keys.
#include <cstring>
#include <ctime>

#include "config/security.h"
#include "extension/pre_shared_key.h"
#include "handshake/binder.h"
#include "handshake/psk.h"
#include "handshake/resumption.h"
#include "handshake/stateless.h"
#include "handshake/tickets13.h"
#include "session/cache.h"
#include "session/ticket.h"

namespace handfast {
namespace {

constexpr uint32_t kAgeTolerance = 10000;  // milliseconds, as OpenSSL's
constexpr uint32_t kAgeRounding = 1000;    // ages of ours are in seconds

// What became of one identity of the hello.
struct Candidate {
  SessionRef session;     // nullptr: not ours
  bool external = false;  // the application's own key
  bool fresh = false;     // of the right age for early data
};

// SSL_set_psk_server_callback(3): names of TLS <= 1.2 are C strings.
Verdict ask_psk_server(Handshake& hs, View identity, SessionRef& session) {
  SSL_psk_server_cb_func callback = (*hs.hooks)->psk_server;
  if (callback == nullptr || identity.size() > PSK_MAX_IDENTITY_LEN) return success();
  char name[PSK_MAX_IDENTITY_LEN + 1] = {};
  std::memcpy(name, identity.data(), identity.size());
  uint8_t key[PSK_MAX_PSK_LEN];
  unsigned int length = callback(hs.ssl, name, key, sizeof key);
  Verdict verdict = success();
  if (length > sizeof key) {
    verdict = internal_error();
  } else if (length > 0) {
    session = session_of_key({key, length});
    if (session == nullptr) verdict = malloc_failure();
  }
  OPENSSL_cleanse(key, sizeof key);
  return verdict;
}

// What the application knows goes on as a copy of ours, under our id context.
Verdict find_external(Handshake& hs, View identity, Candidate& out) {
  SessionRef found;
  if (SSL_psk_find_session_cb_func callback = (*hs.hooks)->psk_find_session) {
    Session* session = nullptr;
    int answer = callback(hs.ssl, identity.data(), identity.size(), &session);
    found.reset(session);
    if (answer == 0) return internal_error(SSL_R_BAD_EXTENSION);
  }
  if (found == nullptr) HANDFAST_CHECK(ask_psk_server(hs, identity, found));
  if (found == nullptr) return success();
  out.session.reset(duplicate(*found, false));
  if (out.session == nullptr) return malloc_failure();
  const Policy& policy = **hs.policy;
  std::memcpy(out.session->id_context, policy.id_context, policy.id_context_length);
  out.session->id_context_length = policy.id_context_length;
  out.external = out.fresh = true;
  hs.ticket_expected = true;
  return success();
}

// RFC 8446 8.2 and 8.3: the client's word of the ticket's age against ours.
bool is_fresh(const Session& session, uint32_t obfuscated_age) {
  uint32_t claimed = obfuscated_age - session.ticket_age_add;
  long seconds = static_cast<long>(std::time(nullptr)) - session.time;
  if (seconds < 0 || seconds > session.timeout || seconds > UINT32_MAX / 1000 - 1) return false;
  uint64_t age = static_cast<uint64_t>(seconds) * 1000 + kAgeRounding;
  return claimed <= age && uint64_t{claimed} + kAgeTolerance >= age;
}

// The ticket is the id of a session in the cache: SSL_OP_NO_TICKET, or replay protection.
Ticket find_stateful(Handshake& hs, View identity) {
  hs.ticket_expected = true;
  Ticket ticket;
  ticket.status = SSL_TICKET_NO_DECRYPT;
  if (identity.size() != SSL_MAX_SSL_SESSION_ID_LENGTH) return ticket;
  ticket.session = look_up_session(hs, identity);
  if (ticket.session != nullptr) ticket.status = SSL_TICKET_SUCCESS;
  return ticket;
}

// The key of the hello before the HelloRetryRequest, which is no longer in the cache unless that
// was sent for a cookie.
bool is_taken_out(const Handshake& hs, View identity, const Session* before) {
  return before != nullptr && stateful_tickets(hs) && hs.cookie.empty() &&
         equal(identity, {before->id, before->id_length});
}

Ticket open_stateless(Handshake& hs, View identity) {
  Context& context = *hs.conn.session_ctx;
  Ticket ticket = open_ticket(hs.ssl, context, true, identity, {});
  ask_decrypt_ticket(hs.ssl, context, identity, ticket);
  if (ticket.status == SSL_TICKET_NO_DECRYPT || ticket.status == SSL_TICKET_SUCCESS_RENEW) {
    hs.ticket_expected = true;
  }
  return ticket;
}

Verdict find_ticket(Handshake& hs, const PskIdentity& identity, Session* before, Candidate& out) {
  if (is_taken_out(hs, identity.identity, before)) {
    hs.ticket_expected = true;
    up_ref(before);
    out.session.reset(before);
    return success();
  }
  Ticket ticket = stateful_tickets(hs) ? find_stateful(hs, identity.identity)
                                       : open_stateless(hs, identity.identity);
  if (ticket.status == SSL_TICKET_FATAL_ERR_MALLOC || ticket.status == SSL_TICKET_FATAL_ERR_OTHER) {
    return internal_error();
  }
  if (ticket.session == nullptr || ticket.status == SSL_TICKET_NONE ||
      ticket.status == SSL_TICKET_NO_DECRYPT) {
    return success();
  }
  // RFC 8446 8.1: a ticket is used once, by whichever of two hellos comes first; a stateless server
  // has forgotten the first.
  if (protects_from_replay(hs) && !lacks_cookie(hs) &&
      !remove_session(*hs.conn.session_ctx, *ticket.session)) {
    return success();
  }
  out.fresh = is_fresh(*ticket.session, identity.obfuscated_age);
  out.session = static_cast<SessionRef&&>(ticket.session);
  return success();
}

Verdict check_binder(Handshake& hs, const Candidate& candidate, size_t index) {
  View whole = hs.message.whole;
  View binders = hs.offers.psk_binders;
  // The binders and their length are the end of the hello.
  View truncated = whole.first(whole.size() - binders.size() - 2);
  View binder = binder_at(binders, index);
  Secret expected;
  if (!compute_binder(hs, *candidate.session, candidate.external, truncated, expected)) {
    return internal_error();
  }
  if (binder.size() != expected.size()) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  // RFC 8446 4.2.11: "If this value is not present or does not validate, the server MUST abort
  // the handshake."
  if (!equal_constant_time(binder, expected.view())) {
    return fatal(Alert::illegal_parameter, SSL_R_BINDER_DOES_NOT_VERIFY);
  }
  return success();
}

bool same_hash(const Handshake& hs, const Session& session) {
  return session.cipher != nullptr && session.cipher->hash == hs.negotiated->suite->hash;
}

Verdict find_candidate(Handshake& hs, Session* before, Candidate& found) {
  Reader list(hs.offers.psk_identities);
  PskIdentity identity;
  for (uint16_t index = 0; next_identity(list, identity); ++index) {
    Candidate candidate;
    HANDFAST_CHECK(find_external(hs, identity.identity, candidate));
    if (candidate.session == nullptr) HANDFAST_CHECK(find_ticket(hs, identity, before, candidate));
    if (candidate.session == nullptr) continue;
    if (!same_hash(hs, *candidate.session)) {
      hs.ticket_expected = true;
      continue;
    }
    HANDFAST_CHECK(check_binder(hs, candidate, index));
    hs.psk_index = index;
    found = static_cast<Candidate&&>(candidate);
    return success();
  }
  return success();
}

// Whose session is it, and is it still good?
Verdict judge(const Handshake& hs, const Session& session, bool& fit) {
  const Policy& policy = **hs.policy;
  View own_context = {policy.id_context, policy.id_context_length};
  fit = session.version == TLS1_3_VERSION &&
        equal({session.id_context, session.id_context_length}, own_context);
  if (!fit) return success();
  if (((*hs.trust)->verify_mode & SSL_VERIFY_PEER) != 0 && own_context.empty()) {
    return internal_error(SSL_R_SESSION_ID_CONTEXT_UNINITIALIZED);
  }
  if (std::time(nullptr) <= expiry(session)) return success();
  hs.conn.session_ctx->statistics.timeout.fetch_add(1, std::memory_order_relaxed);
  fit = false;
  return success();
}

// The name of a ticket's session chose who answers. For a key of its own the application answers.
bool names_same_server(const Handshake& hs, const Candidate& candidate) {
  const char* name = candidate.session->hostname.get();
  return candidate.external || name == nullptr || equal(as_view(name), hs.offers.server_name);
}

}  // namespace

Verdict select_psk(Handshake& hs) {
  bool again = hs.hello_retry_request && hs.negotiated->resumed;
  Session* before = again ? hs.conn.session.get() : nullptr;
  hs.early_data_possible = false;
  hs.ticket_expected = true;
  // RFC 8446 4.2.9: without a mode that we have, the keys are of no use.
  if (!hs.offers.psk || !(hs.offers.psk_dhe_ke || hs.offers.psk_ke)) return success();
  hs.ticket_expected = false;
  Candidate found;
  HANDFAST_CHECK(find_candidate(hs, before, found));
  if (found.session == nullptr) return success();
  bool fit = false;
  HANDFAST_CHECK(judge(hs, *found.session, fit));
  if (!fit) {
    hs.ticket_expected = true;
    return success();
  }
  hs.conn.session_ctx->statistics.hit.fetch_add(1, std::memory_order_relaxed);
  hs.early_data_possible = found.fresh && hs.psk_index == 0 && names_same_server(hs, found);
  hs.resuming = true;
  hs.conn.session = static_cast<SessionRef&&>(found.session);
  hs.conn.verify_result = hs.conn.session->verify_result;
  return success();
}

}  // namespace handfast
