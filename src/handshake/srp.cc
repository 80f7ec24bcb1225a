#include "handshake/srp.h"

#include "crypto/cipher_class.h"

namespace handfast {
namespace {

constexpr int kPrivateLength =
    SSL_MAX_MASTER_KEY_LENGTH;  // of a and b; RFC 5054 2.5.3, 2.5.4: at least 32

// A random exponent, which libcrypto then handles in constant time.
bool make_private(const Algorithms& algorithms, SrpNumber& out) {
  uint8_t random[kPrivateLength];
  if (!algorithms.random_private(random)) return false;
  out.reset(BN_bin2bn(random, sizeof random, nullptr));
  OPENSSL_cleanse(random, sizeof random);
  if (out == nullptr) return false;
  BN_set_flags(out.get(), BN_FLG_CONSTTIME);
  return true;
}

bool read_number(View bytes, SrpNumber& out) {
  out.reset(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return out != nullptr;
}

bool write_number(const SrpNumber& number, Bytes& out) {
  if (!out.resize(static_cast<size_t>(BN_num_bytes(number.get())))) return false;
  BN_bn2bin(number.get(), out.data());
  return true;
}

// RFC 5054 2.6. As in OpenSSL without leading zeros.
Verdict keep_premaster(SrpNumber key, KeyExchange& exchange) {
  if (key == nullptr || BN_is_zero(key.get())) return internal_error();
  return write_number(key, exchange.premaster) ? success() : malloc_failure();
}

// What is of this exchange alone.
void forget_private(SrpState& srp) {
  srp.client_private.reset();
  srp.client_public.reset();
  srp.server_private.reset();
  srp.server_public.reset();
}

// For SSL_SESSION_print(3): an abbreviated handshake says nothing that counts of the user.
Verdict keep_in_session(Handshake& hs, const SrpState& srp) {
  if (srp.user_name == nullptr) return malloc_failure();
  return assign(hs.conn.session->srp_username, srp.user_name.get()) ? success() : malloc_failure();
}

SrpNumber scrambling(const Connection& connection, const SrpState& srp) {
  const Algorithms& algorithms = connection.ctx->algorithms;
  return SrpNumber(SRP_Calc_u_ex(srp.client_public.get(), srp.server_public.get(), srp.prime.get(),
                                 algorithms.library(), algorithms.property_query()));
}

}  // namespace

// --- Server ---

Verdict keep_srp_user(Handshake& hs) {
  View name = hs.offers.srp_username;
  Unique<SrpState>& srp = hs.request->srp;
  if (name.empty()) {
    if (srp != nullptr) srp->user_name.reset();
    return success();
  }
  if (srp == nullptr) srp.reset(make<SrpState>());
  bool kept = srp != nullptr &&
              assign(srp->user_name, reinterpret_cast<const char*>(name.data()), name.size());
  return kept ? success() : malloc_failure();
}

int find_srp_user(Connection& connection, int& alert) {
  SrpState* srp = connection.request.srp.get();
  alert = SSL_AD_UNKNOWN_PSK_IDENTITY;
  if (srp != nullptr && srp->user_callback != nullptr) {
    int answer = srp->user_callback(&connection, &alert, srp->argument);
    if (answer != SSL_ERROR_NONE) return answer;
  }
  alert = SSL_AD_INTERNAL_ERROR;
  if (srp == nullptr || srp->prime == nullptr || srp->generator == nullptr ||
      srp->salt == nullptr || srp->verifier == nullptr) {
    return SSL3_AL_FATAL;
  }
  const Algorithms& algorithms = connection.ctx->algorithms;
  if (!make_private(algorithms, srp->server_private)) return SSL3_AL_FATAL;
  srp->server_public.reset(SRP_Calc_B_ex(srp->server_private.get(), srp->prime.get(),
                                         srp->generator.get(), srp->verifier.get(),
                                         algorithms.library(), algorithms.property_query()));
  return srp->server_public != nullptr ? SSL_ERROR_NONE : SSL3_AL_FATAL;
}

// RFC 5054 2.5.1.3: a user that the server does not know is refused with unknown_psk_identity,
// or the callback makes parameters up for one.
Flow ask_srp_user(Handshake& hs) {
  if ((hs.negotiated->suite->kx & kKxSrp) == 0) co_return success();
  for (;;) {
    const SrpState* srp = hs.request->srp.get();
    if (srp == nullptr || srp->user_callback == nullptr) co_return success();
    // RFC 5054 2.5.1.2.
    if (srp->user_name == nullptr) {
      co_return fatal(Alert::unknown_psk_identity, SSL_R_PSK_IDENTITY_NOT_FOUND);
    }
    int alert = SSL_AD_UNRECOGNIZED_NAME;
    int answer = find_srp_user(hs.conn, alert);
    hs.follow_context();
    if (answer == SSL3_AL_FATAL) {
      co_return fatal(alert_of(alert, hs.negotiated->version), alert == SSL_AD_UNKNOWN_PSK_IDENTITY
                                                                   ? SSL_R_PSK_IDENTITY_NOT_FOUND
                                                                   : SSL_R_CLIENTHELLO_TLSEXT);
    }
    if (answer >= 0) co_return success();
    co_await pause(hs, Want::x509_lookup);
  }
}

Verdict make_srp(Handshake& hs, SrpParameters& out) {
  const SrpState* srp = hs.request->srp.get();
  if (srp == nullptr || srp->prime == nullptr || srp->generator == nullptr ||
      srp->salt == nullptr || srp->server_public == nullptr) {
    return internal_error(SSL_R_MISSING_SRP_PARAM);
  }
  bool written = write_number(srp->prime, out.n) && write_number(srp->generator, out.g) &&
                 write_number(srp->salt, out.s) && write_number(srp->server_public, out.b);
  return written ? success() : malloc_failure();
}

Verdict agree_srp(Handshake& hs, View public_value, KeyExchange& exchange) {
  SrpState* srp = hs.request->srp.get();
  if (srp == nullptr || srp->prime == nullptr || srp->verifier == nullptr ||
      srp->server_private == nullptr) {
    return internal_error();
  }
  if (!read_number(public_value, srp->client_public)) return malloc_failure();
  // RFC 5054 2.5.4: "abort the handshake with an "illegal_parameter" alert if A % N = 0".
  if (BN_ucmp(srp->client_public.get(), srp->prime.get()) >= 0 ||
      BN_is_zero(srp->client_public.get())) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_SRP_PARAMETERS);
  }
  HANDFAST_CHECK(keep_in_session(hs, *srp));
  SrpNumber u = scrambling(hs.conn, *srp);
  if (u == nullptr) return internal_error();
  SrpNumber key(SRP_Calc_server_key(srp->client_public.get(), srp->verifier.get(), u.get(),
                                    srp->server_private.get(), srp->prime.get()));
  forget_private(*srp);
  return keep_premaster(std::move(key), exchange);
}

