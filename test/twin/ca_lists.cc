// SSL_CTX_set0_CA_list(3), SSL_CTX_set_client_CA_list(3): which list of names is sent, and what the
// peer has of it; names from files, directories and stores.
#include <openssl/x509v3.h>

#include "support/older.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

using Names = STACK_OF(X509_NAME);

std::string said(const Names* names) {
  if (!names) return "null";
  std::string result = text("%d", sk_X509_NAME_num(names));
  for (int i = 0; i < sk_X509_NAME_num(names); i++) {
    char name[64] = "?";
    X509_NAME_get_text_by_NID(sk_X509_NAME_value(names, i), NID_commonName, name, sizeof name);
    result += text(" %s", name);
  }
  return result;
}

Names* list_of(std::initializer_list<const char*> files) {
  Names* names = sk_X509_NAME_new_null();
  for (const char* file : files) {
    sk_X509_NAME_push(names, X509_NAME_dup(X509_get_subject_name(read_certificate(file).get())));
  }
  return names;
}

void show(const char* what, SSL_CTX* context, SSL* ssl) {
  out("  %s: context any %s, client %s | ssl any %s, client %s, peer %s", what,
      said(SSL_CTX_get0_CA_list(context)).c_str(),
      said(SSL_CTX_get_client_CA_list(context)).c_str(), said(SSL_get0_CA_list(ssl)).c_str(),
      said(SSL_get_client_CA_list(ssl)).c_str(), said(SSL_get0_peer_CA_list(ssl)).c_str());
}

// Who sees which list before any handshake, in each role.
void kept() {
  for (auto role : {SSL_set_connect_state, SSL_set_accept_state}) {
    out("%s", role == SSL_set_accept_state ? "server" : "client");
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    Owned<SSL> ssl(SSL_new(context.get()));
    role(ssl.get());
    show("new", context.get(), ssl.get());
    SSL_CTX_set0_CA_list(context.get(), list_of({"root"}));
    show("any of the context", context.get(), ssl.get());
    SSL_CTX_set_client_CA_list(context.get(), list_of({"other-root"}));
    show("client's of the context", context.get(), ssl.get());
    SSL_set0_CA_list(ssl.get(), list_of({"intermediate"}));
    show("any of the ssl", context.get(), ssl.get());
    SSL_set_client_CA_list(ssl.get(), list_of({"root", "intermediate"}));
    show("client's of the ssl", context.get(), ssl.get());
    SSL_set_client_CA_list(ssl.get(), sk_X509_NAME_new_null());
    SSL_set0_CA_list(ssl.get(), sk_X509_NAME_new_null());
    show("empty ones", context.get(), ssl.get());
    SSL_set0_CA_list(ssl.get(), nullptr);
    SSL_set_client_CA_list(ssl.get(), nullptr);
    show("the ssl's gone", context.get(), ssl.get());
    SSL_CTX_set0_CA_list(context.get(), nullptr);
    SSL_CTX_set_client_CA_list(context.get(), nullptr);
    show("all gone", context.get(), ssl.get());
  }
}

void added() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  SSL_set_accept_state(ssl.get());
  Owned<X509> root = read_certificate("root"), other = read_certificate("other-root");
  out("nothing: %s %s %s %s", answer(SSL_CTX_add1_to_CA_list(context.get(), nullptr)).c_str(),
      answer(SSL_add1_to_CA_list(ssl.get(), nullptr)).c_str(),
      answer(SSL_CTX_add_client_CA(context.get(), nullptr)).c_str(),
      answer(SSL_add_client_CA(ssl.get(), nullptr)).c_str());
  show("nothing", context.get(), ssl.get());
  for (int i = 0; i < 2; i++) {
    out("root: %d %d", SSL_CTX_add1_to_CA_list(context.get(), root.get()),
        SSL_CTX_add_client_CA(context.get(), root.get()));
    show("context", context.get(), ssl.get());
    out("other: %d %d", SSL_add1_to_CA_list(ssl.get(), other.get()),
        SSL_add_client_CA(ssl.get(), other.get()));
    show("ssl", context.get(), ssl.get());
  }
  Owned<SSL> later(SSL_new(context.get()));
  SSL_set_accept_state(later.get());
  show("later", context.get(), later.get());
  Owned<SSL> copy(SSL_dup(ssl.get()));
  show("copy", context.get(), copy.get());
}

