// Every allocation of a whole conversation fails once: each failure is an error return with an
// entry in the queue, and nothing leaks or crashes.
#include "engine_allocation_support.h"

namespace {

using namespace allocation_test;

constexpr size_t kLeastAllocations = 40;  // a resumption by session id makes the fewest

// What is gone through.
struct Kind {
  int version = TLS1_3_VERSION;
  bool retry = false;        // HelloRetryRequest
  bool renegotiate = false;  // TLS <= 1.2
  bool post_auth = false;    // TLS 1.3: the client is asked for a certificate afterwards
  // by_psk: a key of the applications; as by_ticket, nothing of it lies in a cache.
  enum { full, by_id, by_ticket, by_psk } resumption = full;
  bool early_data = false;                              // TLS 1.3
  const char* suite = "ECDHE-ECDSA-AES128-GCM-SHA256";  // TLS <= 1.2
};
Kind kind;
// What the next client offers.
twin::Owned<SSL_SESSION> offered;

// New keys: a KeyUpdate, or a handshake that the client starts.
bool change_keys(twin::Peers& peers) {
  if (kind.version == TLS1_3_VERSION) {
    return both(peers, [](SSL* ssl) { return SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED); });
  }
  return !kind.renegotiate || renegotiate(peers);
}

// The server asks for a certificate, and has it when the client has read the request.
bool authenticate(twin::Peers& peers) {
  if (!kind.post_auth) return true;
  SSL *client = peers.client.get(), *server = peers.server.get();
  auto finds_nothing = [](SSL* ssl) {
    char byte = 0;
    ERR_clear_error();
    return classify(ssl, SSL_read(ssl, &byte, 1)) == Call::again;
  };
  ERR_clear_error();
  return SSL_verify_client_post_handshake(server) == 1 &&
         classify(server, SSL_do_handshake(server)) == Call::done && finds_nothing(client) &&
         finds_nothing(server) && SSL_get0_peer_certificate(server) != nullptr;
}

// The key of both applications.
twin::Owned<SSL_SESSION> application_session(SSL* ssl) {
  const unsigned char key[32] = {7}, id[] = {0x13, 0x02};
  twin::Owned<SSL_SESSION> session(SSL_SESSION_new());
  bool good = session != nullptr &&
              SSL_SESSION_set1_master_key(session.get(), key, sizeof key) == 1 &&
              SSL_SESSION_set_cipher(session.get(), SSL_CIPHER_find(ssl, id)) == 1 &&
              SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) == 1 &&
              SSL_SESSION_set_max_early_data(session.get(), kind.early_data ? 100 : 0) == 1;
  return good ? std::move(session) : nullptr;
}

int use_session(SSL* ssl, const EVP_MD*, const unsigned char** identity, size_t* length,
                SSL_SESSION** session) {
  *identity = reinterpret_cast<const unsigned char*>("name");
  *length = 4;
  *session = application_session(ssl).release();
  return *session != nullptr ? 1 : 0;
}

int find_session(SSL* ssl, const unsigned char*, size_t, SSL_SESSION** session) {
  *session = application_session(ssl).release();
  return *session != nullptr ? 1 : 0;
}

bool shake_hands(twin::Peers& peers) {
  bool written = !kind.early_data, read = !kind.early_data;
  return both(peers, [&](SSL* ssl) {
    char buffer[50];
    size_t length = 0;
    if (SSL_is_server(ssl) == 0 && !written) {
      if (SSL_write_early_data(ssl, "early", 5, &length) != 1) return 0;
      written = true;
    }
    while (SSL_is_server(ssl) != 0 && !read) {
      int status = SSL_read_early_data(ssl, buffer, sizeof buffer, &length);
      if (status == SSL_READ_EARLY_DATA_ERROR) return 0;
      read = status == SSL_READ_EARLY_DATA_FINISH;
    }
    return SSL_do_handshake(ssl);
  });
}

