// DTLSv1_listen: what it returns for which datagram, what it sends, and how a handshake goes on.
#include <arpa/inet.h>

#include "support/dtls_cookies.h"
#include "support/dtls_records.h"
#include "support/dtls_time.h"

namespace {
using namespace twin;

struct FreeAddress {
  void operator()(BIO_ADDR* address) const { BIO_ADDR_free(address); }
};
using Address = std::unique_ptr<BIO_ADDR, FreeAddress>;

std::string said(const BIO_ADDR* address) {
  if (BIO_ADDR_family(address) == AF_UNSPEC) return "nobody";
  char* host = BIO_ADDR_hostname_string(address, 1);
  std::string text_of = text("%s port %d", host, ntohs(BIO_ADDR_rawport(address)));
  OPENSSL_free(host);
  return text_of;
}

/// A server that has only just been made, and its client.
struct Listener {
  Net net;
  Peers peers;
  Address peer{BIO_ADDR_new()};

  explicit Listener(int version = DTLS1_2_VERSION, const SSL_METHOD* method = nullptr,
                    Setup setup = {}) {
    peers = version == 0 ? dtls_peers(net, 0, setup) : dtls_peers(net, version, setup);
    SSL_CTX* context = peers.server_context.get();
    exchange_cookies(context);
    SSL_CTX_clear_options(context, SSL_OP_COOKIE_EXCHANGE);
    if (method) SSL_CTX_set_ssl_version(context, method);
    peers.server.reset(SSL_new(context));
    BIO* bio = new_port_bio(&net.server);
    SSL_set_bio(peers.server.get(), bio, bio);
  }
  SSL* client() { return peers.client.get(); }
  SSL* server() { return peers.server.get(); }

