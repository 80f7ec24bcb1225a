// Callbacks that suspend the handshake, and callbacks that refuse.
#include <openssl/x509v3.h>

#include "support/loggers.h"

namespace {
using namespace twin;

/// Handshake with every call printed, then the alerts.
Result told(Peers& peers) {
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  Result result = handshake(peers, [](const Side& side) {
    std::string want = side.fatal() ? "" : text(", want %d", SSL_want(side.ssl));
    out("  %s %s%s", SSL_is_server(side.ssl) ? "server" : "client", side.said().c_str(),
        want.c_str());
  });
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  return result;
}

Result told(const Setup& setup) {
  Peers peers = make_peers(setup);
  link_memory(peers);
  return told(peers);
}

int calls;

void client_hello_retry() {
  calls = 0;
  Setup setup;
  setup.server_context = [](SSL_CTX* c) {
    SSL_CTX_set_client_hello_cb(
        c,
        [](SSL* ssl, int*, void* argument) {
          out("  callback %d, argument %s, state %s", ++calls, static_cast<const char*>(argument),
              SSL_state_string_long(ssl));
          return calls < 3 ? SSL_CLIENT_HELLO_RETRY : SSL_CLIENT_HELLO_SUCCESS;
        },
        const_cast<char*>("mine"));
  };
  told(setup);
}

void client_hello_error() {
  for (int alert : {0, SSL_AD_ACCESS_DENIED, SSL_AD_UNRECOGNIZED_NAME}) {
    static int chosen;
    chosen = alert;
    out("alert %d", alert);
    told({.server_context = [](SSL_CTX* c) {
      SSL_CTX_set_client_hello_cb(
          c,
          [](SSL*, int* sent, void*) {
            out("  proposed %d", *sent);
            if (chosen) *sent = chosen;
            return SSL_CLIENT_HELLO_ERROR;
          },
          nullptr);
    }});
  }
}

void client_hello_contents() {
  told({.client_context = [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "X25519:P-256"); },
        .server_context =
            [](SSL_CTX* c) {
              SSL_CTX_set_client_hello_cb(
                  c,
                  [](SSL* ssl, int*, void*) {
                    const unsigned char *data, *random;
                    out("  v2 %d, legacy version %04x", SSL_client_hello_isv2(ssl),
                        SSL_client_hello_get0_legacy_version(ssl));
                    out("  random %zu, session id %zu, ciphers %zu, compressions %zu",
                        SSL_client_hello_get0_random(ssl, &random),
                        SSL_client_hello_get0_session_id(ssl, &data),
                        SSL_client_hello_get0_ciphers(ssl, &data),
                        SSL_client_hello_get0_compression_methods(ssl, &data));
                    int* present = nullptr;
                    size_t count = 0;
                    int got = SSL_client_hello_get1_extensions_present(ssl, &present, &count);
                    std::vector<int> types(present, present + count);
                    OPENSSL_free(present);
                    std::sort(types.begin(), types.end());
                    std::string line;
                    for (int type : types) {
                      size_t size = 0;
                      SSL_client_hello_get0_ext(ssl, static_cast<unsigned>(type), &data, &size);
                      line += text(" %d(%zu)", type, size);
                    }
                    out("  present %d:%s", got, line.c_str());
                    size_t size = 9;
                    out("  absent: %d", SSL_client_hello_get0_ext(ssl, 4711, &data, &size));
                    return SSL_CLIENT_HELLO_SUCCESS;
                  },
                  nullptr);
            },
        .client = [](SSL* ssl) { SSL_set_tlsext_host_name(ssl, "twin.example"); }});
}

int later(SSL* ssl, void*) {
  out("  certificate callback %d, %s", ++calls, SSL_state_string_long(ssl));
  return calls < 3 ? -1 : 1;
}

int refuse(SSL*, void*) {
  return 0;
}

void server_certificate_later() {
  calls = 0;
  told({.server_context = [](SSL_CTX* c) { SSL_CTX_set_cert_cb(c, later, nullptr); }});
}

