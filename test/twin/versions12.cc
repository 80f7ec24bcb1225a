// Which version two ends agree on, and how they fail: limits, fixed methods, the fallback SCSV.
#include "support/older.h"

namespace {
using namespace twin;

// tell_with_alerts(); when the client refuses the version of the ServerHello, what the server makes
// of its alert depends on the version that the alert's record claims.
bool tell(Peers& peers, const std::string& title) {
  Alerts alerts;
  alerts.watch(peers.client.get());
  Result result = handshake(peers);
  SSL_set_info_callback(peers.client.get(), nullptr);
  bool refused = false;
  for (const char* reason :
       {"unsupported protocol", "wrong ssl version", "inappropriate fallback"}) {
    refused |= result.client.queue == std::string("SSL routines/") + reason;
  }
  if (!refused) {
    out("%s: %s | alerts at the client: %s", title.c_str(), result.said().c_str(),
        alerts.text_or_none());
  } else {
    out("%s: %s | alerts at the client: %s", title.c_str(), result.client.said().c_str(),
        alerts.text_or_none());
  }
  if (!result.good()) return false;
  out("  client: %s", agreed(peers.client.get()).c_str());
  out("  server: %s", agreed(peers.server.get()).c_str());
  out("  %s", transfer(peers.client.get(), peers.server.get(), "to the server").c_str());
  return true;
}

struct Limits {
  int least, most;
};

constexpr Limits kLimits[] = {{0, 0},
                              {TLS1_VERSION, TLS1_VERSION},
                              {TLS1_1_VERSION, TLS1_1_VERSION},
                              {TLS1_2_VERSION, TLS1_2_VERSION},
                              {TLS1_3_VERSION, TLS1_3_VERSION},
                              {TLS1_VERSION, TLS1_2_VERSION},
                              {TLS1_1_VERSION, 0},
                              {0, TLS1_1_VERSION},
                              {TLS1_2_VERSION, TLS1_1_VERSION}};

void lowest_level(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, 0);
  SSL_CTX_set_security_level(context, 0);
}

std::string limits_said(const Limits& limits) {
  return text("%s to %s", version_text(limits.least), version_text(limits.most));
}

void limits(const Limits& client_limits) {
  for (const Limits& server_limits : kLimits) {
    auto limit = [](SSL_CTX* context, const Limits& chosen) {
      lowest_level(context);
      SSL_CTX_set_min_proto_version(context, chosen.least);
      SSL_CTX_set_max_proto_version(context, chosen.most);
    };
    Peers peers = make_peers({.certificate = "server-rsa",
                              .client_context = [&](SSL_CTX* c) { limit(c, client_limits); },
                              .server_context = [&](SSL_CTX* c) { limit(c, server_limits); }});
    link_memory(peers);
    std::string title = limits_said(client_limits) + " against " + limits_said(server_limits);
    if (!tell(peers, title)) continue;
    out("  client_version %#x, version %#x, %s", SSL_client_version(peers.server.get()),
        SSL_version(peers.client.get()), SSL_is_dtls(peers.client.get()) ? "DTLS" : "TLS");
  }
}

void limits_read_back() {
  for (const Limits& chosen : kLimits) {
    Owned<SSL_CTX> context = new_context();
    out("%s: set %d %d, get %ld %ld", limits_said(chosen).c_str(),
        static_cast<int>(SSL_CTX_set_min_proto_version(context.get(), chosen.least)),
        static_cast<int>(SSL_CTX_set_max_proto_version(context.get(), chosen.most)),
        SSL_CTX_get_min_proto_version(context.get()), SSL_CTX_get_max_proto_version(context.get()));
  }
}

struct Method {
  const char* name;
  const SSL_METHOD* (*get)();
};
constexpr Method kClientMethods[] = {{"TLS", TLS_client_method},
                                     {"TLSv1", TLSv1_client_method},
                                     {"TLSv1_1", TLSv1_1_client_method},
                                     {"TLSv1_2", TLSv1_2_client_method}};
