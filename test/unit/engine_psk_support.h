// SSLs with pre-shared keys: of the application, and of tickets that they have got or made.
#pragma once

#include "engine_support.h"

namespace handfast::engine_test {

// A context, the session of one of its clients, and the key that its peer has.
struct Resumption {
  twin::Owned<SSL_CTX> context;
  twin::Owned<SSL_SESSION> session;
  SharedKey key;
};

using ConfigureContext = std::function<void(SSL_CTX*)>;

// After a full handshake, with `script` on the other side, in which the client got `ticket`.
Resumption client_with_ticket(const Ticket13& ticket = {},
                              const ConfigureContext& configure = nullptr,
                              const Script& script = {});
// After one in which the server made a ticket.
Resumption server_with_ticket(const ConfigureContext& configure = nullptr,
                              const Script& script = {});
// The client's next connection, which offers the session.
twin::Owned<SSL> client_again(const Resumption& resumption, const Configure& configure = nullptr);
// Contexts that make tickets: sealed sessions, or names of sessions in the cache.
void use_stateless_tickets(SSL_CTX* context);
void use_stateful_tickets(SSL_CTX* context);

// Keys of the application.
SharedKey external_key(uint8_t seed, uint16_t suite = 0x1301, size_t length = 32);
twin::Owned<SSL_SESSION> session_of(const SharedKey& key, uint32_t max_early_data = 0);
// The server knows these and no others.
void know(SSL* ssl, const std::vector<SharedKey>& keys, uint32_t max_early_data = 0);
// The client offers this one.
void use(SSL* ssl, const SharedKey& key, uint32_t max_early_data = 0);

// SSL_write_early_data of `text`, then the handshake.
std::function<int(SSL*)> write_early(const std::string& text);
// SSL_read_early_data until there is no more, then the handshake; `got` is what came.
std::function<int(SSL*)> read_early(std::shared_ptr<std::string> got);

}  // namespace handfast::engine_test