// A handshake with a client's certificate, new keys, data and a shutdown; false: some call
// failed.
bool converse(twin::Peers& peers) {
  char buffer[100];
  ERR_clear_error();
  peers.client.reset(SSL_new(peers.client_context.get()));
  peers.server.reset(SSL_new(peers.server_context.get()));
  if (!peers.client || !peers.server) {
    if (ERR_peek_error() == 0) stop("SSL_new without an entry");
    return false;
  }
  BIO* up = BIO_new(BIO_s_mem());
  BIO* down = BIO_new(BIO_s_mem());
  if (up == nullptr || down == nullptr) {
    BIO_free(up);
    BIO_free(down);
    return false;
  }
  SSL_set_connect_state(peers.client.get());
  SSL_set_accept_state(peers.server.get());
  BIO_up_ref(up);
  BIO_up_ref(down);
  SSL_set_bio(peers.client.get(), down, up);
  SSL_set_bio(peers.server.get(), up, down);
  if (SSL_set_tlsext_host_name(peers.client.get(), "localhost") != 1) return false;
  if (offered && SSL_set_session(peers.client.get(), offered.get()) != 1) return false;
  return shake_hands(peers) && authenticate(peers) && change_keys(peers) &&
         both(peers, [](SSL* ssl) { return SSL_write(ssl, "hello", 5); }) &&
         both(peers, [&](SSL* ssl) { return SSL_read(ssl, buffer, sizeof buffer); }) &&
         both(peers, [](SSL* ssl) { return SSL_shutdown(ssl) >= 0 ? 1 : -1; });
}

void configure13(SSL_CTX* context) {
  if (kind.resumption == Kind::full) return;
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_BOTH);
  SSL_CTX_set_num_tickets(context, 1);
  if (kind.early_data) SSL_CTX_set_max_early_data(context, 100);
  if (kind.resumption == Kind::by_ticket) {
    SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
  }
  if (kind.resumption == Kind::by_psk) {
    SSL_CTX_set_psk_use_session_callback(context, use_session);
    SSL_CTX_set_psk_find_session_callback(context, find_session);
  }
}

void configure(SSL_CTX* context) {
  if (kind.version == TLS1_3_VERSION) return configure13(context);
  SSL_CTX_set_min_proto_version(context, kind.version);
  SSL_CTX_set_max_proto_version(context, kind.version);
  SSL_CTX_set_cipher_list(context, (std::string(kind.suite) + ":@SECLEVEL=0").c_str());
  SSL_CTX_set_options(context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  if (kind.resumption == Kind::full) return;
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_BOTH);
  if (kind.resumption == Kind::by_ticket) SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
}

twin::Peers prepare() {
  bool older = kind.version < TLS1_3_VERSION;
  return twin::make_peers(
      {.certificate = older ? "server-p256" : "server-ed25519",
       .client_context =
           [older](SSL_CTX* context) {
             SSL_CTX_set_post_handshake_auth(context, kind.post_auth);
             twin::use_certificate(context, older ? "client-p256" : "client-ed25519");
             configure(context);
           },
       .server_context =
           [](SSL_CTX* context) {
             int mode = SSL_VERIFY_PEER;
             if (kind.post_auth) mode |= SSL_VERIFY_POST_HANDSHAKE;
             SSL_CTX_set_verify(context, mode, nullptr);
             if (kind.retry) SSL_CTX_set1_groups_list(context, "P-256");
             SSL_CTX_set_session_id_context(context, reinterpret_cast<const uint8_t*>("x"), 1);
             configure(context);
           }});
}

// Failures spoil the sessions that they meet: every round has copies of its own.
struct Sessions {
  twin::Owned<SSL_SESSION> client, server;
  void take(const twin::Peers& peers) {
    if (kind.resumption == Kind::full || kind.resumption == Kind::by_psk) return;
    client.reset(SSL_SESSION_dup(SSL_get0_session(peers.client.get())));
    server.reset(SSL_SESSION_dup(SSL_get0_session(peers.server.get())));
  }
  void offer(const twin::Peers& peers) const {
    SSL_CTX_flush_sessions(peers.client_context.get(), 0);
    SSL_CTX_flush_sessions(peers.server_context.get(), 0);
    if (!client) return;
    offered.reset(SSL_SESSION_dup(client.get()));
    if (kind.resumption != Kind::by_id) return;
    twin::Owned<SSL_SESSION> cached(SSL_SESSION_dup(server.get()));
    SSL_CTX_add_session(peers.server_context.get(), cached.get());
  }
};

