// SSL_CTX_set_security_callback(3): which questions are asked, with what, and what a no does.
#include "support/dtls_time.h"

#include <map>
#include <set>

namespace {
using namespace twin;

const char* operation_name(int operation) {
  switch (operation & ~SSL_SECOP_PEER) {
    case SSL_SECOP_CIPHER_SUPPORTED:
      return "cipher supported";
    case SSL_SECOP_CIPHER_SHARED:
      return "cipher shared";
    case SSL_SECOP_CIPHER_CHECK:
      return "cipher check";
    case SSL_SECOP_CURVE_SUPPORTED:
      return "curve supported";
    case SSL_SECOP_CURVE_SHARED:
      return "curve shared";
    case SSL_SECOP_CURVE_CHECK:
      return "curve check";
    case SSL_SECOP_TMP_DH:
      return "temporary DH";
    case SSL_SECOP_VERSION:
      return "version";
    case SSL_SECOP_TICKET:
      return "ticket";
    case SSL_SECOP_SIGALG_SUPPORTED:
      return "signature supported";
    case SSL_SECOP_SIGALG_SHARED:
      return "signature shared";
    case SSL_SECOP_SIGALG_CHECK:
      return "signature check";
    case SSL_SECOP_SIGALG_MASK:
      return "signature mask";
    case SSL_SECOP_COMPRESSION:
      return "compression";
    case SSL_SECOP_EE_KEY:
      return "key of the leaf";
    case SSL_SECOP_CA_KEY:
      return "key of a CA";
    case SSL_SECOP_CA_MD:
      return "digest of a CA";
    default:
      return "?";
  }
}

/// What the `other` argument is, as far as the manual page tells.
std::string other_of(int operation, void* other) {
  if (!other) return "nothing";
  switch (operation & SSL_SECOP_OTHER_TYPE) {
    case SSL_SECOP_OTHER_CIPHER:
      return SSL_CIPHER_get_name(static_cast<const SSL_CIPHER*>(other));
    case SSL_SECOP_OTHER_CURVE:
    case SSL_SECOP_OTHER_SIGALG: {
      auto* bytes = static_cast<const unsigned char*>(other);
      return text("%02x%02x", bytes[0], bytes[1]);
    }
    case SSL_SECOP_OTHER_CERT: {
      char name[64] = "?";
      X509_NAME_get_text_by_NID(X509_get_subject_name(static_cast<X509*>(other)), NID_commonName,
                                name, sizeof name);
      return name;
    }
    default:
      return "something";
  }
}

std::set<std::string> questions;
int refused = -1, refused_nid = -1;

int on_question(const SSL* ssl, const SSL_CTX* context, int operation, int bits, int nid,
                void* other, void* side) {
  questions.insert(text("%s: %s%s, bits %d, nid %d, %s, ssl %d, context %d",
                        static_cast<const char*>(side), operation_name(operation),
                        operation & SSL_SECOP_PEER ? " of the peer" : "", bits, nid,
                        other_of(operation, other).c_str(), ssl != nullptr, context != nullptr));
  bool no = (operation & ~SSL_SECOP_PEER) == refused && (refused_nid < 0 || refused_nid == nid);
  return no ? 0 : 1;
}

void ask(SSL_CTX* c, const char* side) {
  SSL_CTX_set0_security_ex_data(c, const_cast<char*>(side));
  SSL_CTX_set_security_callback(c, on_question);
}

void few(SSL_CTX* c) {
  SSL_CTX_set_cipher_list(c,
                          "ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-SHA256:DHE-RSA-AES128-SHA");
  SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set1_groups_list(c, "X25519:P-256");
  SSL_CTX_set1_sigalgs_list(c, "RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA256");
  SSL_CTX_set_dh_auto(c, 1);
}

Setup asking(bool client) {
  Setup setup;
  setup.certificate = "server-chain";
  setup.client_context = [=](SSL_CTX* c) {
    few(c);
    use_certificate(c, "client-rsa");
    if (client) ask(c, "client");
  };
  setup.server_context = [=](SSL_CTX* c) {
    few(c);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
    if (!client) ask(c, "server");
  };
  return setup;
}

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION, DTLS1_VERSION, DTLS1_2_VERSION};

void link(Peers& peers, Net& net) {
  if (SSL_is_dtls(peers.client.get())) {
    link_datagrams(peers, net);
  } else {
    link_memory(peers);
  }
}

// The set of questions; how often and in which order they come is nobody's promise.
void all_asked() {
  for (int version : kVersions) {
    for (bool client : {true, false}) {
      questions.clear();
      refused = -1;
      Net net;
      Peers peers = make_peers(at_version(version, asking(client)));
      link(peers, net);
      out("%s, %s", version_text(version), handshake(peers).said().c_str());
      for (const std::string& question : questions) out("  %s", question.c_str());
    }
  }
}

void settings_asked() {
  questions.clear();
  refused = -1;
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  ask(context.get(), "context");
  use_certificate(context.get(), "server-chain");
  SSL_CTX_add1_chain_cert(context.get(), read_certificate("root").get());
  trust(context.get());
  SSL_CTX_build_cert_chain(context.get(), SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR);
  few(context.get());
  Owned<SSL> ssl(SSL_new(context.get()));
  SSL_use_certificate(ssl.get(), read_certificate("server-p256").get());
  STACK_OF(SSL_CIPHER)* supported = SSL_get1_supported_ciphers(ssl.get());
  out("supported %d", sk_SSL_CIPHER_num(supported));
  sk_SSL_CIPHER_free(supported);
  for (const std::string& question : questions) out("  %s", question.c_str());
  errors();
}

