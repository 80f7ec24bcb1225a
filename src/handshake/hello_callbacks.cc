#include "handshake/hello_callbacks.h"

#include "crypto/cipher_class.h"
#include "handshake/resumption.h"

namespace handfast {
namespace {

Verdict keep_name(UniqueString& out, View name) {
  out.reset(OPENSSL_strndup(reinterpret_cast<const char*>(name.data()), name.size()));
  return out != nullptr ? success() : malloc_failure();
}

}  // namespace

Flow ask_client_hello(Handshake& hs) {
  for (;;) {
    const LiveHooks& live = hs.ctx->live;
    if (live.client_hello == nullptr) co_return success();
    int alert = SSL_AD_INTERNAL_ERROR;
    int answer = live.client_hello(hs.ssl, &alert, live.client_hello_argument);
    hs.follow_context();
    if (answer == SSL_CLIENT_HELLO_SUCCESS) co_return success();
    if (answer != SSL_CLIENT_HELLO_RETRY) {
      co_return fatal(alert_of(alert, hs.negotiated->version), SSL_R_CALLBACK_FAILED);
    }
    co_await pause(hs, Want::client_hello);
  }
}

namespace {

bool tickets_off(const Handshake& hs) {
  return ((*hs.policy)->options & SSL_OP_NO_TICKET) != 0;
}

// Another context took over: the connection counts as its.
void move_accept(const Handshake& hs) {
  if (hs.ctx == hs.conn.session_ctx.get() || hs.renegotiating || hs.hello_retry_request) return;
  hs.ctx->statistics.accept.fetch_add(1, std::memory_order_relaxed);
  hs.conn.session_ctx->statistics.accept.fetch_sub(1, std::memory_order_relaxed);
}

// The application has turned tickets off after one was promised: the session needs an id.
Verdict take_back_ticket(Handshake& hs) {
  hs.ticket_expected = false;
  return hs.resuming ? success() : generate_session_id(hs, *hs.conn.session);
}

}  // namespace

Verdict ask_server_name(Handshake& hs) {
  View name = hs.offers.server_name;
  bool had_tickets = !tickets_off(hs);
  // Before TLS 1.3 the name is the session's, not that of the hello that resumes it.
  hs.negotiated->server_name.reset();
  // What the application had named its own SSL is forgotten, as in OpenSSL.
  hs.conn.request.server_name.reset();
  bool named = !hs.resuming || hs.negotiated->version >= TLS1_3_VERSION;
  if (!name.empty() && named) HANDFAST_CHECK(keep_name(hs.negotiated->server_name, name));
  const LiveHooks* live = &hs.ctx->live;
  if (live->server_name == nullptr) live = &hs.conn.session_ctx->live;
  hs.accept_server_name = false;
  if (live->server_name == nullptr) return success();
  int alert = SSL_AD_UNRECOGNIZED_NAME;
  int answer = live->server_name(hs.ssl, &alert, live->server_name_argument);
  hs.follow_context();
  move_accept(hs);
  switch (answer) {
    case SSL_TLSEXT_ERR_ALERT_FATAL:
      return fatal(alert_of(alert, hs.negotiated->version), SSL_R_CALLBACK_FAILED);
    // RFC 8446 6: TLS 1.3 has no warnings to send.
    case SSL_TLSEXT_ERR_ALERT_WARNING:
      if (hs.negotiated->version < TLS1_3_VERSION)
        hs.warning = alert_of(alert, hs.negotiated->version);
      return success();
    case SSL_TLSEXT_ERR_NOACK:
      return success();
    default:
      hs.accept_server_name = !name.empty();
      return hs.ticket_expected && had_tickets && tickets_off(hs) ? take_back_ticket(hs)
                                                                  : success();
  }
}

Verdict keep_names(Handshake& hs) {
  if (hs.resuming) return success();
  Session& session = *hs.conn.session;
  const UniqueString& name = hs.server ? hs.negotiated->server_name : hs.request->server_name;
  if (hs.accept_server_name && !assign(session.hostname, name.get())) return malloc_failure();
  return session.alpn.assign(hs.negotiated->alpn.view()) ? success() : malloc_failure();
}

Verdict ask_alpn(Handshake& hs) {
  View offered = hs.offers.alpn;
  const LiveHooks& live = hs.ctx->live;
  if (live.alpn_select == nullptr || offered.empty()) return success();
  const unsigned char* selected = nullptr;
  unsigned char length = 0;
  int answer =
      live.alpn_select(hs.ssl, &selected, &length, offered.data(),
                       static_cast<unsigned int>(offered.size()), live.alpn_select_argument);
  if (answer == SSL_TLSEXT_ERR_NOACK) return success();
  // RFC 7301 3.2.
  if (answer != SSL_TLSEXT_ERR_OK) {
    return fatal(Alert::no_application_protocol, SSL_R_NO_APPLICATION_PROTOCOL);
  }
  // RFC 7301 3.1: "Empty strings MUST NOT be included".
  if (length == 0) return internal_error();
  return hs.negotiated->alpn.assign({selected, length}) ? success() : malloc_failure();
}

void ask_resumable(Handshake& hs) {
  auto callback = (*hs.hooks)->not_resumable_session;
  if (callback == nullptr) return;
  bool forward_secure = (hs.negotiated->suite->kx & (kKxDhe | kKxEcdhe)) != 0;
  hs.conn.session->not_resumable = callback(hs.ssl, forward_secure ? 1 : 0) != 0;
  if (hs.conn.session->not_resumable) hs.ticket_expected = false;
}

Flow ask_certificate(Handshake& hs) {
  for (;;) {
    const Credentials& credentials = **hs.credentials;
    if (credentials.callback == nullptr) co_return success();
    int answer = credentials.callback(hs.ssl, credentials.callback_argument);
    hs.follow_context();
    if (answer > 0) co_return success();
    if (answer == 0) co_return internal_error(SSL_R_CERT_CB_ERROR);
    co_await pause(hs, Want::x509_lookup);
  }
}

Verdict ask_status(Handshake& hs) {
  hs.staple = false;
  hs.negotiated->status_requested = hs.offers.status_request;
  const LiveHooks& live = hs.ctx->live;
  if (!hs.offers.status_request || live.status == nullptr) return success();
  switch (live.status(hs.ssl, live.status_argument)) {
    case SSL_TLSEXT_ERR_OK:
      hs.staple = !hs.request->ocsp_response.empty();
      return success();
    case SSL_TLSEXT_ERR_NOACK:
      return success();
    default:
      return internal_error(SSL_R_CLIENTHELLO_TLSEXT);
  }
}

Verdict judge_status(Handshake& hs) {
  const LiveHooks& live = hs.ctx->live;
  // Of any type, also one that nothing was sent for.
  if ((*hs.policy)->status_type == Policy::kNoStatusType || live.status == nullptr) {
    return success();
  }
  int answer = live.status(hs.ssl, live.status_argument);
  if (answer == 0) {
    return fatal(Alert::bad_certificate_status_response, SSL_R_INVALID_STATUS_RESPONSE);
  }
  return answer > 0 ? success() : internal_error(SSL_R_OCSP_CALLBACK_FAILURE);
}

}  // namespace handfast
