// SSL_stateless: a HelloRetryRequest with a cookie from one SSL, its answer for another.
#include "support/stateless.h"
#include "support/hello_editor.h"
#include "support/loggers.h"

namespace {
using namespace twin;

std::string extension_types(const unsigned char* hello, size_t size, size_t begin) {
  std::string bytes(reinterpret_cast<const char*>(hello), size), types;
  for (size_t at = begin; at + 4 <= size; at += 4 + number(bytes, at + 2, 2)) {
    types += text(" %zu", number(bytes, at, 2));
  }
  return types;
}

// --- Both flights ---

void two_servers() {
  for (bool compatible : {true, false}) {
    out("middlebox compatibility %d", compatible);
    Both both({.client_context =
                   [=](SSL_CTX* c) {
                     if (!compatible) SSL_CTX_clear_options(c, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
                   },
               .server_context =
                   [=](SSL_CTX* c) {
                     if (!compatible) SSL_CTX_clear_options(c, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
                   }});
    callbacks_speak = true;
    both.listen("nothing");
    both.connect();
    both.listen("first hello");
    both.connect();
    both.listen_again(true);
    callbacks_speak = false;
    both.finish();
  }
}

void one_server() {
  Both both;
  both.connect();
  both.listen("first hello");
  both.connect();
  both.listen_again(false);
  both.finish();
  both.listen("after it all");
}

void change_cipher_spec_between() {
  Both both;
  both.connect();
  both.listen("first hello");
  both.connect();
  std::string flight = both.take();
  both.give(flight.substr(0, 6));
  both.listen("change_cipher_spec");
  both.give(flight.substr(6));
  both.listen("second hello");
  both.finish();
}

void role_unset() {
  Both both;
  BIO *in = SSL_get_rbio(both.server.get()), *away = SSL_get_wbio(both.server.get());
  BIO_up_ref(in);
  BIO_up_ref(away);
  both.server.reset(SSL_new(both.server_context.get()));
  SSL_set_bio(both.server.get(), in, away);
  both.connect();
  both.listen();
  out("  is server %d", SSL_is_server(both.server.get()));
}

void groups() {
  struct Kind {
    const char *client, *server;
  };
  for (const Kind& kind : {Kind{"X25519:P-256", "P-256"}, Kind{"P-256", "P-256:X25519"},
                           Kind{"P-384:X448", "X25519:X448"}, Kind{"P-384", "X25519"}}) {
    out("client %s, server %s", kind.client, kind.server);
    Both both({.client_context = [&](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, kind.client); },
               .server_context = [&](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, kind.server); }});
    SSL_set_msg_callback(
        both.client.get(), [](int, int, int type, const void* data, size_t size, SSL*, void*) {
          auto* bytes = static_cast<const unsigned char*>(data);
          if (type != SSL3_RT_HANDSHAKE || bytes[0] != SSL3_MT_SERVER_HELLO) return;
          out("    extensions%s", extension_types(bytes, size, 4 + 2 + 32 + 33 + 3 + 2).c_str());
        });
    both.first_flight();
    both.replace_server();
    both.listen("second hello");
    both.finish();
  }
}

void suites() {
  for (const char* suite :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    Both both({.client_context = [&](SSL_CTX* c) { SSL_CTX_set_ciphersuites(c, suite); }});
    both.first_flight();
    both.replace_server();
    both.listen(suite);
    both.finish();
  }
}

void client_certificate() {
  Both both(
      {.client_context = [](SSL_CTX* c) { use_certificate(c, "client-ed25519"); },
       .server_context = [](SSL_CTX* c) { SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr); }});
  both.first_flight();
  both.replace_server();
  both.listen("second hello");
  both.finish();
  out("  peer %d", SSL_get0_peer_certificate(both.server.get()) != nullptr);
}

void in_pieces() {
  Both both;
  both.connect();
  std::string hello = both.take();
  both.give(hello.substr(0, 100));
  both.listen("half of it");
  both.give(hello.substr(100));
  both.listen("the other half");
}

void blocked_write() {
  Both both;
  BIO *client, *server;
  BIO_new_bio_pair(&client, 0, &server, 100);
  SSL_set_bio(both.client.get(), client, client);
  SSL_set_bio(both.server.get(), server, server);
  SSL_set_connect_state(both.client.get());
  both.connect();
  both.listen();
}

/// The cookie means nothing to a server that is not asked to be stateless.
void not_stateless_again() {
  Both both;
  both.first_flight();
  both.replace_server();
  out("  client %s", handshake(both).client.said().c_str());
}

/// After SSL_stateless has returned 1, SSL_accept may be left out.
void data_instead_of_accept() {
  Both both;
  both.first_flight();
  both.listen();
  SSL *client = both.client.get(), *server = both.server.get();
  char buffer[20] = {};
  int returned = SSL_write(server, "early answer", 12);
  out("  server writes: %s", outcome(server, returned).c_str());
  returned = SSL_read(server, buffer, sizeof buffer);
  out("  server reads: %s", outcome(server, returned).c_str());
  returned = SSL_read(client, buffer, sizeof buffer);
  out("  client reads: %s \"%s\"", outcome(client, returned).c_str(), buffer);
  out("  client writes: %d", SSL_write(client, "thanks", 6));
  returned = SSL_read(server, buffer, sizeof buffer);
  out("  server reads: %s", outcome(server, returned).c_str());
  out("  %s", state_line(server).c_str());
}

