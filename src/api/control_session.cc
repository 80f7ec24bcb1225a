#include "api/control_session.h"

#include <openssl/err.h>

#include <atomic>
#include <cstring>

#include "config/context.h"

namespace handfast {
namespace {

const std::atomic<int>* statistic(const Context& context, int command) {
  const Context::Statistics& all = context.statistics;
  switch (command) {
    case SSL_CTRL_SESS_CONNECT:
      return &all.connect;
    case SSL_CTRL_SESS_CONNECT_GOOD:
      return &all.connect_good;
    case SSL_CTRL_SESS_CONNECT_RENEGOTIATE:
      return &all.connect_renegotiate;
    case SSL_CTRL_SESS_ACCEPT:
      return &all.accept;
    case SSL_CTRL_SESS_ACCEPT_GOOD:
      return &all.accept_good;
    case SSL_CTRL_SESS_ACCEPT_RENEGOTIATE:
      return &all.accept_renegotiate;
    case SSL_CTRL_SESS_HIT:
      return &all.hit;
    case SSL_CTRL_SESS_CB_HIT:
      return &all.callback_hit;
    case SSL_CTRL_SESS_MISSES:
      return &all.miss;
    case SSL_CTRL_SESS_TIMEOUTS:
      return &all.timeout;
    case SSL_CTRL_SESS_CACHE_FULL:
      return &all.cache_full;
    default:
      return nullptr;
  }
}

// One string of the name, the HMAC key and the AES key.
long ticket_keys(Context& context, bool set, uint8_t* keys, long length) {
  constexpr long kLength = sizeof(handfast::TicketKey);
  if (keys == nullptr) return kLength;
  if (length != kLength) {
    ERR_raise(ERR_LIB_SSL, SSL_R_INVALID_TICKET_KEYS_LENGTH);
    return 0;
  }
  handfast::TicketKey key;
  if (set) {
    std::memcpy(key.data(), keys, sizeof key);
    context.ticket_keys.set(key);
  } else {
    context.ticket_keys.get(key);
    std::memcpy(keys, key.data(), sizeof key);
  }
  return 1;
}

long set_cache_size(Context& context, long size) {
  if (size < 0) return 0;
  auto previous = static_cast<long>(context.session_cache_size);
  context.session_cache_size = static_cast<size_t>(size);
  return previous;
}

long set_cache_mode(Context& context, long mode) {
  long previous = context.session_cache_mode;
  context.session_cache_mode = static_cast<uint32_t>(mode);
  return previous;
}

}  // namespace

long control_session(SSL_CTX* ctx, int command, long larg, void* parg, bool& handled) {
  handled = true;
  switch (command) {
    case SSL_CTRL_SET_SESS_CACHE_SIZE:
      return set_cache_size(*ctx, larg);
    case SSL_CTRL_GET_SESS_CACHE_SIZE:
      return static_cast<long>(ctx->session_cache_size);
    case SSL_CTRL_SET_SESS_CACHE_MODE:
      return set_cache_mode(*ctx, larg);
    case SSL_CTRL_GET_SESS_CACHE_MODE:
      return ctx->session_cache_mode;
    case SSL_CTRL_SESS_NUMBER:
      return static_cast<long>(ctx->sessions->size());
    case SSL_CTRL_SET_TLSEXT_TICKET_KEYS:
    case SSL_CTRL_GET_TLSEXT_TICKET_KEYS:
      return ticket_keys(*ctx, command == SSL_CTRL_SET_TLSEXT_TICKET_KEYS,
                         static_cast<uint8_t*>(parg), larg);
    default:
      break;
  }
  const std::atomic<int>* counter = statistic(*ctx, command);
  handled = counter != nullptr;
  return handled ? counter->load() : 0;
}

long control_session_callback(SSL_CTX* ctx, int command, void (*callback)(), bool& handled) {
  handled = command == SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB;
  if (!handled) return 0;
  ctx->live.ticket_key = reinterpret_cast<decltype(ctx->live.ticket_key)>(callback);
  return 1;
}

}  // namespace handfast
