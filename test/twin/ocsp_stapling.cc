// SSL_CTX_set_tlsext_status_cb(3): what client and server can set and see of the status request, at
// TLS 1.2 and 1.3, with every answer of both callbacks.
#include <openssl/ocsp.h>

#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

struct Plan {
  int server_answer = SSL_TLSEXT_ERR_OK, client_answer = 1;
  long length = 5;  ///< of the response; -1: the server sets none
};
Plan plan;

void see(SSL* ssl, const char* who) {
  STACK_OF(OCSP_RESPID)* ids = nullptr;
  X509_EXTENSIONS* extensions = nullptr;
  long of_ids = SSL_get_tlsext_status_ids(ssl, &ids);
  long of_extensions = SSL_get_tlsext_status_exts(ssl, &extensions);
  const unsigned char* response = nullptr;
  long length = SSL_get_tlsext_status_ocsp_resp(ssl, &response);
  out("  %s: type %ld, ids %ld %d, extensions %ld %d, response %ld %d, state %s", who,
      SSL_get_tlsext_status_type(ssl), of_ids, sk_OCSP_RESPID_num(ids), of_extensions,
      sk_X509_EXTENSION_num(extensions), length, response != nullptr, SSL_state_string_long(ssl));
}

int of_server(SSL* ssl, void* argument) {
  see(ssl, static_cast<const char*>(argument));
  if (plan.length >= 0) {
    auto* response =
        static_cast<unsigned char*>(OPENSSL_zalloc(static_cast<size_t>(plan.length) + 1));
    out("    set %ld", SSL_set_tlsext_status_ocsp_resp(ssl, response, plan.length));
  }
  return plan.server_answer;
}

int of_client(SSL* ssl, void* argument) {
  see(ssl, static_cast<const char*>(argument));
  return plan.client_answer;
}

void configure(SSL_CTX* c, int (*callback)(SSL*, void*), const char* argument) {
  SSL_CTX_set_tlsext_status_cb(c, callback);
  SSL_CTX_set_tlsext_status_arg(c, const_cast<char*>(argument));
}

Setup stapling() {
  return {.client_context = [](SSL_CTX* c) { configure(c, of_client, "client"); },
          .server_context = [](SSL_CTX* c) { configure(c, of_server, "server"); }};
}

void told(Peers& peers, const char* title) {
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  link_memory(peers);
  Result result = handshake(peers);
  out("%s: %s", title, result.said().c_str());
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    see(ssl, "afterwards");
    SSL_set_info_callback(ssl, nullptr);
  }
}

// Who answers what, with and without a response, asked or not.
void answers() {
  for (int version : kVersions) {
    for (int server : {SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_NOACK, SSL_TLSEXT_ERR_ALERT_WARNING,
                       SSL_TLSEXT_ERR_ALERT_FATAL, -1}) {
      for (int client : {1, 0, -1, 2}) {
        for (long length : {5L, -1L}) {
          plan = {server, client, length};
          Peers peers = make_peers(at_version(version, stapling()));
          SSL_set_tlsext_status_type(peers.client.get(), TLSEXT_STATUSTYPE_ocsp);
          told(peers, text("%s, server %d, client %d, length %ld", version_text(version), server,
                           client, length)
                          .c_str());
        }
      }
    }
  }
}

void types() {
  for (int version : kVersions) {
    for (int type : {-1, 0, TLSEXT_STATUSTYPE_ocsp, 2, 255}) {
      for (bool of_context : {true, false}) {
        plan = {};
        Setup setup = stapling();
        setup.client_context = [=](SSL_CTX* c) {
          configure(c, of_client, "client");
          if (of_context) out("set %ld", SSL_CTX_set_tlsext_status_type(c, type));
        };
        Peers peers = make_peers(at_version(version, setup));
        if (!of_context) out("set %ld", SSL_set_tlsext_status_type(peers.client.get(), type));
        told(peers, text("%s, type %d", version_text(version), type).c_str());
        out("  context's type %ld", SSL_CTX_get_tlsext_status_type(peers.client_context.get()));
      }
    }
  }
}

OCSP_RESPID* by_name(const char* certificate) {
  OCSP_RESPID* id = OCSP_RESPID_new();
  OCSP_RESPID_set_by_name(id, read_certificate(certificate).get());
  return id;
}

OCSP_RESPID* by_key(const char* certificate) {
  OCSP_RESPID* id = OCSP_RESPID_new();
  OCSP_RESPID_set_by_key(id, read_certificate(certificate).get());
  return id;
}