void server_certificate_chosen() {
  calls = 0;
  told({.certificate = "", .server_context = [](SSL_CTX* c) {
          SSL_CTX_set_cert_cb(
              c,
              [](SSL* ssl, void*) {
                int set = SSL_use_certificate(ssl, read_certificate("server-rsa").get());
                out("  set: %d %d", set, SSL_use_PrivateKey(ssl, read_key("server-rsa").get()));
                return 1;
              },
              nullptr);
        }});
}

void server_certificate_refused() {
  told({.server_context = [](SSL_CTX* c) { SSL_CTX_set_cert_cb(c, refuse, nullptr); }});
}

void demand(SSL_CTX* c) {
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

void client_certificate_later() {
  calls = 0;
  told({.client_context =
            [](SSL_CTX* c) {
              use_certificate(c, "client-ed25519");
              SSL_CTX_set_cert_cb(c, later, nullptr);
            },
        .server_context = demand});
}

void client_certificate_refused() {
  told({.client_context =
            [](SSL_CTX* c) {
              use_certificate(c, "client-ed25519");
              SSL_CTX_set_cert_cb(c, refuse, nullptr);
            },
        .server_context = demand});
}

int client_cert_answer;
int client_cert(SSL* ssl, X509** certificate, EVP_PKEY** key) {
  out("  client_cert_cb %d, %s, CA names %d", ++calls, SSL_state_string_long(ssl),
      sk_X509_NAME_num(SSL_get_client_CA_list(ssl)));
  if (client_cert_answer == 0) return 0;
  if (calls < 3) return -1;
  *certificate = read_certificate("client-rsa").release();
  *key = read_key("client-rsa").release();
  return 1;
}

void client_cert_cb() {
  for (int answer : {1, 0}) {
    calls = 0;
    client_cert_answer = answer;
    out("answer %d", answer);
    told({.client_context = [](SSL_CTX* c) { SSL_CTX_set_client_cert_cb(c, client_cert); },
          .server_context = demand});
  }
}

int retry_verify(X509_STORE_CTX* store, void* argument) {
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  out("  verify callback %d, argument %s, chain given %d", ++calls,
      static_cast<const char*>(argument), sk_X509_num(X509_STORE_CTX_get0_untrusted(store)));
  if (calls < 3) return SSL_set_retry_verify(ssl);
  return X509_verify_cert(store);
}

void verify_retry() {
  calls = 0;
  told({.client_context = [](SSL_CTX* c) {
    SSL_CTX_set_cert_verify_callback(c, retry_verify, const_cast<char*>("mine"));
  }});
}

int name_answer, name_alert;
int server_name(SSL* ssl, int* alert, void* argument) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  out("  servername %s, type %d, alert proposed %d, argument %s", name ? name : "none",
      SSL_get_servername_type(ssl), *alert, static_cast<const char*>(argument));
  if (name_alert) *alert = name_alert;
  return name_answer;
}

void server_names() {
  for (const char* name : {"twin.example", "", "other.example"}) {
    for (int answer : {SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_ALERT_WARNING, SSL_TLSEXT_ERR_ALERT_FATAL,
                       SSL_TLSEXT_ERR_NOACK}) {
      if (*name != 't' && answer != SSL_TLSEXT_ERR_OK) continue;
      for (int alert : {0, SSL_AD_ACCESS_DENIED}) {
        name_answer = answer;
        name_alert = alert;
        Peers peers = make_peers({.server_context = [](SSL_CTX* c) {
          SSL_CTX_set_tlsext_servername_callback(c, server_name);
          SSL_CTX_set_tlsext_servername_arg(c, const_cast<char*>("mine"));
        }});
        out("%s, answer %d, alert %d", name, answer, alert);
        if (*name) SSL_set_tlsext_host_name(peers.client.get(), name);
        link_memory(peers);
        told(peers);
        for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
          const char* known = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
          out("  %s knows %s", SSL_is_server(ssl) ? "server" : "client", known ? known : "none");
        }
      }
    }
  }
}

