// The part of SSL_CTX_ctrl(3) and SSL_CTX_callback_ctrl(3) that sessions and tickets have.
#pragma once

#include <openssl/ssl.h>

namespace handfast {

// `handled` says whether `command` belongs here; the result is that of the control function then.
long control_session(SSL_CTX* ctx, int command, long larg, void* parg, bool& handled);
long control_session_callback(SSL_CTX* ctx, int command, void (*callback)(), bool& handled);

}  // namespace handfast
