// How the commands of SSL_ctrl(3) and SSL_CTX_ctrl(3) find their functions.
#pragma once

#include <openssl/ssl.h>

#include <span>

#include "config/context.h"
#include "connection/connection.h"

namespace handfast {

// What a command works on. Exactly one of `ssl` and `ctx` is given; the rest is its configuration.
struct ControlTarget {
  SSL* ssl;
  SSL_CTX* ctx;
  const Context& context;
  Cow<Policy>& policy;
  Cow<Credentials>& credentials;
  Cow<Hooks>& hooks;
};

struct Control {
  enum class On : unsigned char { both, ssl, ctx };
  int command;
  On on;
  long (*run)(ControlTarget& target, long larg, void* parg);
};

std::span<const Control> policy_controls();
std::span<const Control> algorithm_controls();
std::span<const Control> extension_controls();
std::span<const Control> connection_controls();
std::span<const Control> datagram_controls();
std::span<const Control> srp_controls();
// `handled` says whether `command` belongs to SRP; the result is that of SSL_CTX_callback_ctrl
// then.
long control_srp_callback(SSL_CTX* ctx, int command, void (*callback)(), bool& handled);

// For change; nullptr with the reason in the queue.
Policy* edit_policy(ControlTarget& target);

}  // namespace handfast