void server_name_switches_context() {
  static SSL_CTX* other;
  Owned<SSL_CTX> second = new_context();
  use_certificate(second.get(), "server-p256");
  other = second.get();
  Peers peers = make_peers({.server_context = [](SSL_CTX* c) {
    SSL_CTX_set_tlsext_servername_callback(
        c, +[](SSL* ssl, int*, void*) {
          out("  set: %d", SSL_set_SSL_CTX(ssl, other) == other);
          return SSL_TLSEXT_ERR_OK;
        });
  }});
  SSL_set_tlsext_host_name(peers.client.get(), "twin.example");
  link_memory(peers);
  told(peers);
  char name[64] = "";
  X509* certificate = SSL_get0_peer_certificate(peers.client.get());
  if (certificate) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, 64);
  }
  out("%s, context is the other one: %d", name, SSL_get_SSL_CTX(peers.server.get()) == other);
}

void alpn() {
  static int answer;
  static std::string chosen;
  for (int value : {SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_NOACK, SSL_TLSEXT_ERR_ALERT_WARNING,
                    SSL_TLSEXT_ERR_ALERT_FATAL}) {
    answer = value;
    Peers peers =
        make_peers({.client_context =
                        [](SSL_CTX* c) {
                          const unsigned char offer[] = "\2h2\10http/1.1";
                          out("set: %d", SSL_CTX_set_alpn_protos(c, offer, sizeof offer - 1));
                        },
                    .server_context =
                        [](SSL_CTX* c) {
                          SSL_CTX_set_alpn_select_cb(
                              c,
                              [](SSL*, const unsigned char** picked, unsigned char* size,
                                 const unsigned char* offer, unsigned length, void*) {
                                out("  offered %u bytes", length);
                                unsigned char* place = nullptr;
                                static const unsigned char own[] = "\10http/1.1\2h2";
                                int found = SSL_select_next_proto(&place, size, own, sizeof own - 1,
                                                                  offer, length);
                                *picked = place;
                                out("  select_next_proto %d %.*s", found, *size, place);
                                return answer;
                              },
                              nullptr);
                        }});
    link_memory(peers);
    out("answer %d", answer);
    told(peers);
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      const unsigned char* data = nullptr;
      unsigned size = 0;
      SSL_get0_alpn_selected(ssl, &data, &size);
      out("  selected %.*s", static_cast<int>(size),
          size ? reinterpret_cast<const char*>(data) : "");
    }
  }
}

// RFC 7301 3.1: no protocol has an empty name.
void alpn_empty_choice() {
  Peers peers = make_peers({.client_context =
                                [](SSL_CTX* c) {
                                  SSL_CTX_set_alpn_protos(
                                      c, reinterpret_cast<const unsigned char*>("\2h2"), 3);
                                },
                            .server_context =
                                [](SSL_CTX* c) {
                                  SSL_CTX_set_alpn_select_cb(
                                      c,
                                      [](SSL*, const unsigned char** picked, unsigned char* size,
                                         const unsigned char* offer, unsigned, void*) {
                                        *picked = offer;
                                        *size = 0;
                                        return SSL_TLSEXT_ERR_OK;
                                      },
                                      nullptr);
                                }});
  link_memory(peers);
  // The system's queue also says that memory ran out, which it did not.
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  Result result = handshake(peers);
  out("client %d %s, server %d %s", result.client.returned, error_name(result.client.error),
      result.server.returned, error_name(result.server.error));
  out("alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
}

void alpn_settings() {
  Owned<SSL_CTX> context = new_context();
  Owned<SSL> ssl(SSL_new(context.get()));
  auto try_list = [&](const char* list, unsigned size) {
    auto* data = reinterpret_cast<const unsigned char*>(list);
    std::string own = answer(SSL_set_alpn_protos(ssl.get(), data, size));
    out("%u bytes: context %s, connection %s", size,
        answer(SSL_CTX_set_alpn_protos(context.get(), data, size)).c_str(), own.c_str());
  };
  try_list("\2h2", 3);
  try_list("\3h2", 3);
  try_list("\0", 1);
  try_list("\2h2\0", 4);
  try_list("", 0);
}

void alpn_without_callback() {
  Peers peers = make_peers({.client_context = [](SSL_CTX* c) {
    SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>("\2h2"), 3);
  }});
  link_memory(peers);
  told(peers);
}