void shut_down_at_once() {
  Both both;
  both.first_flight();
  both.listen();
  SSL *client = both.client.get(), *server = both.server.get();
  int returned = SSL_shutdown(server);
  out("  SSL_shutdown: %s", outcome(server, returned).c_str());
  both.connect();
  char byte;
  returned = SSL_read(client, &byte, 1);
  out("  client reads: %s", outcome(client, returned).c_str());
}

// --- What the application sees ---

void order_of_callbacks() {
  Both both({.server_context =
                 [](SSL_CTX* c) {
                   SSL_CTX_set_tlsext_servername_callback(
                       c, +[](SSL*, int*, void*) {
                         out("    server name");
                         return SSL_TLSEXT_ERR_OK;
                       });
                   SSL_CTX_set_client_hello_cb(
                       c,
                       [](SSL*, int*, void*) {
                         out("    client hello");
                         return SSL_CLIENT_HELLO_SUCCESS;
                       },
                       nullptr);
                   SSL_CTX_set_alpn_select_cb(
                       c,
                       [](SSL*, const unsigned char** chosen, unsigned char* length,
                          const unsigned char* offered, unsigned int, void*) {
                         out("    alpn");
                         *chosen = offered + 1;
                         *length = offered[0];
                         return SSL_TLSEXT_ERR_OK;
                       },
                       nullptr);
                   SSL_CTX_set_cert_cb(
                       c,
                       [](SSL*, void*) {
                         out("    certificate");
                         return 1;
                       },
                       nullptr);
                 },
             .client =
                 [](SSL* ssl) {
                   SSL_set_tlsext_host_name(ssl, "server.test");
                   SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>("\1a"), 2);
                 }});
  callbacks_speak = true;
  both.connect();
  both.listen("first hello");
  both.connect();
  both.listen_again(true);
  callbacks_speak = false;
}

void events() {
  Both both;
  Log first, second;
  first.watch_info(both.server.get());
  first.watch_messages(both.server.get());
  both.first_flight();
  print("first flight", first.lines);
  both.replace_server();
  second.watch_info(both.server.get());
  second.watch_messages(both.server.get());
  both.listen("second hello");
  print("second flight", second.lines);
  second.lines.clear();
  both.finish();
  print("the rest", second.lines);
}

void older_versions() {
  struct Kind {
    int client, server;
  };
  for (Kind kind : {Kind{TLS1_2_VERSION, 0}, Kind{0, TLS1_2_VERSION}}) {
    out("client %04x, server %04x", kind.client, kind.server);
    auto open = [](SSL_CTX* c, int version) {
      SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
      SSL_CTX_set_max_proto_version(c, version);
    };
    Both both({.client_context = [&](SSL_CTX* c) { open(c, kind.client); },
               .server_context = [&](SSL_CTX* c) { open(c, kind.server); }});
    both.connect();
    both.listen();
    both.finish();
  }
}

void cookie_exchange_option() {
  Both both;
  SSL_CTX_set_options(both.server_context.get(), SSL_OP_COOKIE_EXCHANGE);
  SSL_CTX_set_cookie_generate_cb(both.server_context.get(), [](SSL*, unsigned char*, unsigned*) {
    out("  generate");
    return 1;
  });
  SSL_CTX_set_cookie_verify_cb(both.server_context.get(), [](SSL*, const unsigned char*, unsigned) {
    out("  verify");
    return 1;
  });
  both.replace_server();
  both.finish();
}

void reads_one_hello() {
  Sockets sockets(true);
  Peers peers = make_peers({.server_context = stateless});
  link_sockets(peers, sockets);
  SSL_set_connect_state(peers.client.get());
  std::thread client([&] {
    int returned = SSL_connect(peers.client.get());
    if (returned != 1) out("  client %d", returned);
  });
  for (int i = 0; i < 3; ++i) {
    int returned = SSL_stateless(peers.server.get());
    if (returned >= 0) out("  SSL_stateless: %s", outcome(peers.server.get(), returned).c_str());
    if (returned > 0) break;
  }
  int returned = SSL_accept(peers.server.get());
  out("  SSL_accept: %s", outcome(peers.server.get(), returned).c_str());
  client.join();
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"two_servers", two_servers},
              {"one_server", one_server},
              {"change_cipher_spec_between", change_cipher_spec_between},
              {"role_unset", role_unset},
              {"groups", groups},
              {"suites", suites},
              {"client_certificate", client_certificate},
              {"in_pieces", in_pieces},
              {"blocked_write", blocked_write},
              {"not_stateless_again", not_stateless_again},
              {"data_instead_of_accept", data_instead_of_accept},
              {"shut_down_at_once", shut_down_at_once},
              {"order_of_callbacks", order_of_callbacks},
              {"events", events},
              {"older_versions", older_versions},
              {"cookie_exchange_option", cookie_exchange_option},
              {"reads_one_hello", reads_one_hello}},
             argc, argv);
}
