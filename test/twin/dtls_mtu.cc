// How DTLS fits into its path: where the MTU comes from, how handshakes are cut to it, how much
// data fits, and what is too much.
#include "support/dtls_time.h"

namespace {
using namespace twin;

std::string sizes(Way& way) {
  std::string line;
  for (const std::string& datagram : way.sent) line += text(" %zu", datagram.size());
  return line;
}

size_t over(const Way& way, size_t mtu) {
  return static_cast<size_t>(
      std::count_if(way.sent.begin(), way.sent.end(),
                    [=](const std::string& datagram) { return datagram.size() > mtu; }));
}

void setters() {
  Net net;
  Peers peers = dtls_peers(net);
  SSL* ssl = peers.client.get();
  out("least of the link: %ld", DTLS_get_link_min_mtu(ssl));
  for (long mtu : {-1L, 0L, 1L, 207L, 208L, 228L, 256L, 1500L, 16384L, 70000L}) {
    long set = SSL_set_mtu(ssl, mtu);
    std::string said = answer(set);
    out("%ld: set_mtu %s, set_link_mtu %ld", mtu, said.c_str(), DTLS_set_link_mtu(ssl, mtu));
  }
  Peers streams = connected();
  SSL* stream = streams.client.get();
  out("stream: %s, %ld, %ld, %zu", answer(SSL_set_mtu(stream, 1500)).c_str(),
      DTLS_set_link_mtu(stream, 1500), DTLS_get_link_min_mtu(stream), size_t{0});
}

struct Source {
  const char* name;
  long query, overhead;
  uint64_t options;
  long mtu, link_mtu;
};
const Source kSources[] = {{"asked", 1472, 28, 0, 0, 0},
                           {"asked, small", 400, 28, 0, 0, 0},
                           {"asked, too small", 100, 28, 0, 0, 0},
                           {"asked, the least", 228, 28, 0, 0, 0},
                           {"not known", 0, 28, 0, 0, 0},
                           {"not known, IPv6", 0, 48, 0, 0, 0},
                           {"not known, no overhead", 0, 0, 0, 0, 0},
                           {"asked, large", 3000, 28, 0, 0, 0},
                           {"set", 1472, 28, 0, 700, 0},
                           {"set, too small", 1472, 28, 0, 210, 0},
                           {"of the link", 1472, 28, 0, 0, 800},
                           {"of the link and set", 1472, 28, 0, 700, 800},
                           {"set, no query", 1472, 28, SSL_OP_NO_QUERY_MTU, 700, 0},
                           {"of the link, no query", 1472, 28, SSL_OP_NO_QUERY_MTU, 0, 800},
                           {"too small, no query", 1472, 28, SSL_OP_NO_QUERY_MTU, 210, 0},
                           {"no query", 1472, 28, SSL_OP_NO_QUERY_MTU, 0, 0}};

void sources() {
  for (const Source& source : kSources) {
    Net net;
    for (Port* port : {&net.client, &net.server}) {
      port->query_mtu = source.query;
      port->overhead = source.overhead;
    }
    Peers peers = dtls_peers(net);
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      SSL_set_options(ssl, source.options);
      if (source.mtu) SSL_set_mtu(ssl, source.mtu);
      if (source.link_mtu) DTLS_set_link_mtu(ssl, source.link_mtu);
    }
    Result result = handshake(peers);
    out("%s: %s", source.name, result.said().c_str());
    out("  asked %s, told %ld", asked(net.server).c_str(), net.server.set_mtu);
    out("  client's%s", sizes(net.to_server).c_str());
    out("  server's%s", sizes(net.to_client).c_str());
    if (!result.good()) continue;
    out("  room for data %zu", DTLS_get_data_mtu(peers.server.get()));
    tell_agreed(peers);
  }
}

/// A chain of certificates that needs many datagrams.
void large_chain() {
  for (int version : {DTLS1_VERSION, DTLS1_2_VERSION}) {
    for (long mtu : {1472L, 3000L}) {
      Net net;
      Peers peers = dtls_peers(net, version, {.certificate = "server-large"});
      SSL_set_options(peers.server.get(), SSL_OP_NO_QUERY_MTU);
      SSL_set_mtu(peers.server.get(), mtu);
      Result result = handshake(peers);
      out("%s, mtu %ld: %s", version_text(version), mtu, result.said().c_str());
      out("  over the mtu %zu", over(net.to_client, static_cast<size_t>(mtu)));
      tell_sent("from the server", net.to_client);
      if (result.good()) tell_agreed(peers);
    }
  }
}

