// As engine_allocation_test.cc, over datagrams.
#include "engine_allocation_support.h"
#include "engine_datagram_support.h"

namespace {

using namespace allocation_test;

struct Kind {
  int version = DTLS1_2_VERSION;
  bool certificates = false;  // of both
  enum { full, by_id, by_ticket } resumption = full;
  bool cookie = false, listen = false, renegotiate = false, repeat = false;
  bool backwards = false;  // each flight
  bool late = false;       // a record of the client's next epoch is overtaken by what follows
  long mtu = 1472;
};
Kind kind;
twin::Net net;
twin::Owned<SSL_SESSION> offered;

// What the tests do for themselves may not fail.
template <class Work>
void undisturbed(Work work) {
  bool outer = std::exchange(armed, false);
  work();
  armed = outer;
}

void link(twin::Peers& peers) {
  net.clear();
  net.client.query_mtu = net.server.query_mtu = kind.mtu;
  net.to_server.fate = nullptr;
  twin::link_datagrams(peers, net);
  if (!kind.late) return;
  net.to_server.fate = [held = std::string(), was = false](size_t,
                                                           const std::string& datagram) mutable {
    twin::Datagrams now;
    for (const std::string& record : twin::records_of(datagram)) {
      if (record[4] == 1 && !was) {
        held = record;
        was = true;
      } else {
        now.push_back(record);
      }
    }
    if (!held.empty() && now.empty()) return now;
    if (!held.empty() && was && datagram[4] == 1) now.push_back(std::exchange(held, ""));
    return now;
  };
}

bool new_peers(twin::Peers& peers) {
  ERR_clear_error();
  peers.client.reset(SSL_new(peers.client_context.get()));
  peers.server.reset(SSL_new(peers.server_context.get()));
  if (!peers.client || !peers.server) {
    if (ERR_peek_error() == 0) stop("SSL_new without an entry");
    return false;
  }
  SSL_set_connect_state(peers.client.get());
  SSL_set_accept_state(peers.server.get());
  undisturbed([&] { link(peers); });
  return SSL_set_tlsext_host_name(peers.client.get(), "localhost") == 1 &&
         (!offered || SSL_set_session(peers.client.get(), offered.get()) == 1);
}

void run_out(SSL* ssl) {
  auto& timer = ssl->channel.datagram->timer;
  if (timer.on()) timer.due = {1, 0};
}

// Everything that was sent is lost, and goes again.
bool repeat(SSL* ssl) {
  (SSL_is_server(ssl) != 0 ? net.to_client : net.to_server).arrived.clear();
  run_out(ssl);
  ERR_clear_error();
  int result = static_cast<int>(DTLSv1_handle_timeout(ssl));
  if (result >= 0) return true;
  if (SSL_get_error(ssl, result) == SSL_ERROR_SSL && ERR_peek_error() == 0) {
    stop("a timeout without an entry");
  }
  return false;
}

bool listen(twin::Peers& peers) {
  BIO_ADDR* address = nullptr;
  undisturbed([&] { address = BIO_ADDR_new(); });
  int result = 0;
  for (int i = 0; i < 4 && result == 0; ++i) {
    ERR_clear_error();
    if (classify(peers.client.get(), SSL_do_handshake(peers.client.get())) == Call::failed) break;
    result = DTLSv1_listen(peers.server.get(), address);
    if (result < 0 && ERR_peek_error() == 0) stop("DTLSv1_listen without an entry");
  }
  BIO_ADDR_free(address);
  return result == 1;
}

bool shake_hands(twin::Peers& peers) {
  int calls_made = 0;
  return both(peers, [&](SSL* ssl) {
    bool beginning = ++calls_made < 6;
    if (kind.repeat && beginning && !repeat(ssl)) return 0;
    if (kind.backwards && !beginning) run_out(ssl);
    int result = SSL_do_handshake(ssl);
    auto& sent = (SSL_is_server(ssl) != 0 ? net.to_client : net.to_server).arrived;
    if (kind.backwards && beginning) undisturbed([&] { std::reverse(sent.begin(), sent.end()); });
    // What the application sends at once overtakes the Finished.
    if (kind.late && result == 1 && SSL_is_server(ssl) == 0) return SSL_write(ssl, "early", 5);
    return result;
  });
}

bool converse(twin::Peers& peers) {
  char buffer[100];
  return new_peers(peers) && (!kind.listen || listen(peers)) && shake_hands(peers) &&
         (!kind.renegotiate || renegotiate(peers)) &&
         both(peers, [](SSL* ssl) { return SSL_write(ssl, "hello", 5); }) &&
         both(peers, [&](SSL* ssl) { return SSL_read(ssl, buffer, sizeof buffer); }) &&
         both(peers, [](SSL* ssl) { return SSL_shutdown(ssl) >= 0 ? 1 : -1; });
}

// SSLs are copied, cleared and get other methods.
bool change_ssls(twin::Peers& peers) {
  if (!new_peers(peers)) return false;
  SSL* client = peers.client.get();
  twin::Owned<SSL> copy(SSL_dup(client));
  if (!copy) return false;
  bool good = SSL_clear(client) == 1 && SSL_set_ssl_method(client, TLS_client_method()) == 1 &&
              SSL_clear(client) == 1 && SSL_set_ssl_method(client, DTLS_client_method()) == 1;
  // Whatever has failed, the SSL is of one kind or the other.
  ERR_clear_error();
  (void)SSL_do_handshake(client);
  (void)DTLSv1_handle_timeout(client);
  return good && shake_hands(peers);
}

void configure(SSL_CTX* context) {
  twin::set_versions(context, kind.version, kind.version);
  const char* suites = kind.certificates ? "ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0"
                                         : "PSK-AES128-CBC-SHA256:PSK-AES128-CBC-SHA:@SECLEVEL=0";
  SSL_CTX_set_cipher_list(context, suites);
  SSL_CTX_set_psk_client_callback(context, handfast::datagram_test::psk_of_client);
  SSL_CTX_set_psk_server_callback(context, handfast::datagram_test::psk_of_server);
  SSL_CTX_set_options(context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  if (kind.resumption != Kind::full) {
    twin::allow_resumption(context, kind.resumption == Kind::by_ticket);
  }
}

twin::Peers prepare() {
  return twin::make_peers({.certificate = "server-p256",
                           .client_context =
                               [](SSL_CTX* context) {
                                 twin::use_certificate(context, "client-p256");
                                 configure(context);
                               },
                           .server_context =
                               [](SSL_CTX* context) {
                                 int mode = kind.certificates ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
                                 SSL_CTX_set_verify(context, mode, nullptr);
                                 if (kind.cookie || kind.listen) twin::exchange_cookies(context);
                                 configure(context);
                               },
                           .client_method = DTLS_method(),
                           .server_method = DTLS_method()});
}

using Conversation = bool (*)(twin::Peers&);

void sweep(const Kind& which, Conversation conversation) {
  kind = which;
  kind.late = false;
  twin::Peers peers = prepare();
  if (!conversation(peers)) stop("not even without failures: " + twin::errors());
  kind = which;
  twin::Owned<SSL_SESSION> client(SSL_SESSION_dup(SSL_get0_session(peers.client.get())));
  twin::Owned<SSL_SESSION> server(SSL_SESSION_dup(SSL_get0_session(peers.server.get())));
  auto reset = [&] {
    peers.client.reset();
    peers.server.reset();
    SSL_CTX_flush_sessions(peers.client_context.get(), 0);
    SSL_CTX_flush_sessions(peers.server_context.get(), 0);
    if (kind.resumption == Kind::full) return;
    offered.reset(SSL_SESSION_dup(client.get()));
    if (kind.resumption == Kind::by_ticket) return;
    twin::Owned<SSL_SESSION> cached(SSL_SESSION_dup(server.get()));
    SSL_CTX_add_session(peers.server_context.get(), cached.get());
  };
  reset();
  if (!conversation(peers)) stop("not a second time: " + twin::errors());
  if ((SSL_session_reused(peers.server.get()) != 0) != (kind.resumption != Kind::full)) {
    stop("resumed or not, as it should not be");
  }
  reset();
  fail_each([&] { return conversation(peers); }, reset, 40);
  offered.reset();
}

void run(const Kind& which, Conversation conversation = converse) {
  if (kReplaced) return sweep(which, conversation);
  EXPECT_EQ(run_again(), 0);
}

}  // namespace

TEST(EngineDatagramAllocation, EveryFailureWithCertificates) {
  run({.certificates = true});
}

TEST(EngineDatagramAllocation, EveryFailureInDtls10) {
  run({.version = DTLS1_VERSION});
}

TEST(EngineDatagramAllocation, EveryFailureWithACookie) {
  run({.cookie = true});
}

TEST(EngineDatagramAllocation, EveryFailureOfAListener) {
  run({.listen = true});
}

TEST(EngineDatagramAllocation, EveryFailureWithASessionId) {
  run({.resumption = Kind::by_id});
}

TEST(EngineDatagramAllocation, EveryFailureWithATicketAndEarlyRecords) {
  run({.resumption = Kind::by_ticket, .late = true});
}

TEST(EngineDatagramAllocation, EveryFailureInARenegotiation) {
  run({.renegotiate = true});
}

TEST(EngineDatagramAllocation, EveryFailureWithFlightsThatGoAgain) {
  run({.repeat = true});
}

TEST(EngineDatagramAllocation, EveryFailureWithFragmentsThatComeBackwards) {
  run({.certificates = true, .backwards = true, .mtu = 300});
}

TEST(EngineDatagramAllocation, EveryFailureOfSslsThatChange) {
  run({}, change_ssls);
}