// Which callback runs first, with a client that offers everything.
void order() {
  Peers peers = make_peers(
      {.client_context =
           [](SSL_CTX* c) {
             SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>("\2h2"), 3);
             SSL_CTX_set_tlsext_status_type(c, TLSEXT_STATUSTYPE_ocsp);
             use_certificate(c, "client-rsa");
             SSL_CTX_set_cert_verify_callback(
                 c,
                 [](X509_STORE_CTX*, void*) {
                   out("  client: verify");
                   return 1;
                 },
                 nullptr);
             SSL_CTX_set_tlsext_status_cb(
                 c, +[](SSL*, void*) {
                   out("  client: status");
                   return 1;
                 });
             SSL_CTX_set_cert_cb(
                 c,
                 [](SSL*, void*) {
                   out("  client: certificate");
                   return 1;
                 },
                 nullptr);
             SSL_CTX_set_keylog_callback(
                 c, [](const SSL*, const char* line) { out("  client: key log %.15s", line); });
           },
       .server_context =
           [](SSL_CTX* c) {
             demand(c);
             SSL_CTX_set_client_hello_cb(
                 c,
                 [](SSL*, int*, void*) {
                   out("  server: hello");
                   return 1;
                 },
                 nullptr);
             SSL_CTX_set_tlsext_servername_callback(
                 c, +[](SSL*, int*, void*) {
                   out("  server: name");
                   return SSL_TLSEXT_ERR_OK;
                 });
             SSL_CTX_set_alpn_select_cb(
                 c,
                 [](SSL*, const unsigned char** picked, unsigned char* size,
                    const unsigned char* offer, unsigned, void*) {
                   out("  server: alpn");
                   *picked = offer + 1;
                   *size = offer[0];
                   return SSL_TLSEXT_ERR_OK;
                 },
                 nullptr);
             SSL_CTX_set_cert_cb(
                 c,
                 [](SSL*, void*) {
                   out("  server: certificate");
                   return 1;
                 },
                 nullptr);
             SSL_CTX_set_tlsext_status_cb(
                 c, +[](SSL*, void*) {
                   out("  server: status");
                   return SSL_TLSEXT_ERR_NOACK;
                 });
             SSL_CTX_set_cert_verify_callback(
                 c,
                 [](X509_STORE_CTX*, void*) {
                   out("  server: verify");
                   return 1;
                 },
                 nullptr);
             SSL_CTX_set_keylog_callback(
                 c, [](const SSL*, const char* line) { out("  server: key log %.15s", line); });
           }});
  SSL_set_tlsext_host_name(peers.client.get(), "twin.example");
  link_memory(peers);
  told(peers);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"client-hello.retry", client_hello_retry},
              {"client-hello.error", client_hello_error},
              {"client-hello.contents", client_hello_contents},
              {"certificate.server-later", server_certificate_later},
              {"certificate.server-chosen", server_certificate_chosen},
              {"certificate.server-refused", server_certificate_refused},
              {"certificate.client-later", client_certificate_later},
              {"certificate.client-refused", client_certificate_refused},
              {"client_cert_cb", client_cert_cb},
              {"verify.retry", verify_retry},
              {"servername", server_names},
              {"servername.switches-context", server_name_switches_context},
              {"alpn", alpn},
              {"alpn.empty-choice", alpn_empty_choice},
              {"alpn.settings", alpn_settings},
              {"alpn.without-callback", alpn_without_callback},
              {"order", order}},
             argc, argv);
}
