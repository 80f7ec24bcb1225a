// SSL_set_SSL_CTX in a callback of the server: what the other context brings, and what stays.
#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

std::string subject(X509* certificate) {
  char name[64] = "none";
  if (certificate) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
  }
  return name;
}

/// Where the callback switches.
enum class At { client_hello, server_name, certificate, alpn };
constexpr At kPlaces[] = {At::client_hello, At::server_name, At::certificate};

const char* name_of(At at) {
  switch (at) {
    case At::client_hello:
      return "client hello";
    case At::server_name:
      return "server name";
    case At::certificate:
      return "certificate";
    default:
      return "alpn";
  }
}

SSL_CTX* other;

void switch_over(SSL* ssl) {
  out("  switched %d", SSL_set_SSL_CTX(ssl, other) == other);
}

void switch_at(SSL_CTX* c, At at) {
  switch (at) {
    case At::client_hello:
      SSL_CTX_set_client_hello_cb(
          c,
          [](SSL* ssl, int*, void*) {
            switch_over(ssl);
            return 1;
          },
          nullptr);
      break;
    case At::server_name:
      SSL_CTX_set_tlsext_servername_callback(
          c, +[](SSL* ssl, int*, void*) {
            switch_over(ssl);
            return SSL_TLSEXT_ERR_OK;
          });
      break;
    case At::certificate:
      SSL_CTX_set_cert_cb(
          c,
          [](SSL* ssl, void*) {
            switch_over(ssl);
            return 1;
          },
          nullptr);
      break;
    case At::alpn:
      SSL_CTX_set_alpn_select_cb(
          c,
          [](SSL* ssl, const unsigned char**, unsigned char*, const unsigned char*, unsigned,
             void*) {
            switch_over(ssl);
            return SSL_TLSEXT_ERR_NOACK;
          },
          nullptr);
      break;
  }
}

void offer(SSL_CTX* c) {
  SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>("\2h2"), 3);
  SSL_CTX_set_tlsext_status_type(c, TLSEXT_STATUSTYPE_ocsp);
}

void told(Peers& peers, const char* title) {
  SSL_set_tlsext_host_name(peers.client.get(), "twin.example");
  link_memory(peers);
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  Result result = handshake(peers);
  out("%s: %s", title, result.said().c_str());
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  out("  shown %s, cipher %s, context the other %d",
      subject(SSL_get0_peer_certificate(peers.client.get())).c_str(),
      SSL_get_cipher_name(peers.client.get()), SSL_get_SSL_CTX(peers.server.get()) == other);
  SSL_set_info_callback(peers.client.get(), nullptr);
  SSL_set_info_callback(peers.server.get(), nullptr);
}

/// One setting of the other context alone, from each place, at each version.
void with(const char* what, const std::function<void(SSL_CTX*)>& change,
          const std::function<void(Peers&)>& look = nullptr,
          const std::function<void(SSL_CTX*)>& own = nullptr) {
  for (int version : kVersions) {
    for (At at : kPlaces) {
      Owned<SSL_CTX> second = new_context();
      use_certificate(second.get(), "server-p256");
      trust(second.get());
      change(second.get());
      other = second.get();
      Peers peers = make_peers(
          at_version(version, {.client_context = offer, .server_context = [=](SSL_CTX* c) {
                                 switch_at(c, at);
                                 if (own) own(c);
                               }}));
      told(peers, text("%s, %s, %s", what, name_of(at), version_text(version)).c_str());
      if (look) look(peers);
    }
  }
}

void nothing(SSL_CTX*) {}

void certificates() {
  with("certificate", nothing, [](Peers& peers) {
    out("  own %s", subject(SSL_get_certificate(peers.server.get())).c_str());
  });
  with("none", [](SSL_CTX* c) { SSL_CTX_set_cert_store(c, X509_STORE_new()); });
  for (int version : kVersions) {
    Owned<SSL_CTX> empty = new_context();
    other = empty.get();
    Peers peers = make_peers(
        at_version(version, {.server_context = [](SSL_CTX* c) { switch_at(c, At::server_name); }}));
    told(peers, text("without certificate, %s", version_text(version)).c_str());
  }
}

void options() {
  with(
      "options", [](SSL_CTX* c) { SSL_CTX_set_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE); },
      [](Peers& peers) {
        out("  option %d, mode %lx",
            (SSL_get_options(peers.server.get()) & SSL_OP_CIPHER_SERVER_PREFERENCE) != 0,
            static_cast<unsigned long>(SSL_get_mode(peers.server.get())));
      });
  with("versions", [](SSL_CTX* c) { set_versions(c, TLS1_1_VERSION, TLS1_1_VERSION); });
  with("no such version", [](SSL_CTX* c) { SSL_CTX_set_options(c, SSL_OP_NO_TLSv1_2); });
}

void ciphers() {
  with(
      "ciphers",
      [](SSL_CTX* c) {
        SSL_CTX_set_cipher_list(c, "ECDHE-ECDSA-AES128-SHA");
        SSL_CTX_set_ciphersuites(c, "TLS_CHACHA20_POLY1305_SHA256");
      },
      [](Peers& peers) {
        out("  %d ciphers", sk_SSL_CIPHER_num(SSL_get_ciphers(peers.server.get())));
      });
  with("own list of the first", nothing, nullptr,
       [](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, "ECDHE-ECDSA-AES128-SHA"); });
  with(
      "groups", [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "P-384"); },
      [](Peers& peers) {
        out("  group %ld", static_cast<long>(SSL_get_negotiated_group(peers.server.get())));
      });
  with(
      "schemes", [](SSL_CTX* c) { SSL_CTX_set1_sigalgs_list(c, "ECDSA+SHA384"); },
      [](Peers& peers) {
        int hash = 0;
        SSL_get_peer_signature_nid(peers.client.get(), &hash);
        out("  signed with %s", OBJ_nid2sn(hash));
      });
  with(
      "security level", [](SSL_CTX* c) { SSL_CTX_set_security_level(c, 4); },
      [](Peers& peers) { out("  level %d", SSL_get_security_level(peers.server.get())); });
}