constexpr int kOperations[] = {
    SSL_SECOP_CIPHER_SUPPORTED, SSL_SECOP_CIPHER_SHARED, SSL_SECOP_CIPHER_CHECK,
    SSL_SECOP_CURVE_SUPPORTED,  SSL_SECOP_CURVE_SHARED,  SSL_SECOP_CURVE_CHECK,
    SSL_SECOP_TMP_DH,           SSL_SECOP_VERSION,       SSL_SECOP_TICKET,
    SSL_SECOP_SIGALG_SUPPORTED, SSL_SECOP_SIGALG_SHARED, SSL_SECOP_SIGALG_CHECK,
    SSL_SECOP_SIGALG_MASK,      SSL_SECOP_COMPRESSION,   SSL_SECOP_EE_KEY,
    SSL_SECOP_CA_KEY,           SSL_SECOP_CA_MD};

/// The system's library adds an entry to the one that says it all.
std::string first_reasons(std::string said) {
  const std::string more = "no suitable signature algorithm, SSL routines/internal error";
  size_t found = said.find(more);
  if (found != std::string::npos) said.erase(said.find(',', found), more.size() - more.find(','));
  return said;
}

// One operation refused: how the handshake ends.
void refusals(bool client) {
  for (int version : kVersions) {
    for (int operation : kOperations) {
      refused = -1;
      Net net;
      Peers peers = make_peers(at_version(version, asking(client)));
      refused = operation;
      Alerts of_client, of_server;
      of_client.watch(peers.client.get());
      of_server.watch(peers.server.get());
      link(peers, net);
      out("%s, %s refused: %s", version_text(version), operation_name(operation),
          first_reasons(handshake(peers).said()).c_str());
      out("  alerts: client %s | server %s", of_client.text_or_none(), of_server.text_or_none());
      errors();
    }
  }
  refused = -1;
}

void client_refuses() {
  refusals(true);
}
void server_refuses() {
  refusals(false);
}

// Only one group, or scheme, is refused: the next one serves.
void some_refused() {
  const std::pair<int, int> kSome[] = {
      {SSL_SECOP_CURVE_SUPPORTED, NID_X25519},       {SSL_SECOP_CURVE_SHARED, NID_X25519},
      {SSL_SECOP_CURVE_CHECK, NID_X9_62_prime256v1}, {SSL_SECOP_SIGALG_SUPPORTED, NID_sha256},
      {SSL_SECOP_VERSION, TLS1_3_VERSION},           {SSL_SECOP_VERSION, TLS1_2_VERSION}};
  for (bool client : {true, false}) {
    for (const auto& [operation, nid] : kSome) {
      refused = -1;
      Peers peers = make_peers({.certificate = "server-rsa",
                                .client_context =
                                    [=](SSL_CTX* c) {
                                      set_versions(c, TLS1_2_VERSION, TLS1_3_VERSION);
                                      if (client) ask(c, "client");
                                    },
                                .server_context =
                                    [=](SSL_CTX* c) {
                                      set_versions(c, TLS1_2_VERSION, TLS1_3_VERSION);
                                      if (!client) ask(c, "server");
                                    }});
      refused = operation;
      refused_nid = nid;
      link_memory(peers);
      out("client %d, %s %d: %s", client, operation_name(operation), nid,
          handshake(peers).said().c_str());
      out("  %s, group %ld", SSL_get_version(peers.client.get()),
          SSL_get_session(peers.client.get())
              ? static_cast<long>(SSL_get_negotiated_group(peers.client.get()))
              : -1L);
      errors();
    }
  }
  refused = refused_nid = -1;
}

// Settings that are refused at once.
void settings_refused() {
  for (int operation : {SSL_SECOP_EE_KEY, SSL_SECOP_CA_KEY, SSL_SECOP_CA_MD, SSL_SECOP_TMP_DH}) {
    refused = -1;
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    ask(context.get(), "context");
    refused = operation;
    Owned<X509> leaf = read_certificate("server-chain"), issuer = read_certificate("intermediate");
    Owned<EVP_PKEY> key = read_key("server-chain");
    out("%s: certificate %s", operation_name(operation),
        answer(SSL_CTX_use_certificate(context.get(), leaf.get())).c_str());
    out("  key %s", answer(SSL_CTX_use_PrivateKey(context.get(), key.get())).c_str());
    out("  chain %s", answer(SSL_CTX_add1_chain_cert(context.get(), issuer.get())).c_str());
    out("  both %s",
        answer(SSL_CTX_use_cert_and_key(context.get(), leaf.get(), key.get(), nullptr, 1)).c_str());
    out("  file %s", answer(SSL_CTX_use_certificate_chain_file(context.get(),
                                                               fixture("server-chain.pem").c_str()))
                         .c_str());
  }
  refused = -1;
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"asked", all_asked},
              {"settings_asked", settings_asked},
              {"client_refuses", client_refuses},
              {"server_refuses", server_refuses},
              {"some_refused", some_refused},
              {"settings_refused", settings_refused}},
             argc, argv);
}
