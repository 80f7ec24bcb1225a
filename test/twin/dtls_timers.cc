// Retransmission in DTLS: when timers run out, what is sent again then, and when it ends.
#include "support/dtls_time.h"

namespace {
using namespace twin;

/// How one end stands, after a call that said `said`.
void tell(const char* call, SSL* ssl, const Port& port, const std::string& said) {
  if (std::strcmp(SSL_state_string(ssl), "SSLERR") == 0) return out("  %s: %s", call, said.c_str());
  out("  %s: %s, timeout %s, told to the BIO %d", call, said.c_str(), timeout_of(ssl).c_str(),
      port.timer);
}

void handle_timeout(SSL* ssl, const Port& port) {
  int returned = static_cast<int>(DTLSv1_handle_timeout(ssl));
  tell("handle_timeout", ssl, port, returned < 0 ? outcome(ssl, returned) : text("%d", returned));
}

void do_handshake(SSL* ssl, const Port& port) {
  tell("do_handshake", ssl, port, outcome(ssl, SSL_do_handshake(ssl)));
}

void left() {
  Net net;
  Peers peers = dtls_peers(net);
  SSL* client = peers.client.get();
  tell("new", client, net.client, "");
  handle_timeout(client, net.client);
  do_handshake(client, net.client);
  for (int64_t step : {1, 500000, 400000, 84998, 1, 1, 10000, 10000}) {
    advance_clock(step);
    tell(text("%ld us later", static_cast<long>(step)).c_str(), client, net.client, "");
  }
  handle_timeout(client, net.client);
  handle_timeout(client, net.client);
  tell_sent("sent", net.to_server);
  tell("server, new", peers.server.get(), net.server, "");
  handle_timeout(peers.server.get(), net.server);
}

/// What can let a timer of a handshake run out.
enum class Run { handle_timeout, do_handshake, read, write };

void until_it_fails(Run how) {
  Net net;
  Peers peers = dtls_peers(net);
  net.to_server.fate = lose_all();
  SSL* client = peers.client.get();
  do_handshake(client, net.client);
  char byte[1] = {};
  for (int i = 0; i < 13; i++) {
    if (!run_out(peers)) out("  no timer");
    switch (how) {
      case Run::handle_timeout:
        handle_timeout(client, net.client);
        break;
      case Run::do_handshake:
        do_handshake(client, net.client);
        break;
      case Run::read:
        tell("read", client, net.client, outcome(client, SSL_read(client, byte, 1)));
        break;
      case Run::write:
        tell("write", client, net.client, outcome(client, SSL_write(client, byte, 1)));
        break;
    }
  }
  out("  %s, sent %zu", state_line(client).c_str(), net.to_server.sent.size());
}

unsigned int in_thirds(SSL* ssl, unsigned int last) {
  out("  callback of the %s: %u", SSL_is_server(ssl) ? "server" : "client", last);
  return last == 0 ? 300000 : last + last / 3;
}

void callback() {
  Net net;
  Peers peers = dtls_peers(net);
  DTLS_set_timer_cb(peers.client.get(), in_thirds);
  DTLS_set_timer_cb(peers.server.get(), in_thirds);
  net.to_client.fate = lose({0, 1, 2, 4, 5});
  for (int round = 0; round < 9; round++) {
    if (round > 2) run_out(peers);
    do_handshake(peers.client.get(), net.client);
    do_handshake(peers.server.get(), net.server);
  }
  tell_sent(net, false);
}

void callback_over_clear() {
  Net net;
  Peers peers = dtls_peers(net);
  SSL_CTX_set_ssl_version(peers.client_context.get(), DTLSv1_2_client_method());
  renew(peers);
  link_datagrams(peers, net);
  SSL* client = peers.client.get();
  DTLS_set_timer_cb(client, in_thirds);
  for (int i = 0; i < 3; i++) {
    do_handshake(client, net.client);
    SSL_clear(client);
    out("  cleared: %s", timeout_of(client).c_str());
    if (i == 1) DTLS_set_timer_cb(client, nullptr);
  }
}

void callback_values() {
  for (unsigned int value : {0U, 1U, 14999U, 15000U, 15001U, 1000000U, 90000000U, 0xffffffffU}) {
    static unsigned int fixed;
    fixed = value;
    Net net;
    Peers peers = dtls_peers(net);
    DTLS_set_timer_cb(peers.client.get(), [](SSL*, unsigned int) { return fixed; });
    out("%u us", value);
    do_handshake(peers.client.get(), net.client);
    out("  sent %zu", net.to_server.sent.size());
    if (value < 15000) continue;
    run_out(peers);
    do_handshake(peers.client.get(), net.client);
    out("  sent %zu", net.to_server.sent.size());
  }
}

struct Flavour {
  const char* name;
  int version;
  bool client_auth, resumed, tickets;
};
const Flavour kFlavours[] = {{"full", DTLS1_2_VERSION, false, false, false},
                             {"full-old", DTLS1_VERSION, false, false, false},
                             {"client-auth", DTLS1_2_VERSION, true, false, true},
                             {"resumed", DTLS1_2_VERSION, false, true, false},
                             {"resumed-old", DTLS1_VERSION, false, true, false}};

Peers prepared(Net& net, const Flavour& flavour) {
  Setup setup = {.client_context =
                     [=](SSL_CTX* c) {
                       allow_resumption(c, flavour.tickets);
                       if (flavour.client_auth) use_certificate(c, "client-rsa");
                     },
                 .server_context =
                     [=](SSL_CTX* c) {
                       allow_resumption(c, flavour.tickets);
                       if (flavour.client_auth) SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                     }};
  net.client.query_mtu = 1300;
  Peers peers = dtls_peers(net, flavour.version, setup);
  if (!flavour.resumed) return peers;
  require(handshake(peers).good(), "first handshake");
  renew_with_session(peers);
  net.clear();
  link_datagrams(peers, net);
  return peers;
}

/// Loses each datagram of an undisturbed handshake in turn.
void lost_datagrams(const Flavour& flavour) {
  size_t counts[2];
  {
    Net net;
    Peers peers = prepared(net, flavour);
    require(handshake(peers).good(), "undisturbed");
    counts[0] = net.to_server.sent.size();
    counts[1] = net.to_client.sent.size();
  }
  for (bool to_client : {false, true}) {
    for (size_t which = 0; which < counts[to_client]; which++) {
      Net net;
      Peers peers = prepared(net, flavour);
      (to_client ? net.to_client : net.to_server).fate = lose({which});
      Result result = handshake_in_time(peers);
      out("%s's datagram %zu lost: %s", to_client ? "server" : "client", which,
          result.said().c_str());
      tell_sent(net, false);
      tell_agreed(peers);
      out("  timeouts %s, %s", timeout_of(peers.client.get()).c_str(),
          timeout_of(peers.server.get()).c_str());
    }
  }
}

/// The client's last flight comes again: the server answers while it reads.
void finished_again(bool auto_retry) {
  Net net;
  Peers peers = dtls_peers(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  if (!auto_retry) SSL_clear_mode(server, SSL_MODE_AUTO_RETRY);
  net.to_client.fate = lose({2, 3, 4});
  out("%s", handshake(peers).said().c_str());
  net.to_client.sent.clear();
  net.to_server.sent.clear();
  for (int i = 0; i < 4; i++) {
    run_out(peers);
    do_handshake(client, net.client);
    tell("read", server, net.server, read_said(server));
    out("  %s", state_line(server).c_str());
    if (i == 1) net.to_client.fate = nullptr;
  }
  do_handshake(client, net.client);
  tell_sent(net, false);
  tell_agreed(peers);
}

/// The server has written before the client has its Finished.
void data_before_finished() {
  Net net;
  Peers peers = dtls_peers(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  net.to_client.fate = lose({2});
  out("%s", handshake(peers).said().c_str());
  out("write %s", outcome(server, SSL_write(server, "early", 5)).c_str());
  do_handshake(client, net.client);
  run_out(peers);
  do_handshake(client, net.client);
  out("server reads %s", read_said(server).c_str());
  do_handshake(client, net.client);
  out("client reads %s", read_said(client).c_str());
  out("write %s", outcome(server, SSL_write(server, "again", 5)).c_str());
  out("client reads %s", read_said(client).c_str());
  tell_sent(net, false);
}

/// Too many repeated Finished of a client end the server's connection.
void finished_too_often() {
  Net net;
  Peers peers = dtls_peers(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  net.to_client.fate = [](size_t nth, const std::string& datagram) {
    return nth < 2 ? Datagrams{datagram} : Datagrams{};
  };
  out("%s", handshake(peers).said().c_str());
  DTLS_set_timer_cb(client, [](SSL*, unsigned int) { return 20000U; });
  for (int i = 0; i < 13; i++) {
    run_out(peers);
    std::string said = outcome(client, SSL_do_handshake(client));
    out("client %s, server reads %s", said.c_str(), read_said(server).c_str());
  }
}

std::string sizes(Way& way) {
  std::string line;
  for (const std::string& datagram : way.sent) line += text(" %zu", datagram.size());
  way.sent.clear();
  return line;
}

/// What a server sends whose flights are all lost, with `mtu` of its own or as the BIO says for 0.
void fallback(uint64_t options, long mtu) {
  for (long fallback_mtu : {548L, 300L, 2000L, 100L}) {
    Net net;
    net.server.fallback_mtu = fallback_mtu;
    Peers peers = dtls_peers(net);
    SSL* server = peers.server.get();
    SSL_set_options(server, options);
    if (mtu) SSL_set_mtu(server, mtu);
    SSL_do_handshake(peers.client.get());
    net.to_client.fate = lose_all();
    out("fallback %ld", fallback_mtu);
    do_handshake(server, net.server);
    out("  sizes%s", sizes(net.to_client).c_str());
    for (int i = 0; i < 4; i++) {
      advance_clock(60000000);
      handle_timeout(server, net.server);
      out("  sizes%s", sizes(net.to_client).c_str());
    }
    out("  asked %s, mtu set %ld", asked(net.server).c_str(), net.server.set_mtu);
  }
}

void after_the_handshake() {
  Net net;
  Peers peers = dtls_connected(net);
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    const Port& port = SSL_is_server(ssl) ? net.server : net.client;
    tell("finished", ssl, port, "");
    advance_clock(100000000);
    handle_timeout(ssl, port);
    tell("read", ssl, port, read_said(ssl));
    out("  %s", asked(port).c_str());
  }
  tell_agreed(peers);
}

void streams() {
  Peers peers = connected();
  timeval left = {};
  out("of a stream: get_timeout %ld, handle_timeout %ld",
      DTLSv1_get_timeout(peers.client.get(), &left), DTLSv1_handle_timeout(peers.client.get()));
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Case> cases = {
      {"left", left},
      {"until-it-fails.handle-timeout", [] { until_it_fails(Run::handle_timeout); }},
      {"until-it-fails.do-handshake", [] { until_it_fails(Run::do_handshake); }},
      {"until-it-fails.read", [] { until_it_fails(Run::read); }},
      {"until-it-fails.write", [] { until_it_fails(Run::write); }},
      {"callback", callback},
      {"callback-over-clear", callback_over_clear},
      {"callback-values", callback_values},
      {"finished-again", [] { finished_again(true); }},
      {"finished-again.no-auto-retry", [] { finished_again(false); }},
      {"data-before-finished", data_before_finished},
      {"finished-too-often", finished_too_often},
      {"fallback", [] { fallback(0, 0); }},
      {"fallback.no-query", [] { fallback(SSL_OP_NO_QUERY_MTU, 1200); }},
      {"after-the-handshake", after_the_handshake},
      {"streams", streams}};
  for (const Flavour& flavour : kFlavours) {
    cases.push_back({text("lost-datagrams.%s", flavour.name), [=] { lost_datagrams(flavour); }});
  }
  return run(cases, argc, argv);
}