void chain_too_large() {
  for (long limit : {100L, 20000L, 40000L}) {
    Net net;
    Peers peers = dtls_peers(net, DTLS1_2_VERSION, {.certificate = "server-large"});
    SSL_set_max_cert_list(peers.client.get(), limit);
    out("limit %ld: %d", limit, handshake(peers).good());
  }
}

unsigned int psk_client(SSL*, const char*, char* identity, unsigned int, unsigned char* key,
                        unsigned int) {
  std::strcpy(identity, "somebody");
  std::memset(key, 0x5a, 16);
  return 16;
}

unsigned int psk_server(SSL*, const char*, unsigned char* key, unsigned int) {
  std::memset(key, 0x5a, 16);
  return 16;
}

/// The size of the datagram that `size` bytes of data make.
size_t datagram_of(SSL* from, SSL* to, Way& way, size_t size) {
  std::string data = sample(size);
  way.sent.clear();
  if (SSL_write(from, data.data(), static_cast<int>(size)) != static_cast<int>(size)) return 0;
  std::string got(size, '\0');
  if (SSL_read(to, got.data(), static_cast<int>(size)) != static_cast<int>(size)) return 0;
  return got == data && way.sent.size() == 1 ? way.sent[0].size() : 0;
}

void room_for_data(const char* suite, int version, bool etm) {
  Net net;
  auto both = [=](SSL_CTX* c) {
    SSL_CTX_set_security_level(c, 0);
    require(SSL_CTX_set_cipher_list(c, suite) == 1, suite);
    if (!etm) SSL_CTX_set_options(c, SSL_OP_NO_ENCRYPT_THEN_MAC);
    SSL_CTX_set_psk_client_callback(c, psk_client);
    SSL_CTX_set_psk_server_callback(c, psk_server);
  };
  Peers peers =
      dtls_peers(net, version, {.certificate = "", .client_context = both, .server_context = both});
  SSL *client = peers.client.get(), *server = peers.server.get();
  out("%s, %s%s", suite, version_text(version), etm ? "" : ", without EtM");
  size_t before = DTLS_get_data_mtu(client);
  Result result = handshake(peers);
  out("  %s, before %zu, after %zu", result.said().c_str(), before, DTLS_get_data_mtu(client));
  std::string line;
  for (long mtu = 500; mtu < 540; mtu++) {
    SSL_set_mtu(client, mtu);
    line += text(" %zu", DTLS_get_data_mtu(client));
  }
  out(" %s", line.c_str());
  size_t last = DTLS_get_data_mtu(client);
  out("  datagrams %zu %zu", datagram_of(client, server, net.to_server, last),
      datagram_of(client, server, net.to_server, last + 1));
  SSL_set_mtu(client, 208);
  out("  the least %zu", DTLS_get_data_mtu(client));
}

void all_room() {
  for (const char* suite :
       {"PSK-AES128-GCM-SHA256", "PSK-AES256-CCM", "PSK-AES256-CCM8", "PSK-CHACHA20-POLY1305",
        "PSK-ARIA256-GCM-SHA384", "PSK-NULL-SHA", "PSK-NULL-SHA256", "PSK-NULL-SHA384"}) {
    room_for_data(suite, DTLS1_2_VERSION, true);
  }
  for (const char* suite : {"PSK-AES128-CBC-SHA", "PSK-AES128-CBC-SHA256", "PSK-AES256-CBC-SHA384",
                            "PSK-CAMELLIA128-SHA256"}) {
    room_for_data(suite, DTLS1_2_VERSION, true);
    room_for_data(suite, DTLS1_2_VERSION, false);
  }
  room_for_data("PSK-AES128-CBC-SHA", DTLS1_VERSION, true);
  room_for_data("PSK-NULL-SHA", DTLS1_VERSION, false);
}

void large_writes() {
  for (int version : {DTLS1_VERSION, DTLS1_2_VERSION}) {
    Net net;
    Peers peers = dtls_connected(net, version);
    SSL *client = peers.client.get(), *server = peers.server.get();
    std::string data = sample(70000), got(70000, '\0');
    for (int size : {1472, 1473, 16384, 16385, 65536, 70000}) {
      out("write %d: %s", size, outcome(client, SSL_write(client, data.data(), size)).c_str());
      int read = SSL_read(server, got.data(), 70000);
      out("  read %s, equal %d", outcome(server, read).c_str(),
          read > 0 && got.substr(0, static_cast<size_t>(read)) ==
                          data.substr(0, static_cast<size_t>(read)));
    }
    tell_sent("sent", net.to_server);
    tell_agreed(peers);
  }
}