int never(int, X509_STORE_CTX*) {
  out("  verify callback of the other context");
  return 0;
}

void verification() {
  auto look = [](Peers& peers) {
    SSL* server = peers.server.get();
    out("  mode %d, depth %d, callback %d, names %d", SSL_get_verify_mode(server),
        SSL_get_verify_depth(server), SSL_get_verify_callback(server) != nullptr,
        sk_X509_NAME_num(SSL_get_client_CA_list(server)));
  };
  with(
      "demanded",
      [](SSL_CTX* c) {
        SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, never);
        SSL_CTX_set_verify_depth(c, 3);
        SSL_CTX_add_client_CA(c, read_certificate("root").get());
      },
      look);
  with("not demanded", nothing, look, [](SSL_CTX* c) {
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_add_client_CA(c, read_certificate("other-root").get());
  });
}

void callbacks() {
  with("alpn", [](SSL_CTX* c) {
    SSL_CTX_set_alpn_select_cb(
        c,
        [](SSL*, const unsigned char** picked, unsigned char* size, const unsigned char* offered,
           unsigned, void*) {
          out("  alpn of the other context");
          *picked = offered + 1;
          *size = offered[0];
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
  });
  with("status", [](SSL_CTX* c) {
    SSL_CTX_set_tlsext_status_cb(
        c, +[](SSL*, void*) {
          out("  status of the other context");
          return SSL_TLSEXT_ERR_NOACK;
        });
  });
  with("certificate callback", [](SSL_CTX* c) {
    SSL_CTX_set_cert_cb(
        c,
        [](SSL*, void*) {
          out("  certificate callback of the other context");
          return 1;
        },
        nullptr);
  });
  with("servername", [](SSL_CTX* c) {
    SSL_CTX_set_tlsext_servername_callback(
        c, +[](SSL*, int*, void*) {
          out("  servername of the other context");
          return SSL_TLSEXT_ERR_OK;
        });
  });
  with("key log", [](SSL_CTX* c) {
    SSL_CTX_set_keylog_callback(c, [](const SSL*, const char* line) {
      out("  key log of the other context: %.*s", static_cast<int>(strcspn(line, " ")), line);
    });
  });
  with("info", [](SSL_CTX* c) {
    SSL_CTX_set_info_callback(c, [](const SSL*, int, int) { out("  info of the other context"); });
  });
}

// Sessions stay with the context that made the SSL, and so do its counters and ticket keys.
void sessions() {
  for (By by : {By::id, By::ticket}) {
    Owned<SSL_CTX> second(SSL_CTX_new(TLS_method()));
    make_resumable(second.get(), TLS1_2_VERSION, by);
    use_certificate(second.get(), "server-p256");
    SSL_CTX_set_session_id_context(second.get(), reinterpret_cast<const unsigned char*>("b"), 1);
    other = second.get();
    Peers peers = resumable_peers(TLS1_2_VERSION, by, {.server_context = [](SSL_CTX* c) {
                                    SSL_CTX_set_session_id_context(
                                        c, reinterpret_cast<const unsigned char*>("a"), 1);
                                    switch_at(c, At::server_name);
                                  }});
    told(peers, by_name(by));
    out("  first: %s", statistics(peers.server_context.get()).c_str());
    out("  second: %s", statistics(other).c_str());
    unsigned length = 0;
    const unsigned char* id =
        SSL_SESSION_get0_id_context(SSL_get_session(peers.server.get()), &length);
    out("  id context %.*s", static_cast<int>(length), reinterpret_cast<const char*>(id));
    renew_with_session(peers);
    told(peers, "again");
    out("  reused %d", SSL_session_reused(peers.server.get()));
    out("  first: %s", statistics(peers.server_context.get()).c_str());
    out("  second: %s", statistics(other).c_str());
  }
}

// ex_data is the SSL's, whatever its context is; references to contexts are counted.
void data_and_references() {
  static int freed;
  freed = 0;
  int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* pointer, CRYPTO_EX_DATA*, int, long, void*) { freed += pointer != nullptr; });
  int of_ssl = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  int value = 0;
  Owned<SSL_CTX> first(SSL_CTX_new(TLS_method())), second(SSL_CTX_new(TLS_method()));
  SSL_CTX_set_ex_data(first.get(), index, &value);
  SSL_CTX_set_ex_data(second.get(), index, &value);
  Owned<SSL> ssl(SSL_new(first.get()));
  SSL_set_ex_data(ssl.get(), of_ssl, &value);
  SSL_set_SSL_CTX(ssl.get(), second.get());
  out("data %d", SSL_get_ex_data(ssl.get(), of_ssl) == &value);
  first.reset();
  second.reset();
  out("freed %d", freed);
  out("back %d", SSL_set_SSL_CTX(ssl.get(), nullptr) != nullptr);
  out("freed %d", freed);
  ssl.reset();
  out("freed %d", freed);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"certificates", certificates},
              {"options", options},
              {"ciphers", ciphers},
              {"verification", verification},
              {"callbacks", callbacks},
              {"sessions", sessions},
              {"data_and_references", data_and_references}},
             argc, argv);
}
