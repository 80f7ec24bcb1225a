// SSL_CTX_set_client_hello_cb(3) and SSL_client_hello_*: what can be read, when, and what a
// callback may change.
#include "support/client_hello.h"
#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};

using Callback = std::function<int(SSL*, int*)>;
Callback act;

void on_hello(SSL_CTX* c) {
  SSL_CTX_set_client_hello_cb(
      c, [](SSL* ssl, int* alert, void*) { return act(ssl, alert); }, nullptr);
}

Result told(Peers& peers, const char* title) {
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  link_memory(peers);
  Result result = handshake(peers, [](const Side& side) {
    if (side.error == SSL_ERROR_WANT_CLIENT_HELLO_CB) {
      out("  put off, want %d, state %s", SSL_want(side.ssl), SSL_state_string_long(side.ssl));
    }
  });
  out("%s: %s, %s, %s", title, result.said().c_str(), SSL_get_version(peers.client.get()),
      SSL_get_cipher_name(peers.client.get()));
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  SSL_set_info_callback(peers.client.get(), nullptr);
  SSL_set_info_callback(peers.server.get(), nullptr);
  return result;
}

int read_all(SSL* ssl, int*) {
  tell_hello(ssl);
  return SSL_CLIENT_HELLO_SUCCESS;
}

void contents() {
  for (int version : kVersions) {
    act = read_all;
    Peers peers = make_peers(at_version(
        version, {.client_context =
                      [](SSL_CTX* c) {
                        SSL_CTX_set_cipher_list(c,
                                                "AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256:"
                                                "ECDHE-RSA-AES128-SHA:@SECLEVEL=0");
                        SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>("\2h2"),
                                                3);
                        SSL_CTX_set_tlsext_status_type(c, TLSEXT_STATUSTYPE_ocsp);
                        SSL_CTX_set_tlsext_max_fragment_length(c, TLSEXT_max_fragment_length_1024);
                        SSL_CTX_clear_options(c, SSL_OP_NO_TICKET);
                      },
                  .server_context = on_hello}));
    SSL_set_tlsext_host_name(peers.client.get(), "twin.example");
    told(peers, version_text(version));
  }
}

// The answers when there is no hello to look at.
void outside() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> fresh(SSL_new(context.get()));
  Peers done = connected();
  for (SSL* ssl : {fresh.get(), done.client.get(), done.server.get()}) {
    const unsigned char* data = nullptr;
    int* present = nullptr;
    size_t count = 99;
    out("  v2 %d, version %u, %zu %zu %zu %zu", SSL_client_hello_isv2(ssl),
        SSL_client_hello_get0_legacy_version(ssl), SSL_client_hello_get0_random(ssl, &data),
        SSL_client_hello_get0_session_id(ssl, &data), SSL_client_hello_get0_ciphers(ssl, &data),
        SSL_client_hello_get0_compression_methods(ssl, &data));
    int got = SSL_client_hello_get1_extensions_present(ssl, &present, &count);
    out("  extensions %d %d, one %d", got, present != nullptr,
        SSL_client_hello_get0_ext(ssl, 0, &data, &count));
    out("  left [%s]", errors().c_str());
  }
}

void answers() {
  for (int version : kVersions) {
    for (int answer : {1, 0, -1, 2, 7}) {
      for (int alert : {-1, SSL_AD_UNRECOGNIZED_NAME, 0, 255, 256}) {
        int calls = 0;
        act = [&](SSL*, int* ad) {
          if (++calls == 1) out("  alert proposed %d", *ad);
          if (alert >= 0) *ad = alert;
          return calls > 3 ? 1 : answer;
        };
        Peers peers = make_peers(at_version(version, {.server_context = on_hello}));
        told(peers, text("%s, %d, alert %d", version_text(version), answer, alert).c_str());
        out("  %d calls", calls);
      }
    }
  }
}

int chosen_alert;

int on_name(SSL*, int* alert, void* answer) {
  *alert = chosen_alert;
  return *static_cast<int*>(answer);
}

int on_extension(SSL*, unsigned, unsigned, const unsigned char*, size_t, X509*, size_t, int* alert,
                 void*) {
  *alert = chosen_alert;
  return 0;
}