void send_fragments() {
  for (long fragment : {512L, 1000L, 16384L}) {
    Net net;
    Peers peers = dtls_peers(net);
    SSL *client = peers.client.get(), *server = peers.server.get();
    out("fragment %ld: %ld", fragment, SSL_set_max_send_fragment(server, fragment));
    out("  %s", handshake(peers).said().c_str());
    tell_sent("from the server", net.to_client);
    out("  room for data %zu", DTLS_get_data_mtu(server));
    std::string data = sample(2000);
    for (long size : {fragment, fragment + 1}) {
      if (size > 2000) continue;
      out("  write %ld: %s", size,
          outcome(server, SSL_write(server, data.data(), static_cast<int>(size))).c_str());
      out("  client reads %s", outcome(client, SSL_read(client, data.data(), 2000)).c_str());
    }
  }
}

void max_fragment_length() {
  for (int mode = TLSEXT_max_fragment_length_512; mode <= TLSEXT_max_fragment_length_4096; mode++) {
    Net net;
    Peers peers = dtls_peers(net);
    SSL *client = peers.client.get(), *server = peers.server.get();
    SSL_set_tlsext_max_fragment_length(client, static_cast<uint8_t>(mode));
    out("mode %d: %s", mode, handshake(peers).said().c_str());
    out("  of the sessions %d %d", SSL_SESSION_get_max_fragment_length(SSL_get_session(client)),
        SSL_SESSION_get_max_fragment_length(SSL_get_session(server)));
    tell_sent("from the server", net.to_client);
    std::string data = sample(5000);
    int most = 256 << mode;
    for (SSL* ssl : {client, server}) {
      SSL* other = ssl == client ? server : client;
      out("  %s writes %d: %s", ssl == client ? "client" : "server", most,
          outcome(ssl, SSL_write(ssl, data.data(), most)).c_str());
      out("  other reads %s", outcome(other, SSL_read(other, data.data(), 5000)).c_str());
    }
    out("  server writes more: %s",
        outcome(server, SSL_write(server, data.data(), most + 1)).c_str());
  }
}

/// The BIO cannot send as much as it has said.
void refused_by_the_path() {
  for (bool tells : {true, false}) {
    Net net;
    Peers peers = dtls_peers(net);
    SSL* client = peers.client.get();
    out("tells %d: %s", tells, outcome(client, SSL_do_handshake(client)).c_str());
    net.server.limit = 1000;
    net.server.limit_is_mtu = tells;
    SSL* server = peers.server.get();
    out("  server %s", outcome(server, SSL_do_handshake(server)).c_str());
    out("  sizes%s, asked %s", sizes(net.to_client).c_str(), asked(net.server).c_str());
  }
  Net net;
  Peers peers = dtls_connected(net);
  SSL* client = peers.client.get();
  net.client.limit = 1000;
  std::string data = sample(1200);
  out("write 1200: %s", outcome(client, SSL_write(client, data.data(), 1200)).c_str());
  out("write 900: %s", outcome(client, SSL_write(client, data.data(), 900)).c_str());
  out("read %s",
      outcome(peers.server.get(), SSL_read(peers.server.get(), data.data(), 1200)).c_str());
  tell_sent("sent", net.to_server);
  net.client.limit = SIZE_MAX;
  tell_agreed(peers);
}

void kept_over_clear() {
  for (uint64_t options : {uint64_t{0}, SSL_OP_NO_QUERY_MTU}) {
    Net net;
    Peers peers = dtls_peers(net);
    SSL_CTX_set_ssl_version(peers.server_context.get(), DTLSv1_2_server_method());
    renew(peers);
    link_datagrams(peers, net);
    SSL *client = peers.client.get(), *server = peers.server.get();
    SSL_set_options(server, options);
    SSL_set_mtu(server, 600);
    for (int i = 0; i < 2; i++) {
      SSL_do_handshake(client);
      SSL_do_handshake(server);
      ERR_clear_error();
      out("options %lu: server's%s", static_cast<unsigned long>(options),
          sizes(net.to_client).c_str());
      net.clear();
      SSL_clear(server);
      SSL_clear(client);
    }
    out("%s", handshake(peers).said().c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"setters", setters},
              {"sources", sources},
              {"large-chain", large_chain},
              {"chain-too-large", chain_too_large},
              {"room-for-data", all_room},
              {"large-writes", large_writes},
              {"send-fragments", send_fragments},
              {"max-fragment-length", max_fragment_length},
              {"refused-by-the-path", refused_by_the_path},
              {"kept-over-clear", kept_over_clear}},
             argc, argv);
}