constexpr Method kServerMethods[] = {{"TLS", TLS_server_method},
                                     {"TLSv1", TLSv1_server_method},
                                     {"TLSv1_1", TLSv1_1_server_method},
                                     {"TLSv1_2", TLSv1_2_server_method}};

void methods() {
  for (const Method& client : kClientMethods) {
    for (const Method& server : kServerMethods) {
      Peers peers;
      peers.client_context.reset(SSL_CTX_new(client.get()));
      peers.server_context.reset(SSL_CTX_new(server.get()));
      lowest_level(peers.client_context.get());
      lowest_level(peers.server_context.get());
      use_certificate(peers.server_context.get(), "server-rsa");
      renew(peers);
      link_memory(peers);
      tell(peers, text("%s against %s", client.name, server.name));
    }
  }
}

// A fixed method takes no limits other than its own version.
void limits_of_fixed_methods() {
  constexpr Method kMethods[] = {
      {"TLSv1", TLSv1_method}, {"TLSv1_1", TLSv1_1_method}, {"TLSv1_2", TLSv1_2_method}};
  for (const Method& method : kMethods) {
    for (int version : {0, TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
      Owned<SSL_CTX> context(SSL_CTX_new(method.get()));
      std::string least = answer(SSL_CTX_set_min_proto_version(context.get(), version));
      std::string most = answer(SSL_CTX_set_max_proto_version(context.get(), version));
      out("%s with %s: min %s, max %s, get %ld %ld", method.name, version_text(version),
          least.c_str(), most.c_str(), SSL_CTX_get_min_proto_version(context.get()),
          SSL_CTX_get_max_proto_version(context.get()));
    }
    Owned<SSL_CTX> context(SSL_CTX_new(method.get()));
    Owned<SSL> ssl(SSL_new(context.get()));
    out("%s: SSL_get_version %s, SSL_version %#x, ciphers %d", method.name,
        SSL_get_version(ssl.get()), SSL_version(ssl.get()),
        sk_SSL_CIPHER_num(SSL_get_ciphers(ssl.get())));
  }
}

// SSL_OP_NO_TLSv1_x on either side.
void options() {
  constexpr uint64_t kNone[] = {
      0,
      SSL_OP_NO_TLSv1_3,
      SSL_OP_NO_TLSv1_3 | SSL_OP_NO_TLSv1_2,
      SSL_OP_NO_TLSv1_2,
      SSL_OP_NO_TLSv1_3 | SSL_OP_NO_TLSv1_1,
      SSL_OP_NO_TLSv1_3 | SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1};
  for (uint64_t client : kNone) {
    for (uint64_t server : kNone) {
      Peers peers = make_peers({.certificate = "server-rsa",
                                .client_context =
                                    [=](SSL_CTX* c) {
                                      lowest_level(c);
                                      SSL_CTX_set_options(c, client);
                                    },
                                .server_context =
                                    [=](SSL_CTX* c) {
                                      lowest_level(c);
                                      SSL_CTX_set_options(c, server);
                                    }});
      link_memory(peers);
      tell(peers, text("%#lx against %#lx", client, server));
    }
  }
}

// RFC 7507: a server that could do better refuses a client that fell back.
void fallback_scsv() {
  for (int client_most : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (int server_most : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
      Peers peers = make_peers({.certificate = "server-rsa",
                                .client_context =
                                    [=](SSL_CTX* c) {
                                      lowest_level(c);
                                      SSL_CTX_set_max_proto_version(c, client_most);
                                      SSL_CTX_set_mode(c, SSL_MODE_SEND_FALLBACK_SCSV);
                                    },
                                .server_context =
                                    [=](SSL_CTX* c) {
                                      lowest_level(c);
                                      SSL_CTX_set_max_proto_version(c, server_most);
                                    }});
      link_memory(peers);
      tell_with_alerts(
          peers,
          text("%s against %s", version_text(client_most), version_text(server_most)).c_str());
    }
  }
}

// RFC 8446 4.1.3: the end of the server's random.
void downgrade_sentinels() {
  for (int client_most : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (int server_most : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
      auto limit = [](int most) {
        return [=](SSL_CTX* c) {
          lowest_level(c);
          SSL_CTX_set_max_proto_version(c, most);
        };
      };
      Peers peers = make_peers({.certificate = "server-rsa",
                                .client_context = limit(client_most),
                                .server_context = limit(server_most)});
      link_memory(peers);
      Result result = handshake(peers);
      unsigned char random[32] = {}, seen[32] = {};
      size_t size = SSL_get_server_random(peers.server.get(), random, sizeof random);
      SSL_get_server_random(peers.client.get(), seen, sizeof seen);
      bool marked = std::memcmp(random + 24, "DOWNGRD", 7) == 0;
      out("%s against %s: %s, %s, random of %zu, %s %d, equal %d", version_text(client_most),
          version_text(server_most), result.said().c_str(), SSL_get_version(peers.client.get()),
          size, marked ? "sentinel" : "none", marked ? random[31] : -1,
          std::memcmp(random, seen, sizeof random) == 0);
    }
  }
}

// An attacker lowers the version that the client offers: the sentinel gives it away.
void hello_lowered(bool sentinel_of_13) {
  Peers peers = make_peers({.certificate = "server-rsa",
                            .client_context =
                                [=](SSL_CTX* c) {
                                  lowest_level(c);
                                  if (!sentinel_of_13) {
                                    SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION);
                                  }
                                },
                            .server_context = lowest_level});
  link_memory(peers);
  Side client{peers.client.get()};
  client.step();
  BIO* sent = SSL_get_wbio(peers.client.get());
  char* data;
  long size = BIO_get_mem_data(sent, &data);
  std::string hello(data, static_cast<size_t>(size));
  hello[10] = sentinel_of_13 ? 3 : 2;  // legacy_version
  size_t found = hello.find(std::string("\0\x2b\0", 3));
  if (found != std::string::npos) hello[found + 1] = '\x7b';  // not supported_versions any more
  (void)BIO_reset(sent);
  BIO_write(sent, hello.data(), static_cast<int>(hello.size()));
  tell_with_alerts(peers, sentinel_of_13 ? "1.3 to 1.2" : "1.2 to 1.1");
}