// Every value that a callback may give as an alert: what the client hears.
void alerts() {
  static int fatal = SSL_TLSEXT_ERR_ALERT_FATAL, warning = SSL_TLSEXT_ERR_ALERT_WARNING;
  const std::pair<const char*, std::function<void(SSL_CTX*)>> kCallbacks[] = {
      {"client hello",
       [](SSL_CTX* c) {
         SSL_CTX_set_client_hello_cb(
             c,
             [](SSL*, int* alert, void*) {
               *alert = chosen_alert;
               return 0;
             },
             nullptr);
       }},
      {"server name",
       [](SSL_CTX* c) {
         SSL_CTX_set_tlsext_servername_callback(c, on_name);
         SSL_CTX_set_tlsext_servername_arg(c, &fatal);
       }},
      {"server name, warning",
       [](SSL_CTX* c) {
         SSL_CTX_set_tlsext_servername_callback(c, on_name);
         SSL_CTX_set_tlsext_servername_arg(c, &warning);
       }},
      {"custom extension", [](SSL_CTX* c) {
         SSL_CTX_add_custom_ext(c, 4711, SSL_EXT_CLIENT_HELLO, nullptr, nullptr, nullptr,
                                on_extension, nullptr);
       }}};
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto& [name, set] : kCallbacks) {
      for (int alert = -1; alert <= 257; alert++) {
        chosen_alert = alert;
        Peers peers = make_peers(at_version(
            version, {.client_context =
                          [](SSL_CTX* c) {
                            SSL_CTX_add_custom_ext(c, 4711, SSL_EXT_CLIENT_HELLO, nullptr, nullptr,
                                                   nullptr, nullptr, nullptr);
                          },
                      .server_context = set}));
        link_memory(peers);
        Alerts heard;
        heard.watch(peers.client.get());
        handshake(peers);
        if (heard.said.empty()) continue;
        out("%s, %s, %d: %s", version_text(version), name, alert, heard.text_or_none());
      }
    }
  }
}

struct Change {
  const char* what;
  std::function<void(SSL*)> make;
};

// What a callback may still decide about the connection.
void changes() {
  const Change kChanges[] = {
      {"TLS 1.2 at most", [](SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); }},
      {"TLS 1.3 at least", [](SSL* ssl) { SSL_set_min_proto_version(ssl, TLS1_3_VERSION); }},
      {"no TLS 1.3", [](SSL* ssl) { SSL_set_options(ssl, SSL_OP_NO_TLSv1_3); }},
      {"suites",
       [](SSL* ssl) {
         SSL_set_cipher_list(ssl, "ECDHE-RSA-AES128-SHA");
         SSL_set_ciphersuites(ssl, "TLS_AES_128_GCM_SHA256");
       }},
      {"groups", [](SSL* ssl) { SSL_set1_groups_list(ssl, "P-384"); }},
      {"certificate",
       [](SSL* ssl) {
         SSL_use_certificate(ssl, read_certificate("server-p256").get());
         SSL_use_PrivateKey(ssl, read_key("server-p256").get());
       }},
      {"no certificate", SSL_certs_clear},
      {"no tickets", [](SSL* ssl) { SSL_set_options(ssl, SSL_OP_NO_TICKET); }},
      {"level", [](SSL* ssl) { SSL_set_security_level(ssl, 5); }},
      {"verify", [](SSL* ssl) {
         SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
       }}};
  for (int most : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const Change& change : kChanges) {
      act = [&](SSL* ssl, int*) {
        change.make(ssl);
        errors();
        return 1;
      };
      auto versions = [=](SSL_CTX* c) { set_versions(c, TLS1_2_VERSION, most); };
      Peers peers = make_peers({.certificate = "server-rsa",
                                .client_context = versions,
                                .server_context = [=](SSL_CTX* c) {
                                  versions(c);
                                  on_hello(c);
                                }});
      told(peers, text("%s, %s", version_text(most), change.what).c_str());
      X509* shown = SSL_get0_peer_certificate(peers.client.get());
      out("  key %s", shown ? EVP_PKEY_get0_type_name(X509_get0_pubkey(shown)) : "none");
    }
  }
}

// In a resumption, and once more for each hello: after HelloRetryRequest, in a renegotiation.
void how_often() {
  int calls = 0;
  act = [&](SSL* ssl, int*) {
    const unsigned char* data = nullptr;
    size_t id = SSL_client_hello_get0_session_id(ssl, &data);
    out("  call %d, session id of %zu", ++calls, id);
    return 1;
  };
  Peers retried = make_peers({.server_context = [](SSL_CTX* c) {
    SSL_CTX_set1_groups_list(c, "P-384");
    on_hello(c);
  }});
  told(retried, "HelloRetryRequest");
  calls = 0;
  Peers resumed = resumable_peers(TLS1_2_VERSION, By::id, {.server_context = on_hello});
  told(resumed, "first");
  renew_with_session(resumed);
  told(resumed, "resumed");
  SSL_renegotiate(resumed.client.get());
  char byte;
  for (int i = 0; i < 6; i++) {
    SSL_do_handshake(resumed.client.get());
    SSL_read(resumed.server.get(), &byte, 1);
    SSL_read(resumed.client.get(), &byte, 1);
  }
  out("  renegotiated, %d calls", calls);
  errors();
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"contents", contents},
              {"outside", outside},
              {"answers", answers},
              {"alerts", alerts},
              {"changes", changes},
              {"how_often", how_often}},
             argc, argv);
}