void sweep(const Kind& which) {
  kind = which;
  twin::Peers peers = prepare();
  Sessions sessions;
  // The first session of all is not there yet when its early data would be sent.
  kind.early_data = which.early_data && which.resumption == Kind::by_psk;
  if (!converse(peers)) stop("not even without failures: " + twin::errors());
  kind = which;
  sessions.take(peers);
  sessions.offer(peers);
  // Again: what libcrypto makes once for all is there afterwards.
  if (!converse(peers)) stop("not a second time: " + twin::errors());
  if ((SSL_session_reused(peers.server.get()) != 0) != (kind.resumption != Kind::full)) {
    stop("resumed or not, as it should not be");
  }
  if ((SSL_get_early_data_status(peers.server.get()) == SSL_EARLY_DATA_ACCEPTED) !=
      (kind.early_data && !kind.retry)) {
    stop("early data or none, as it should not be");
  }
  peers.client.reset();
  peers.server.reset();
  sessions.offer(peers);
  fail_each([&] { return converse(peers); },
            [&] {
              peers.client.reset();
              peers.server.reset();
              sessions.offer(peers);
            },
            kLeastAllocations);
  offered.reset();
}

void run(const Kind& which) {
  if (kReplaced) return sweep(which);
  EXPECT_EQ(run_again(), 0);
}

}  // namespace

TEST(EngineAllocation, EveryFailureOfAConversation) {
  run({});
}

TEST(EngineAllocation, EveryFailureWithARetry) {
  run({.retry = true});
}

TEST(EngineAllocation, EveryFailureOfAPostHandshakeAuthentication) {
  run({.post_auth = true});
}

TEST(EngineAllocation, EveryFailureWithATicketOfTls13) {
  run({.resumption = Kind::by_ticket});
}

TEST(EngineAllocation, EveryFailureWithAStatefulTicketOfTls13) {
  run({.resumption = Kind::by_id});
}

TEST(EngineAllocation, EveryFailureWithAnExternalKey) {
  run({.resumption = Kind::by_psk});
}

TEST(EngineAllocation, EveryFailureWithAStatefulTicketAndARetry) {
  run({.retry = true, .resumption = Kind::by_id});
}

TEST(EngineAllocation, EveryFailureOfEarlyData) {
  run({.resumption = Kind::by_ticket, .early_data = true});
}

TEST(EngineAllocation, EveryFailureOfEarlyDataWithAStatefulTicket) {
  run({.resumption = Kind::by_id, .early_data = true});
}

TEST(EngineAllocation, EveryFailureOfEarlyDataWithAnExternalKey) {
  run({.resumption = Kind::by_psk, .early_data = true});
}

TEST(EngineAllocation, EveryFailureOfEarlyDataWithARetry) {
  run({.retry = true, .resumption = Kind::by_ticket, .early_data = true});
}

TEST(EngineAllocation, EveryFailureInTls12) {
  run({.version = TLS1_2_VERSION});
}

TEST(EngineAllocation, EveryFailureInARenegotiation) {
  run({.version = TLS1_2_VERSION, .renegotiate = true});
}

TEST(EngineAllocation, EveryFailureWithASessionId) {
  run({.version = TLS1_2_VERSION, .resumption = Kind::by_id});
}

TEST(EngineAllocation, EveryFailureWithATicket) {
  run({.version = TLS1_2_VERSION, .resumption = Kind::by_ticket});
}

TEST(EngineAllocation, EveryFailureInTls10) {
  run({.version = TLS1_VERSION, .suite = "ECDHE-ECDSA-AES128-SHA"});
}
