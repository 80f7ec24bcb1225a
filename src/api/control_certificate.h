// The part of SSL_ctrl(3) and SSL_CTX_ctrl(3) that certificates, chains and the peer's keys have.
#pragma once

#include <openssl/ssl.h>

namespace handfast {

// Exactly one of `ssl` and `ctx` is given. `handled` says whether `command` belongs here; the
// result is that of the control function then.
long control_certificate(SSL* ssl, SSL_CTX* ctx, int command, long larg, void* parg, bool& handled);

}  // namespace handfast