void copies() {
  Names* none = SSL_dup_CA_list(nullptr);
  out("of nothing %s", said(none).c_str());
  sk_X509_NAME_free(none);
  Names* empty = sk_X509_NAME_new_null();
  Names* copy = SSL_dup_CA_list(empty);
  out("of an empty one %s", said(copy).c_str());
  sk_X509_NAME_free(copy);
  sk_X509_NAME_free(empty);
  Names* two = list_of({"root", "other-root"});
  copy = SSL_dup_CA_list(two);
  out("of two %s, other objects %d", said(copy).c_str(),
      sk_X509_NAME_value(copy, 0) != sk_X509_NAME_value(two, 0));
  sk_X509_NAME_pop_free(two, X509_NAME_free);
  sk_X509_NAME_pop_free(copy, X509_NAME_free);
}

void tell(Peers& peers, const char* title) {
  link_memory(peers);
  out("%s: %s", title, handshake(peers).said().c_str());
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    out("  %s: client %s, peer's %s", SSL_is_server(ssl) ? "server" : "client",
        said(SSL_get_client_CA_list(ssl)).c_str(), said(SSL_get0_peer_CA_list(ssl)).c_str());
  }
}

// The list of the server: which of the two, of the context or of the SSL.
void sent_by_server() {
  for (int version : kVersions) {
    for (int set = 0; set < 16; set++) {
      Peers peers =
          make_peers(at_version(version, {.server_context = [=](SSL_CTX* c) {
                                  SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                                  if (set & 1) SSL_CTX_set0_CA_list(c, list_of({"root"}));
                                  if (set & 2)
                                    SSL_CTX_set_client_CA_list(c, list_of({"other-root"}));
                                }}));
      if (set & 4) SSL_set0_CA_list(peers.server.get(), list_of({"intermediate"}));
      if (set & 8) SSL_set_client_CA_list(peers.server.get(), list_of({"root", "other-root"}));
      tell(peers, text("%s, %d", version_text(version), set).c_str());
    }
  }
}

// The list of the client goes into the hello of TLS 1.3, and is for the callbacks of the server.
void sent_by_client() {
  for (int version : kVersions) {
    for (int set = 0; set < 16; set++) {
      Peers peers =
          make_peers(at_version(version, {.client_context = [=](SSL_CTX* c) {
                                  if (set & 1) SSL_CTX_set0_CA_list(c, list_of({"root"}));
                                  if (set & 2)
                                    SSL_CTX_set_client_CA_list(c, list_of({"other-root"}));
                                }}));
      if (set & 4) SSL_set0_CA_list(peers.client.get(), list_of({"intermediate"}));
      if (set & 8) SSL_set_client_CA_list(peers.client.get(), list_of({"root", "other-root"}));
      tell(peers, text("%s, %d", version_text(version), set).c_str());
    }
  }
}

int see_names(SSL* ssl, void*) {
  out("  certificate callback of the %s: client %s, peer %s",
      SSL_is_server(ssl) ? "server" : "client", said(SSL_get_client_CA_list(ssl)).c_str(),
      said(SSL_get0_peer_CA_list(ssl)).c_str());
  return 1;
}

