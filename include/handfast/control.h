// Settings of Handfast beyond OpenSSL's, by the control functions of both libraries.
#ifndef HANDFAST_CONTROL_H
#define HANDFAST_CONTROL_H

#include <openssl/ssl.h>

// SSL_CTX_ctrl(3) and SSL_ctrl(3): with a `larg` other than 0 a server lets a client restart the
// handshake for Server Gated Cryptography, as SSL_do_handshake(3) mentions it: once, by a second
// ClientHello in place of its Certificate or ClientKeyExchange, in TLS 1.2 or below, and only where
// the server's certificate has an extended key usage for it (Microsoft's 1.3.6.1.4.1.311.10.3.3 or
// Netscape's 2.16.840.1.113730.4.1). Off by default. Without SSL_MODE_AUTO_RETRY the call that
// meets the restart returns -1 with SSL_ERROR_WANT_READ even on a blocking BIO; the next call goes
// on. Returns 1, or 0 when memory is short; another libssl knows no such command and returns 0.
#define HANDFAST_CTRL_SET_SERVER_GATED_CRYPTOGRAPHY 20001

// The reason when a client tries to restart twice: <openssl/sslerr.h> had it until OpenSSL 1.0.1.
#ifndef SSL_R_MULTIPLE_SGC_RESTARTS
#define SSL_R_MULTIPLE_SGC_RESTARTS 346
#endif

#define HANDFAST_set_server_gated_cryptography(ssl, on) \
  SSL_ctrl(ssl, HANDFAST_CTRL_SET_SERVER_GATED_CRYPTOGRAPHY, on, NULL)
#define HANDFAST_CTX_set_server_gated_cryptography(ctx, on) \
  SSL_CTX_ctrl(ctx, HANDFAST_CTRL_SET_SERVER_GATED_CRYPTOGRAPHY, on, NULL)

#endif
