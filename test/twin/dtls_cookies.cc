// HelloVerifyRequest: what a server with SSL_OP_COOKIE_EXCHANGE does with its callbacks, and what a
// client makes of it, also when it comes again.
#include "support/dtls_cookies.h"
#include "support/dtls_records.h"
#include "support/dtls_time.h"
#include "support/renegotiation.h"

namespace {
using namespace twin;

Peers exchanging(Net& net, int version = DTLS1_2_VERSION) {
  return dtls_peers(net, version, {.server_context = exchange_cookies});
}

void tell(Peers& peers, Net& net, const char* title, bool lengths = false) {
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  Result result = handshake(peers);
  out("%s: %s", title, result.said().c_str());
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  out("  generated %d, verified %d", cookies().generated, cookies().verified);
  out("  timeouts: %s, %s", timeout_of(peers.client.get()).c_str(),
      timeout_of(peers.server.get()).c_str());
  tell_sent(net, lengths);
  if (result.good()) tell_agreed(peers);
  SSL_set_info_callback(peers.client.get(), nullptr);
  SSL_set_info_callback(peers.server.get(), nullptr);
}

void exchanged() {
  for (int version : {DTLS1_VERSION, DTLS1_2_VERSION}) {
    Net net;
    Peers peers = exchanging(net, version);
    tell(peers, net, version_text(version), true);
  }
}

void methods() {
  for (bool fixed_client : {false, true}) {
    for (bool fixed_server : {false, true}) {
      Net net;
      Peers peers = dtls_peers(net, 0, {.server_context = exchange_cookies});
      if (fixed_client) {
        SSL_CTX_set_ssl_version(peers.client_context.get(), DTLSv1_2_client_method());
      }
      if (fixed_server) {
        SSL_CTX_set_ssl_version(peers.server_context.get(), DTLSv1_2_server_method());
      }
      renew(peers);
      link_datagrams(peers, net);
      tell(peers, net, text("fixed: client %d, server %d", fixed_client, fixed_server).c_str());
    }
  }
}

void sizes() {
  for (size_t size : {1, 20, 32, 254, 255}) {
    Net net;
    Peers peers = exchanging(net);
    cookies().cookie = sample(size);
    tell(peers, net, text("cookie of %zu bytes", size).c_str(), true);
  }
}

void callbacks() {
  auto failing = [](const char* title, const std::function<void(SSL_CTX*)>& change) {
    Net net;
    Peers peers = exchanging(net);
    change(peers.server_context.get());
    tell(peers, net, title);
  };
  failing("no generator", [](SSL_CTX* c) { SSL_CTX_set_cookie_generate_cb(c, nullptr); });
  failing("no verifier", [](SSL_CTX* c) { SSL_CTX_set_cookie_verify_cb(c, nullptr); });
  failing("generator returns 0", [](SSL_CTX*) { cookies().generate = 0; });
  failing("generator returns -1", [](SSL_CTX*) { cookies().generate = -1; });
  failing("verifier returns 0", [](SSL_CTX*) { cookies().verify = 0; });
  failing("verifier returns -1", [](SSL_CTX*) { cookies().verify = -1; });
  failing("256 bytes", [](SSL_CTX*) { cookies().cookie = std::string(256, 'c'); });
  failing("a million bytes", [](SSL_CTX*) { cookies().cookie = std::string(1000000, 'c'); });
}

void option_alone() {
  Net net;
  Peers peers = dtls_peers(net);
  SSL_set_options(peers.server.get(), SSL_OP_COOKIE_EXCHANGE);
  cookies() = {};
  tell(peers, net, "option without callbacks");
}

void callbacks_alone() {
  Net net;
  Peers peers = exchanging(net);
  SSL_clear_options(peers.server.get(), SSL_OP_COOKIE_EXCHANGE);
  tell(peers, net, "callbacks without option");
}

/// A first hello that brings a cookie already, and a second one with another.
void wrong_cookies() {
  for (size_t which : {size_t{0}, size_t{1}}) {
    Net net;
    Peers peers = exchanging(net);
    net.to_server.fate = change(which, [](std::string& datagram) {
      size_t at = 13 + 12 + 2 + 32 + 1;
      size_t old = number(datagram, at, 1);
      datagram.replace(at, 1 + old, std::string("\6forged"));
      auto more = static_cast<ptrdiff_t>(6) - static_cast<ptrdiff_t>(old);
      add_to(datagram, 11, 2, more);
      add_to(datagram, 14, 3, more);
      add_to(datagram, 22, 3, more);
    });
    tell(peers, net, text("a wrong cookie in hello %zu", which).c_str(), true);
  }
}

void lost() {
  for (bool to_client : {true, false}) {
    for (size_t which : {size_t{0}, size_t{1}}) {
      Net net;
      Peers peers = exchanging(net);
      (to_client ? net.to_client : net.to_server).fate = lose({which});
      Result result = handshake_in_time(peers);
      out("%s's datagram %zu is lost: %s", to_client ? "server" : "client", which,
          result.said().c_str());
      out("  generated %d, verified %d", cookies().generated, cookies().verified);
      tell_sent(net, false);
      if (result.good()) tell_agreed(peers);
    }
  }
}

void twice() {
  for (bool to_client : {true, false}) {
    Net net;
    Peers peers = exchanging(net);
    (to_client ? net.to_client : net.to_server).fate = each_twice();
    tell(peers, net, to_client ? "server's twice" : "client's twice");
  }
}

/// A ClientHello in fragments, with and without its cookie.
void fragmented_hello() {
  Net net;
  Peers peers = exchanging(net);
  std::string name(200, 'n');
  SSL_set_options(peers.client.get(), SSL_OP_NO_QUERY_MTU);
  SSL_set_tlsext_host_name(peers.client.get(), name.c_str());
  SSL_set_mtu(peers.client.get(), 228);
  tell(peers, net, "hello in pieces", true);
}

/// HelloVerifyRequests that a client sees one after the other.
std::string verify_request(size_t sequence, size_t message, size_t version,
                           const std::string& body) {
  return record(SSL3_RT_HANDSHAKE, version, 0, sequence,
                fragment(DTLS1_MT_HELLO_VERIFY_REQUEST, message, body, 0, body.size()));
}

void requests_again() {
  Net net;
  Peers peers = dtls_peers(net);
  SSL* client = peers.client.get();
  SSL_do_handshake(client);
  for (size_t i = 0; i < 4; i++) {
    std::string cookie(i, 'c');
    net.to_client.arrived = {verify_request(
        i, i, DTLS1_VERSION, std::string("\xfe\xff", 2) + static_cast<char>(i) + cookie)};
    std::string said = outcome(client, SSL_do_handshake(client));
    out("request %zu: %s, timeout %s", i, said.c_str(), timeout_of(client).c_str());
  }
  tell_sent("sent", net.to_server);
}

void malformed_requests() {
  const std::pair<const char*, std::string> kBodies[] = {
      {"good", std::string("\xfe\xff\x03"
                           "abc",
                           6)},
      {"of 1.2", std::string("\xfe\xfd\x03"
                             "abc",
                             6)},
      {"of TLS", std::string("\x03\x03\x03"
                             "abc",
                             6)},
      {"no cookie", std::string("\xfe\xff\x00", 3)},
      {"nothing", ""},
      {"version alone", std::string("\xfe\xff", 2)},
      {"one byte", std::string("\xfe", 1)},
      {"short", std::string("\xfe\xff\x04"
                            "abc",
                            6)}};
  for (const auto& [name, body] : kBodies) {
    Net net;
    Peers peers = dtls_peers(net);
    SSL* client = peers.client.get();
    Alerts alerts;
    alerts.watch(client);
    SSL_do_handshake(client);
    net.to_client.arrived = {verify_request(0, 0, DTLS1_VERSION, body)};
    std::string said = outcome(client, SSL_do_handshake(client));
    out("%s: %s, alerts %s", name, said.c_str(), alerts.text_or_none());
    tell_sent("  sent", net.to_server, false);
    SSL_set_info_callback(client, nullptr);
  }
}

// RFC 6347 4.2.1: the second hello has the same parameters, and the transcript begins with it.
void hellos_are_alike() {
  Net net;
  Peers peers = exchanging(net);
  require(handshake(peers).good(), "handshake");
  std::string first = net.to_server.sent[0].substr(25), second = net.to_server.sent[1].substr(25);
  size_t cookie = 2 + 32 + 1;
  out("random equal %d", first.substr(2, 32) == second.substr(2, 32));
  out("cookies %zu %zu", number(first, cookie, 1), number(second, cookie, 1));
  out("rest equal %d",
      first.substr(cookie + 1) == second.substr(cookie + 1 + number(second, cookie, 1)));
}

void resumed() {
  for (bool tickets : {false, true}) {
    Net net;
    auto use = [=](SSL_CTX* c) { allow_resumption(c, tickets); };
    Peers peers =
        dtls_peers(net, DTLS1_2_VERSION, {.client_context = use, .server_context = [=](SSL_CTX* c) {
                                            use(c);
                                            exchange_cookies(c);
                                          }});
    tell(peers, net, "full");
    renew_with_session(peers);
    net.clear();
    link_datagrams(peers, net);
    tell(peers, net, "resumed");
  }
}

/// The cookie goes with the hello of a renegotiation too.
void renegotiated() {
  for (bool callback : {true, false}) {
    for (bool by_server : {false, true}) {
      Net net;
      Peers peers = exchanging(net);
      SSL_set_options(peers.server.get(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
      if (!callback) SSL_CTX_set_cookie_verify_cb(peers.server_context.get(), nullptr);
      require(handshake(peers).good(), "handshake");
      net.clear();
      SSL* starter = by_server ? peers.server.get() : peers.client.get();
      out("by the %s: %d, callback %d", by_server ? "server" : "client", SSL_renegotiate(starter),
          callback);
      out("begun: %s", outcome(starter, SSL_do_handshake(starter)).c_str());
      read_in_turn(peers);
      tell_counts(peers);
      out("generated %d, verified %d", cookies().generated, cookies().verified);
      tell_sent(net, false);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"exchanged", exchanged},
              {"methods", methods},
              {"sizes", sizes},
              {"callbacks", callbacks},
              {"option-alone", option_alone},
              {"callbacks-alone", callbacks_alone},
              {"wrong-cookies", wrong_cookies},
              {"lost", lost},
              {"twice", twice},
              {"fragmented-hello", fragmented_hello},
              {"requests-again", requests_again},
              {"malformed-requests", malformed_requests},
              {"hellos-are-alike", hellos_are_alike},
              {"resumed", resumed},
              {"renegotiated", renegotiated}},
             argc, argv);
}