// --- Client ---

namespace {

// RFC 5054 2.5.3.
Verdict judge_parameters(Handshake& hs, const SrpState& srp) {
  const BIGNUM* prime = srp.prime.get();
  if (BN_ucmp(srp.generator.get(), prime) >= 0 || BN_ucmp(srp.server_public.get(), prime) >= 0 ||
      BN_is_zero(srp.server_public.get())) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_DATA);
  }
  if (BN_num_bits(prime) < srp.strength) {
    return fatal(Alert::insufficient_security, SSL_R_INSUFFICIENT_SECURITY);
  }
  if (srp.parameters_callback != nullptr) {
    if (srp.parameters_callback(hs.ssl, srp.argument) > 0) return success();
    return fatal(Alert::insufficient_security, SSL_R_CALLBACK_FAILED);
  }
  if (SRP_check_known_gN_param(srp.generator.get(), prime) != nullptr) return success();
  return fatal(Alert::insufficient_security, SSL_R_INSUFFICIENT_SECURITY);
}

}  // namespace

Verdict accept_srp(Handshake& hs, const ServerKeyExchange& message) {
  SrpState* srp = hs.request->srp.get();
  if (srp == nullptr) return internal_error();
  bool read = read_number(message.srp_n, srp->prime) &&
              read_number(message.srp_g, srp->generator) && read_number(message.srp_s, srp->salt) &&
              read_number(message.srp_b, srp->server_public);
  return read ? judge_parameters(hs, *srp) : internal_error(ERR_R_BN_LIB);
}

bool make_client_srp(Connection& connection) {
  SrpState* srp = connection.request.srp.get();
  if (srp == nullptr || !make_private(connection.ctx->algorithms, srp->client_private))
    return false;
  srp->client_public.reset(
      SRP_Calc_A(srp->client_private.get(), srp->prime.get(), srp->generator.get()));
  return srp->client_public != nullptr;
}

Verdict answer_srp(Handshake& hs, KeyExchange& exchange) {
  if (!make_client_srp(hs.conn)) return internal_error(SSL_R_SRP_A_CALC);
  const SrpState& srp = *hs.request->srp;
  if (!write_number(srp.client_public, exchange.public_value)) return malloc_failure();
  return keep_in_session(hs, srp);
}

Verdict finish_srp(Handshake& hs, KeyExchange& exchange) {
  SrpState* srp = hs.request->srp.get();
  if (srp == nullptr || srp->password_callback == nullptr) return internal_error();
  SrpNumber u = scrambling(hs.conn, *srp);
  if (u == nullptr) return internal_error();
  SrpPassword password(srp->password_callback(hs.ssl, srp->argument));
  if (password == nullptr) return internal_error(SSL_R_CALLBACK_FAILED);
  OSSL_LIB_CTX* library = hs.algorithms->library();
  const char* query = hs.algorithms->property_query();
  SrpNumber x(SRP_Calc_x_ex(srp->salt.get(), srp->user_name.get(), password.get(), library, query));
  if (x == nullptr) return internal_error();
  SrpNumber key(SRP_Calc_client_key_ex(srp->prime.get(), srp->server_public.get(),
                                       srp->generator.get(), x.get(), srp->client_private.get(),
                                       u.get(), library, query));
  forget_private(*srp);
  return keep_premaster(std::move(key), exchange);
}

}  // namespace handfast