  std::string listen() {
    int returned = DTLSv1_listen(server(), peer.get());
    std::string queue = errors();
    return text("%d [%s], from %s, sent %zu, generated %d, verified %d, cookie option %d", returned,
                queue.c_str(), said(peer.get()).c_str(), net.to_client.sent.size(),
                cookies().generated, cookies().verified,
                (SSL_get_options(server()) & SSL_OP_COOKIE_EXCHANGE) != 0);
  }
  /// The client's next datagrams go to the server.
  void client_goes_on() {
    SSL_do_handshake(client());
    ERR_clear_error();
  }
};

void finish(Listener& listener) {
  out("  server: %s", state_line(listener.server()).c_str());
  Result result = handshake(listener.peers);
  out("  %s", result.said().c_str());
  tell_sent(listener.net, false);
  if (result.good()) tell_agreed(listener.peers);
}

void accepted(Listener& listener) {
  out("  nothing there: %s", listener.listen().c_str());
  listener.client_goes_on();
  out("  first hello: %s", listener.listen().c_str());
  listener.client_goes_on();
  out("  second hello: %s", listener.listen().c_str());
  finish(listener);
}

void methods() {
  struct Method {
    const char* name;
    int version;
    const SSL_METHOD* method;
  };
  for (const Method& one :
       {Method{"any", 0, DTLS_server_method()}, Method{"any, 1.0", DTLS1_VERSION, nullptr},
        Method{"1.2", DTLS1_2_VERSION, DTLSv1_2_server_method()},
        Method{"1.0", DTLS1_VERSION, DTLSv1_server_method()},
        Method{"general", 0, DTLS_method()}}) {
    Listener listener(one.version, one.method);
    if (one.version == DTLS1_VERSION) {
      SSL_set_security_level(listener.server(), 0);
      SSL_set_security_level(listener.client(), 0);
    }
    out("%s", one.name);
    accepted(listener);
  }
}

void peers_address() {
  Listener listener;
  Address from(BIO_ADDR_new());
  in_addr where = {htonl(INADDR_LOOPBACK)};
  BIO_ADDR_rawmake(from.get(), AF_INET, &where, sizeof where, htons(4433));
  listener.net.server.peer = from.get();
  accepted(listener);
  out("  asked %s", asked(listener.net.server).c_str());
}

void resumed() {
  auto use = [](SSL_CTX* c) { allow_resumption(c, true); };
  Listener listener(DTLS1_2_VERSION, nullptr, {.client_context = use, .server_context = use});
  accepted(listener);
  Owned<SSL_SESSION> session(SSL_get1_session(listener.client()));
  renew(listener.peers);
  listener.net.clear();
  link_datagrams(listener.peers, listener.net);
  SSL_set_session(listener.client(), session.get());
  accepted(listener);
}

void callbacks() {
  auto failing = [](const char* title, const std::function<void(SSL_CTX*)>& change) {
    Listener listener;
    change(listener.peers.server_context.get());
    out("%s", title);
    listener.client_goes_on();
    out("  first hello: %s", listener.listen().c_str());
    if (listener.net.to_client.arrived.empty()) return;
    listener.client_goes_on();
    out("  second hello: %s", listener.listen().c_str());
    out("  %s", state_line(listener.server()).c_str());
  };
  failing("no generator", [](SSL_CTX* c) { SSL_CTX_set_cookie_generate_cb(c, nullptr); });
  failing("no verifier", [](SSL_CTX* c) { SSL_CTX_set_cookie_verify_cb(c, nullptr); });
  failing("generator returns 0", [](SSL_CTX*) { cookies().generate = 0; });
  failing("verifier returns 0", [](SSL_CTX*) { cookies().verify = 0; });
  failing("verifier returns -1", [](SSL_CTX*) { cookies().verify = -1; });
  failing("255 bytes", [](SSL_CTX*) { cookies().cookie = sample(255); });
  failing("256 bytes", [](SSL_CTX*) { cookies().cookie = sample(256); });
}

void wrong_cookie() {
  Listener listener;
  listener.client_goes_on();
  out("first hello: %s", listener.listen().c_str());
  cookies().cookie = "another";
  listener.client_goes_on();
  out("second hello: %s", listener.listen().c_str());
  listener.client_goes_on();
  out("third hello: %s", listener.listen().c_str());
  tell_sent(listener.net);
}

/// The records of a ClientHello, without and with the right cookie.
std::string hello_with(const std::string& cookie) {
  static const std::string kHello = [] {
    Listener listener;
    listener.client_goes_on();
    return listener.net.to_server.arrived.front();
  }();
  std::string hello = kHello;
  size_t at = 13 + 12 + 2 + 32 + 1;
  hello.replace(at, 1, static_cast<char>(cookie.size()) + cookie);
  auto more = static_cast<ptrdiff_t>(cookie.size());
  add_to(hello, 11, 2, more);
  add_to(hello, 14, 3, more);
  add_to(hello, 22, 3, more);
  if (!cookie.empty()) hello[18] = 1;
  return hello;
}

struct Packet {
  const char* name;
  std::function<void(std::string&)> change;
};
const Packet kPackets[] = {
    {"as it is", [](std::string&) {}},
    {"one byte", [](std::string& d) { d.resize(1); }},
    {"half a header", [](std::string& d) { d.resize(7); }},
    {"header alone", [](std::string& d) { d.resize(13); }},
    {"half a message header", [](std::string& d) { d.resize(20); }},
    {"cut by one", [](std::string& d) { d.pop_back(); }},
    {"more behind the record", [](std::string& d) { d += "more"; }},
    {"alert", [](std::string& d) { d[0] = SSL3_RT_ALERT; }},
    {"application data", [](std::string& d) { d[0] = SSL3_RT_APPLICATION_DATA; }},
    {"version of TLS", [](std::string& d) { d[1] = 3; }},
    {"version fe00", [](std::string& d) { d[2] = 0; }},
    {"epoch 1", [](std::string& d) { d[4] = 1; }},
    {"epoch 256", [](std::string& d) { d[3] = 1; }},
    {"a high record number", [](std::string& d) { d.replace(5, 6, "\x12\x34\x56\x78\x9a\xbc"); }},
    {"length of the record longer", [](std::string& d) { d[12]++; }},
    {"length of the record shorter", [](std::string& d) { d[12]--; }},
    {"ServerHello", [](std::string& d) { d[13] = 2; }},
    {"message 1", [](std::string& d) { d[18] = 1; }},
    {"message 2", [](std::string& d) { d[18] = 2; }},
    {"message 256", [](std::string& d) { d[17] = 1; }},
    {"offset 1", [](std::string& d) { d[21] = 1; }},
    {"message longer than the fragment", [](std::string& d) { d[16]++; }},
    {"message shorter than the fragment", [](std::string& d) { d[16]--; }},
    {"fragment longer", [](std::string& d) { d[24]++; }},
    {"fragment shorter", [](std::string& d) { d[24]--; }},
    {"version 1.0 in the hello", [](std::string& d) { d[26] = '\xff'; }},
    {"version of TLS in the hello", [](std::string& d) { d.replace(25, 2, "\x03\x03"); }},
    {"version feff past in the hello", [](std::string& d) { d.replace(25, 2, "\xfe\x01"); }},
    {"session id too long", [](std::string& d) { d[59] = '\xff'; }},
    {"cookie too long", [](std::string& d) { d[60] = '\xff'; }},
    {"no cipher suites", [](std::string& d) { d.replace(61 + number(d, 60, 1), 2, 2, '\0'); }}};

void packets(const std::string& cookie, const SSL_METHOD* method) {
  for (const Packet& packet : kPackets) {
    Listener listener(DTLS1_2_VERSION, method);
    std::string datagram = hello_with(cookie);
    packet.change(datagram);
    listener.net.to_server.arrived = {datagram};
    out("%s: %s", packet.name, listener.listen().c_str());
    for (const std::string& one : listener.net.to_client.sent) {
      out("  %s", describe(one).c_str());
    }
  }
}

void hello_in_fragments() {
  for (const char* cookie : {"", "a cookie"}) {
    for (size_t first : {size_t{2}, size_t{34}, size_t{36}, size_t{44}, size_t{100}}) {
      Listener listener;
      std::string hello = hello_with(cookie), message = hello.substr(25);
      size_t number_of = *cookie ? 1 : 0;
      auto piece = [&](size_t offset, size_t length, size_t sequence) {
        return record(SSL3_RT_HANDSHAKE, DTLS1_VERSION, 0, sequence,
                      fragment(SSL3_MT_CLIENT_HELLO, number_of, message, offset, length));
      };
      listener.net.to_server.arrived = {piece(0, first, 5)};
      out("cookie \"%s\", first %zu: %s", cookie, first, listener.listen().c_str());
      listener.net.to_server.arrived = {piece(first, message.size() - first, 6)};
      std::string accepted = outcome(listener.server(), SSL_accept(listener.server()));
      out("  accept: %s, sent %zu", accepted.c_str(), listener.net.to_client.sent.size());
    }
  }
}

void again() {
  Listener listener;
  listener.client_goes_on();
  out("first hello: %s", listener.listen().c_str());
  listener.client_goes_on();
  out("second hello: %s", listener.listen().c_str());
  out("again, nothing there: %s", listener.listen().c_str());
  out("%s", state_line(listener.server()).c_str());
  listener.net.to_server.arrived = {hello_with("")};
  out("another's hello: %s", listener.listen().c_str());
  listener.net.to_server.arrived = {hello_with("a cookie")};
  out("with its cookie: %s", listener.listen().c_str());
  out("accept: %s", outcome(listener.server(), SSL_accept(listener.server())).c_str());
  out("amid the handshake: %s", listener.listen().c_str());
  out("%s", state_line(listener.server()).c_str());
}

void several_in_the_queue() {
  Listener listener;
  std::string garbage = "garbage that is longer than a header", hello = hello_with("");
  listener.net.to_server.arrived = {hello, garbage, hello};
  auto listen = [&] {
    std::string returned = listener.listen();
    out("%s, left %zu", returned.c_str(), listener.net.to_server.arrived.size());
  };
  for (int i = 0; i < 3; i++) listen();
  listener.net.to_server.arrived = {hello, hello, hello_with("a cookie"), hello};
  listen();
}

void stalled() {
  Listener listener;
  listener.net.server.stalled = true;
  listener.net.to_server.arrived = {hello_with(""), hello_with("a cookie")};
  out("writes ask for a retry: %s", listener.listen().c_str());
  out("next: %s", listener.listen().c_str());
  Listener other;
  other.net.server.limit = 10;
  other.net.to_server.arrived = {hello_with("")};
  out("writes fail: %s", other.listen().c_str());
}

void without_bios() {
  Listener listener;
  SSL_set_bio(listener.server(), nullptr, nullptr);
  out("no BIO: %s", listener.listen().c_str());
  SSL_set_bio(listener.server(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  BIO_set_mem_eof_return(SSL_get_rbio(listener.server()), 0);
  out("end of file: %s", listener.listen().c_str());
  Peers streams = make_peers();
  link_memory(streams);
  int returned = DTLSv1_listen(streams.server.get(), listener.peer.get());
  out("stream: %d [%s]", returned, errors().c_str());
}

void mtu() {
  Listener listener(DTLS1_2_VERSION, DTLSv1_2_server_method());
  SSL_set_options(listener.server(), SSL_OP_NO_QUERY_MTU);
  out("%ld", SSL_set_mtu(listener.server(), 600));
  accepted(listener);
}

void messages() {
  Listener listener;
  Log log;
  log.lengths = true;
  log.watch_messages(listener.server());
  listener.client_goes_on();
  listener.listen();
  listener.client_goes_on();
  listener.listen();
  listener.net.to_server.arrived = {"x", std::string(20, 'y')};
  print("until it returns", log.lines);
  log.lines.clear();
  Log info;
  info.watch_info(listener.server());
  SSL_accept(listener.server());
  print("then", log.lines);
  print("info", info.lines);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"methods", methods},
              {"peers-address", peers_address},
              {"resumed", resumed},
              {"callbacks", callbacks},
              {"wrong-cookie", wrong_cookie},
              {"packets.no-cookie", [] { packets("", nullptr); }},
              {"packets.cookie", [] { packets("a cookie", nullptr); }},
              {"packets.fixed", [] { packets("", DTLSv1_2_server_method()); }},
              {"hello-in-fragments", hello_in_fragments},
              {"again", again},
              {"several-in-the-queue", several_in_the_queue},
              {"stalled", stalled},
              {"without-bios", without_bios},
              {"mtu", mtu},
              {"messages", messages}},
             argc, argv);
}
