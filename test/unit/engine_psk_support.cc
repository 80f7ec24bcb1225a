#include "engine_psk_support.h"

namespace handfast::engine_test {

namespace {

// What know() and use() leave with an SSL.
struct Keys {
  std::vector<SharedKey> keys;
  uint32_t max_early_data;
};

void free_keys(void*, void* keys, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Keys*>(keys);
}

int keys_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_keys);
  return index;
}

void attach(SSL* ssl, const Keys& keys) {
  free_keys(nullptr, SSL_get_ex_data(ssl, keys_index()), nullptr, 0, 0, nullptr);
  SSL_set_ex_data(ssl, keys_index(), new Keys(keys));
}

const Keys& keys_of(SSL* ssl) {
  return *static_cast<Keys*>(SSL_get_ex_data(ssl, keys_index()));
}

int find_session(SSL* ssl, const unsigned char* identity, size_t length, SSL_SESSION** session) {
  *session = nullptr;
  for (const SharedKey& key : keys_of(ssl).keys) {
    if (!equal(key.identity, {identity, length})) continue;
    *session = session_of(key, keys_of(ssl).max_early_data).release();
  }
  return 1;
}

int use_session(SSL* ssl, const EVP_MD* md, const unsigned char** identity, size_t* length,
                SSL_SESSION** session) {
  const SharedKey& key = keys_of(ssl).keys[0];
  *session = nullptr;
  const EVP_MD* own = algorithms().hash(find_cipher_suite(key.suite)->hash);
  if (md != nullptr && EVP_MD_get_size(md) != EVP_MD_get_size(own)) return 1;
  *identity = key.identity.data();
  *length = key.identity.size();
  *session = session_of(key, keys_of(ssl).max_early_data).release();
  return 1;
}

}  // namespace

Resumption client_with_ticket(const Ticket13& ticket, const ConfigureContext& configure,
                              const Script& script) {
  Resumption made{new_client_context(), nullptr, {}};
  if (configure) configure(made.context.get());
  Peer peer(new_client(made.context.get()), script);
  EXPECT_TRUE(peer.handshake());
  peer.send_in_records(ticket.message());
  EXPECT_EQ(peer.drive().error, SSL_ERROR_WANT_READ);
  made.session.reset(SSL_get1_session(peer.ssl()));
  EXPECT_EQ(SSL_SESSION_is_resumable(made.session.get()), 1);
  made.key = peer.key_of(ticket);
  SSL_shutdown(peer.ssl());
  return made;
}

Resumption server_with_ticket(const ConfigureContext& configure, const Script& script) {
  Resumption made{new_server_context(), nullptr, {}};
  (configure ? configure : use_stateless_tickets)(made.context.get());
  // RFC 8446 4.2.9: a client that wants tickets says how it would use them.
  Script asking = script;
  asking.client_hello = [&](HelloParts& parts, int attempt) {
    set(parts.extensions, TLSEXT_TYPE_psk_kex_modes, vector8({1}));
    if (script.client_hello) script.client_hello(parts, attempt);
  };
  Peer peer(new_server(made.context.get()), asking);
  EXPECT_TRUE(peer.handshake());
  Ticket13 ticket;
  EXPECT_TRUE(peer.take_ticket(ticket));
  made.key = peer.key_of(ticket);
  SSL_shutdown(peer.ssl());
  return made;
}

twin::Owned<SSL> client_again(const Resumption& resumption, const Configure& configure) {
  return new_client(resumption.context.get(), [&](SSL* ssl) {
    // A connection that fails spoils its session.
    twin::Owned<SSL_SESSION> own(SSL_SESSION_dup(resumption.session.get()));
    EXPECT_EQ(SSL_set_session(ssl, own.get()), 1);
    if (configure) configure(ssl);
  });
}

void use_stateless_tickets(SSL_CTX* context) {
  SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 1);
}

void use_stateful_tickets(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_set_num_tickets(context, 1);
}

SharedKey external_key(uint8_t seed, uint16_t suite, size_t length) {
  return {octets(as_view("key " + std::to_string(seed))), pattern(length, seed), 0, true, suite};
}

twin::Owned<SSL_SESSION> session_of(const SharedKey& key, uint32_t max_early_data) {
  twin::Owned<SSL> ssl = new_client();
  twin::Owned<SSL_SESSION> session(SSL_SESSION_new());
  const Octets id = u16(key.suite);
  EXPECT_TRUE(SSL_SESSION_set1_master_key(session.get(), key.key.data(), key.key.size()) == 1 &&
              SSL_SESSION_set_cipher(session.get(), SSL_CIPHER_find(ssl.get(), id.data())) == 1 &&
              SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) == 1 &&
              SSL_SESSION_set_max_early_data(session.get(), max_early_data) == 1);
  return session;
}

void know(SSL* ssl, const std::vector<SharedKey>& keys, uint32_t max_early_data) {
  attach(ssl, {keys, max_early_data});
  SSL_set_psk_find_session_callback(ssl, find_session);
}

void use(SSL* ssl, const SharedKey& key, uint32_t max_early_data) {
  attach(ssl, {{key}, max_early_data});
  SSL_set_psk_use_session_callback(ssl, use_session);
}

std::function<int(SSL*)> write_early(const std::string& text) {
  return [text, written = false](SSL* ssl) mutable {
    if (written) return SSL_do_handshake(ssl);
    size_t done = 0;
    int result = SSL_write_early_data(ssl, text.data(), text.size(), &done);
    written = result == 1;
    if (written) EXPECT_EQ(done, text.size());
    return result;
  };
}

std::function<int(SSL*)> read_early(std::shared_ptr<std::string> got) {
  return [got = std::move(got), over = false](SSL* ssl) mutable {
    while (!over) {
      char buffer[1000];
      size_t done = 0;
      int status = SSL_read_early_data(ssl, buffer, sizeof buffer, &done);
      got->append(buffer, done);
      if (status == SSL_READ_EARLY_DATA_ERROR) return 0;
      over = status == SSL_READ_EARLY_DATA_FINISH;
    }
    return SSL_do_handshake(ssl);
  };
}

}  // namespace handfast::engine_test
