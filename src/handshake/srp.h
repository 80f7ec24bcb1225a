// Key exchange by Secure Remote Password in TLS <= 1.2, RFC 5054. Its numbers are in
// Request::srp, where the API can ask for them and set them.
#pragma once

#include "handshake/key_exchange12.h"
#include "message/server_key_exchange.h"

namespace handfast {

// --- Server ---
// The user name in the ClientHello becomes the connection's; without one it has none.
[[nodiscard]] Verdict keep_srp_user(Handshake& hs);
// SSL_CTX_set_srp_username_callback(3), when the suite is one of SRP: asks who the user is, and
// waits while the answer is negative.
Flow ask_srp_user(Handshake& hs);
// Asks the callback, if there is one, and makes B of the parameters: what
// SSL_srp_server_param_with_username does. SSL_ERROR_NONE, SSL3_AL_FATAL with `alert`, or what the
// callback returned instead of SSL_ERROR_NONE.
int find_srp_user(Connection& connection, int& alert);
// The ServerKeyExchange's numbers as they are sent.
struct SrpParameters {
  Bytes n, g, s, b;
};
[[nodiscard]] Verdict make_srp(Handshake& hs, SrpParameters& out);
// The premaster secret for the client's A.
[[nodiscard]] Verdict agree_srp(Handshake& hs, View public_value, KeyExchange& exchange);

// --- Client ---
// Takes and judges the server's numbers.
[[nodiscard]] Verdict accept_srp(Handshake& hs, const ServerKeyExchange& message);
// Our A into exchange.public_value.
[[nodiscard]] Verdict answer_srp(Handshake& hs, KeyExchange& exchange);
// The premaster secret; asks the application for the password.
[[nodiscard]] Verdict finish_srp(Handshake& hs, KeyExchange& exchange);
// Makes a and A for the server's N and g; false when these are missing.
[[nodiscard]] bool make_client_srp(Connection& connection);

}  // namespace handfast