void lowered() {
  hello_lowered(true);
  hello_lowered(false);
}

// At level 1 and above the versions below 1.2 have no usable signature.
void old_version_and_security_level() {
  for (int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION}) {
    for (int level = 0; level <= 5; level++) {
      for (bool on_client : {true, false}) {
        auto side = [=](bool levelled) {
          return [=](SSL_CTX* c) {
            set_versions(c, version, version);
            SSL_CTX_set_security_level(c, levelled ? level : 0);
            if (!levelled) SSL_CTX_set_cipher_list(c, "ALL");
          };
        };
        Peers peers = make_peers({.certificate = "server-p521",
                                  .client_context = side(on_client),
                                  .server_context = side(!on_client)});
        link_memory(peers);
        tell_with_alerts(peers, text("%s, %s at level %d", version_text(version),
                                     on_client ? "client" : "server", level)
                                    .c_str());
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Case> cases;
  for (const Limits& chosen : kLimits) {
    cases.push_back({"limits." + text("%#x-%#x", static_cast<unsigned>(chosen.least),
                                      static_cast<unsigned>(chosen.most)),
                     [&] { limits(chosen); }});
  }
  cases.push_back({"limits-read-back", limits_read_back});
  cases.push_back({"methods", methods});
  cases.push_back({"limits-of-fixed-methods", limits_of_fixed_methods});
  cases.push_back({"options", options});
  cases.push_back({"fallback-scsv", fallback_scsv});
  cases.push_back({"downgrade-sentinels", downgrade_sentinels});
  cases.push_back({"lowered", lowered});
  cases.push_back({"old-version-and-security-level", old_version_and_security_level});
  return run(cases, argc, argv);
}