void seen_in_callbacks() {
  for (int version : kVersions) {
    Peers peers = make_peers(
        at_version(version, {.client_context =
                                 [](SSL_CTX* c) {
                                   SSL_CTX_set0_CA_list(c, list_of({"root"}));
                                   SSL_CTX_set_cert_cb(c, see_names, nullptr);
                                 },
                             .server_context =
                                 [](SSL_CTX* c) {
                                   SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                                   SSL_CTX_set_client_CA_list(c, list_of({"other-root", "root"}));
                                   SSL_CTX_set_cert_cb(c, see_names, nullptr);
                                 }}));
    tell(peers, version_text(version));
  }
}

// A client with a certificate of another issuer sends it all the same, unless flags say no.
void issuers() {
  for (int version : kVersions) {
    for (unsigned flags : {0U, static_cast<unsigned>(SSL_CERT_FLAG_TLS_STRICT)}) {
      for (const char* name : {"root", "other-root"}) {
        Peers peers =
            make_peers(at_version(version, {.client_context =
                                                [=](SSL_CTX* c) {
                                                  SSL_CTX_set_cert_flags(c, flags);
                                                  use_certificate(c, "client-rsa");
                                                },
                                            .server_context =
                                                [=](SSL_CTX* c) {
                                                  SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                                                  SSL_CTX_set_client_CA_list(c, list_of({name}));
                                                }}));
        tell(peers, text("%s, flags %x, %s", version_text(version), flags, name).c_str());
        out("  certificate %d", SSL_get0_peer_certificate(peers.server.get()) != nullptr);
      }
    }
  }
}

void tell_and_free(const char* what, Names* names) {
  out("%s: %s [%s]", what, said(names).c_str(), errors().c_str());
  sk_X509_NAME_pop_free(names, X509_NAME_free);
}

void files() {
  for (const char* name : {"root.pem", "server-chain.pem", "root.key", "no-such-file"}) {
    tell_and_free(name, SSL_load_client_CA_file(fixture(name).c_str()));
    tell_and_free(name, SSL_load_client_CA_file_ex(fixture(name).c_str(), nullptr, nullptr));
  }
  OSSL_LIB_CTX* library = OSSL_LIB_CTX_new();
  tell_and_free("own library context",
                SSL_load_client_CA_file_ex(fixture("root.pem").c_str(), library, ""));
  tell_and_free("unknown property",
                SSL_load_client_CA_file_ex(fixture("root.pem").c_str(), library, "provider=none"));
  OSSL_LIB_CTX_free(library);
}

// Each name once, those that are there included.
void added_from_files() {
  Names* names = list_of({"root"});
  auto show_names = [&](const char* what, int returned) {
    std::string result = answer(returned);
    out("%s: %s, %s", what, result.c_str(), said(names).c_str());
  };
  show_names("root again", SSL_add_file_cert_subjects_to_stack(names, fixture("root.pem").c_str()));
  show_names("chain",
             SSL_add_file_cert_subjects_to_stack(names, fixture("server-chain.pem").c_str()));
  show_names("key", SSL_add_file_cert_subjects_to_stack(names, fixture("root.key").c_str()));
  show_names("missing", SSL_add_file_cert_subjects_to_stack(names, fixture("nothing").c_str()));
  show_names("store",
             SSL_add_store_cert_subjects_to_stack(names, fixture("other-root.pem").c_str()));
  show_names("store again",
             SSL_add_store_cert_subjects_to_stack(names, fixture("other-root.pem").c_str()));
  show_names("no store", SSL_add_store_cert_subjects_to_stack(names, fixture("nothing").c_str()));
  show_names("no directory", SSL_add_dir_cert_subjects_to_stack(names, fixture("nothing").c_str()));
  sk_X509_NAME_pop_free(names, X509_NAME_free);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"kept", kept},
              {"added", added},
              {"copies", copies},
              {"sent_by_server", sent_by_server},
              {"sent_by_client", sent_by_client},
              {"seen_in_callbacks", seen_in_callbacks},
              {"issuers", issuers},
              {"files", files},
              {"added_from_files", added_from_files}},
             argc, argv);
}