X509_EXTENSIONS* nonce() {
  X509_EXTENSIONS* extensions = sk_X509_EXTENSION_new_null();
  ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(value, reinterpret_cast<const unsigned char*>("\4\3abc"), 5);
  sk_X509_EXTENSION_push(extensions,
                         X509_EXTENSION_create_by_NID(nullptr, NID_id_pkix_OCSP_Nonce, 0, value));
  ASN1_OCTET_STRING_free(value);
  return extensions;
}

// SSL_set_tlsext_status_ids, SSL_set_tlsext_status_exts: the server's callback sees them.
void ids_and_extensions() {
  for (int version : kVersions) {
    for (int kind = 0; kind < 8; kind++) {
      plan = {};
      Peers peers = make_peers(at_version(version, stapling()));
      SSL* client = peers.client.get();
      SSL_set_tlsext_status_type(client, TLSEXT_STATUSTYPE_ocsp);
      if (kind & 1) {
        STACK_OF(OCSP_RESPID)* ids = sk_OCSP_RESPID_new_null();
        sk_OCSP_RESPID_push(ids, by_name("root"));
        sk_OCSP_RESPID_push(ids, by_key("intermediate"));
        out("ids %ld", SSL_set_tlsext_status_ids(client, ids));
      }
      if (kind & 2) out("extensions %ld", SSL_set_tlsext_status_exts(client, nonce()));
      if (kind & 4) out("empty ids %ld", SSL_set_tlsext_status_ids(client, nullptr));
      told(peers, text("%s, kind %d", version_text(version), kind).c_str());
    }
  }
}

// Without one of the callbacks.
void one_callback() {
  for (int version : kVersions) {
    for (bool client : {true, false}) {
      plan = {};
      Setup setup = stapling();
      (client ? setup.server_context : setup.client_context) = nullptr;
      Peers peers = make_peers(at_version(version, setup));
      SSL_set_tlsext_status_type(peers.client.get(), TLSEXT_STATUSTYPE_ocsp);
      told(peers, text("%s, client's %d", version_text(version), client).c_str());
    }
  }
}

// A response that was set before the handshake needs no callback to set it, but one to say so.
void set_before() {
  for (int version : kVersions) {
    for (bool callback : {true, false}) {
      plan = {.length = -1};
      Setup setup = stapling();
      if (!callback) setup.server_context = nullptr;
      Peers peers = make_peers(at_version(version, setup));
      SSL_set_tlsext_status_type(peers.client.get(), TLSEXT_STATUSTYPE_ocsp);
      auto* response = static_cast<unsigned char*>(OPENSSL_memdup("early", 5));
      out("set %ld", SSL_set_tlsext_status_ocsp_resp(peers.server.get(), response, 5));
      told(peers, text("%s, callback %d", version_text(version), callback).c_str());
    }
  }
}

// RFC 6066 section 8: a server that resumes need not send a status.
void resumed() {
  for (By by : {By::id, By::ticket}) {
    plan = {};
    Peers peers = resumable_peers(TLS1_2_VERSION, by, stapling());
    SSL_set_tlsext_status_type(peers.client.get(), TLSEXT_STATUSTYPE_ocsp);
    told(peers, "first");
    renew_with_session(peers);
    SSL_set_tlsext_status_type(peers.client.get(), TLSEXT_STATUSTYPE_ocsp);
    told(peers, "resumed");
  }
}

// A large response takes several records.
void large() {
  for (int version : kVersions) {
    for (long length : {20000L, 70000L}) {
      plan = {.length = length};
      Peers peers = make_peers(at_version(version, stapling()));
      SSL_set_tlsext_status_type(peers.client.get(), TLSEXT_STATUSTYPE_ocsp);
      told(peers, text("%s, %ld bytes", version_text(version), length).c_str());
    }
  }
}

void callbacks_kept() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  int (*callback)(SSL*, void*) = nullptr;
  void* argument = nullptr;
  out("none: %ld %d, %ld %d", SSL_CTX_get_tlsext_status_cb(context.get(), &callback),
      callback != nullptr, SSL_CTX_get_tlsext_status_arg(context.get(), &argument),
      argument != nullptr);
  configure(context.get(), of_client, "client");
  out("set: %ld %d, %ld %d", SSL_CTX_get_tlsext_status_cb(context.get(), &callback),
      callback == of_client, SSL_CTX_get_tlsext_status_arg(context.get(), &argument),
      argument != nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"answers", answers},
              {"types", types},
              {"ids_and_extensions", ids_and_extensions},
              {"one_callback", one_callback},
              {"set_before", set_before},
              {"resumed", resumed},
              {"large", large},
              {"callbacks_kept", callbacks_kept}},
             argc, argv);
}
