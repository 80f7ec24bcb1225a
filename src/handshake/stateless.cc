#include "handshake/stateless.h"

#include <ctime>

#include "handshake/server_hello13.h"
#include "handshake/steps.h"
#include "message/retry_cookie.h"
#include "message/server_hello.h"

namespace handfast {
namespace {

constexpr size_t kMacLength = SHA256_DIGEST_LENGTH;
constexpr uint64_t kMaxAge = 600;  // seconds, as OpenSSL's

uint64_t now() {
  return static_cast<uint64_t>(std::time(nullptr));
}

bool authenticate(const Handshake& hs, View content, std::span<uint8_t, kMacLength> out) {
  Hmac hmac;
  const EVP_MD* md = hs.algorithms->hash(HashId::sha256);
  return md != nullptr && hmac.start(md, hs.conn.session_ctx->cookie_key) &&
         hmac.compute({content}, out.data());
}

Verdict ask_application(Handshake& hs, Bytes& application) {
  auto generate = hs.ctx->live.generate_stateless_cookie;
  if (generate == nullptr) return internal_error(SSL_R_NO_COOKIE_CALLBACK_SET);
  size_t length = SSL_COOKIE_LENGTH;
  if (!application.resize(length)) return malloc_failure();
  if (generate(hs.ssl, application.data(), &length) == 0) {
    return internal_error(SSL_R_COOKIE_GEN_CALLBACK_FAILURE);
  }
  if (length > SSL_COOKIE_LENGTH) return internal_error();
  application.truncate(length);
  return success();
}

// "allowing the server to offload state to the client": nothing of it counts unless it is ours.
Verdict open(const Handshake& hs, RetryCookie& out) {
  View bytes = hs.offers.cookie;
  if (bytes.size() < kMacLength) return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  View content = bytes.first(bytes.size() - kMacLength);
  uint8_t mac[kMacLength];
  if (!authenticate(hs, content, mac)) return internal_error();
  if (!equal_constant_time(bytes.last(kMacLength), mac)) {
    return fatal(Alert::illegal_parameter, SSL_R_COOKIE_MISMATCH);
  }
  return parse(content, out);
}

uint16_t shared_group(const Handshake& hs) {
  const Group* group = first_usable_share(hs);
  return group == nullptr ? 0 : group->id;
}

bool is_fresh(const RetryCookie& cookie) {
  uint64_t time = now();
  return cookie.time <= time && time - cookie.time <= kMaxAge;
}

// RFC 8446 4.4.1: "message_hash", the HelloRetryRequest as it was, and the second ClientHello.
Verdict restore_transcript(Handshake& hs, View client_hello_hash) {
  const EVP_MD* md = hs.algorithms->hash(hs.negotiated->suite->hash);
  Bytes block;
  ServerHello request;
  HANDFAST_CHECK(fill_hello_retry_request(hs, block, request));
  hs.scratch.clear();
  if (!build_message(request, hs.scratch)) return malloc_failure();
  return hs.transcript.start_with_message_hash(md, client_hello_hash) &&
                 hs.transcript.add(hs.scratch.view())
             ? success()
             : internal_error();
}

}  // namespace

bool lacks_cookie(const Handshake& hs) {
  return hs.conn.stateless && !hs.cookie_ok;
}

Verdict make_cookie(Handshake& hs) {
  Bytes application;
  HANDFAST_CHECK(ask_application(hs, application));
  Digest hash;
  if (!hs.transcript.hash(hash)) return internal_error();
  RetryCookie cookie;
  cookie.group = hs.retry_group != 0 ? hs.retry_group : shared_group(hs);
  cookie.group_requested = hs.retry_group != 0;
  cookie.cipher_suite = hs.negotiated->suite->id;
  cookie.time = now();
  cookie.client_hello_hash = hash.view();
  cookie.application = application.view();
  hs.cookie.clear();
  Writer writer(hs.cookie);
  build(cookie, writer);
  uint8_t mac[kMacLength];
  if (!writer.ok()) return malloc_failure();
  if (!authenticate(hs, hs.cookie.view(), mac)) return internal_error();
  return hs.cookie.append(mac) ? success() : malloc_failure();
}

Verdict take_cookie(Handshake& hs) {
  auto verify = hs.ctx->live.verify_stateless_cookie;
  if (!hs.conn.stateless || verify == nullptr || hs.offers.cookie.empty()) return success();
  RetryCookie cookie;
  HANDFAST_CHECK(open(hs, cookie));
  if (cookie.format != RetryCookie::kFormat) return success();
  // RFC 8446 4.1.4: what a HelloRetryRequest has chosen stays.
  if (cookie.group != shared_group(hs) || cookie.cipher_suite != hs.negotiated->suite->id) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_CIPHER);
  }
  if (!is_fresh(cookie)) return success();
  if (verify(hs.ssl, cookie.application.data(), cookie.application.size()) == 0) {
    return fatal(Alert::illegal_parameter, SSL_R_COOKIE_MISMATCH);
  }
  // RFC 8446 4.1.2: a second ClientHello has no early_data.
  if (hs.offers.early_data) return fatal(Alert::illegal_parameter, SSL_R_BAD_EXTENSION);
  if (!hs.cookie.assign(hs.offers.cookie)) return malloc_failure();
  if (cookie.group_requested) hs.retry_group = cookie.group;
  HANDFAST_CHECK(restore_transcript(hs, cookie.client_hello_hash));
  hs.cookie_ok = true;
  hs.hello_retry_request = true;
  hs.negotiated->hello_retry_request = true;
  return success();
}

}  // namespace handfast
