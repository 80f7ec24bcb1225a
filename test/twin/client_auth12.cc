// Certificates of the client below TLS 1.3: what the server asks for, what the client sees of it,
// and what happens without one.
#include "support/older.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION};

std::string names_said(const STACK_OF(X509_NAME) * names) {
  if (!names) return "null";
  std::string result = text("%d", sk_X509_NAME_num(names));
  for (int i = 0; i < sk_X509_NAME_num(names); i++) {
    char line[128];
    result +=
        std::string(", ") + X509_NAME_oneline(sk_X509_NAME_value(names, i), line, sizeof line);
  }
  return result;
}

std::string types_said(SSL* ssl) {
  const unsigned char* types = nullptr;
  size_t size = SSL_get0_certificate_types(ssl, &types);
  std::string result = text("%zu:", size);
  for (size_t i = 0; i < size; i++) result += text(" %d", types[i]);
  return result;
}

std::string subject(X509* certificate) {
  char line[128] = "none";
  return certificate ? X509_NAME_oneline(X509_get_subject_name(certificate), line, sizeof line)
                     : line;
}

void tell_certificates(const Peers& peers) {
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
    out("  %s: own %s, peer %s, chain %d, verify %ld", SSL_is_server(ssl) ? "server" : "client",
        subject(SSL_get_certificate(ssl)).c_str(), subject(SSL_get0_peer_certificate(ssl)).c_str(),
        chain ? sk_X509_num(chain) : -1, SSL_get_verify_result(ssl));
    int hash = 0, type = 0;
    int good = SSL_get_peer_signature_nid(ssl, &hash);
    int typed = SSL_get_peer_signature_type_nid(ssl, &type);
    out("    peer signed: %d %s, %d %s", good, OBJ_nid2sn(hash), typed, OBJ_nid2sn(type));
  }
}

// Every way to ask against a client with and without certificate, at each version.
void modes(const char* certificate) {
  for (int version : kVersions) {
    for (int mode :
         {SSL_VERIFY_NONE, SSL_VERIFY_PEER, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
          SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, SSL_VERIFY_PEER | SSL_VERIFY_POST_HANDSHAKE,
          SSL_VERIFY_FAIL_IF_NO_PEER_CERT}) {
      Peers peers = make_peers(at_version(version, {.client_context =
                                                        [=](SSL_CTX* c) {
                                                          if (certificate)
                                                            use_certificate(c, certificate);
                                                        },
                                                    .server_context =
                                                        [=](SSL_CTX* c) {
                                                          SSL_CTX_set_security_level(c, 0);
                                                          SSL_CTX_set_verify(c, mode, nullptr);
                                                        }}));
      link_memory(peers);
      Result result =
          tell_with_alerts(peers, text("%s, mode %d", version_text(version), mode).c_str());
      if (result.good()) tell_certificates(peers);
    }
  }
}

// The kinds of certificates that the request names, by the server's suites and security level.
void types() {
  for (int version : kVersions) {
    for (const char* suites :
         {"ALL", "kRSA", "aRSA", "aECDSA", "ALL:!aDSS", "ALL:!aRSA", "ECDHE:!aECDSA"}) {
      for (const char* signatures : {"", "RSA+SHA256", "ECDSA+SHA256:ed25519"}) {
        Peers peers = make_peers(at_version(
            version, {.client_context = [](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, "ALL"); },
                      .server_context =
                          [=](SSL_CTX* c) {
                            use_certificate(c, "server-p256");
                            SSL_CTX_set_dh_auto(c, 1);
                            require(SSL_CTX_set_cipher_list(c, suites), suites);
                            SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                            if (*signatures) SSL_CTX_set1_client_sigalgs_list(c, signatures);
                          }}));
        link_memory(peers);
        Result result = handshake(peers);
        out("%s, %s, %s: %s | client sees %s", version_text(version), suites, signatures,
            result.said().c_str(), types_said(peers.client.get()).c_str());
      }
    }
  }
}

// SSL_CTX_set1_client_certificate_types: the request says exactly these.
void chosen_types() {
  for (int version : kVersions) {
    for (std::string chosen : {std::string("\x40"), std::string("\x01"),
                               std::string("\x01\x40\x02"), std::string("\x7f")}) {
      Peers peers = make_peers(at_version(
          version, {.client_context = [](SSL_CTX* c) { use_certificate(c, "client-p256"); },
                    .server_context =
                        [=](SSL_CTX* c) {
                          SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                          require(SSL_CTX_set1_client_certificate_types(
                                      c, reinterpret_cast<const unsigned char*>(chosen.data()),
                                      static_cast<long>(chosen.size())),
                                  "types");
                        }}));
      link_memory(peers);
      Result result = tell_with_alerts(peers, version_text(version));
      out("  client sees %s", types_said(peers.client.get()).c_str());
      if (result.good()) tell_certificates(peers);
    }
  }
}

void names() {
  for (int version : kVersions) {
    for (int count = 0; count <= 2; count++) {
      Peers peers =
          make_peers(at_version(version, {.server_context = [=](SSL_CTX* c) {
                                  SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                                  if (count > 0)
                                    SSL_CTX_add_client_CA(c, read_certificate("root").get());
                                  if (count > 1)
                                    SSL_CTX_add_client_CA(c, read_certificate("other-root").get());
                                }}));
      link_memory(peers);
      std::string before = names_said(SSL_get_client_CA_list(peers.client.get()));
      Result result = handshake(peers);
      out("%s, %d names: %s", version_text(version), count, result.said().c_str());
      out("  client before: %s", before.c_str());
      out("  client: %s | %s", names_said(SSL_get_client_CA_list(peers.client.get())).c_str(),
          names_said(SSL_get0_peer_CA_list(peers.client.get())).c_str());
      out("  server: %s | %s", names_said(SSL_get_client_CA_list(peers.server.get())).c_str(),
          names_said(SSL_get0_peer_CA_list(peers.server.get())).c_str());
      out("  own: %s | %s", names_said(SSL_get0_CA_list(peers.client.get())).c_str(),
          names_said(SSL_get0_CA_list(peers.server.get())).c_str());
    }
  }
}

// A client says nothing of its own CA list below 1.3, and so it does when 1.2 is negotiated.
void names_of_the_client() {
  Peers peers = make_peers(
      at_version(TLS1_2_VERSION, {.client_context = [](SSL_CTX* c) {
                   SSL_CTX_set0_CA_list(c, SSL_load_client_CA_file(fixture("root.pem").c_str()));
                 }}));
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
  out("server: %s", names_said(SSL_get0_peer_CA_list(peers.server.get())).c_str());
}

// client_cert_cb: none, a certificate, a pause, a failure.
void client_certificate_callback() {
  for (int answers : {0, 1, -1}) {
    for (int version : kVersions) {
      static int answer, calls;
      answer = answers;
      calls = 0;
      Peers peers = make_peers(at_version(
          version,
          {.client_context =
               [](SSL_CTX* c) {
                 SSL_CTX_set_client_cert_cb(c, [](SSL* ssl, X509** certificate, EVP_PKEY** key) {
                   out("  called: %s, types %s, names %s", state_line(ssl).c_str(),
                       types_said(ssl).c_str(), names_said(SSL_get_client_CA_list(ssl)).c_str());
                   if (answer < 0 && calls++ < 2) return -1;
                   if (answer == 0) return 0;
                   *certificate = read_certificate("client-rsa").release();
                   *key = read_key("client-rsa").release();
                   return 1;
                 });
               },
           .server_context = [](SSL_CTX* c) { SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr); }}));
      link_memory(peers);
      out("%s, answer %d:", version_text(version), answers);
      Result result = handshake(peers);
      for (int i = 0; i < 3 && result.client.error == SSL_ERROR_WANT_X509_LOOKUP; i++) {
        out("  %s", result.said().c_str());
        result = handshake(peers);
      }
      out("  %s", result.said().c_str());
      if (result.good()) tell_certificates(peers);
    }
  }
}

// SSL_set_cert_cb on both sides: called once a handshake, may pause and may fail.
void certificate_callbacks() {
  for (bool on_client : {true, false}) {
    for (int answers : {1, 0, -1}) {
      static int answer, calls;
      answer = answers;
      calls = 0;
      auto callback = [](SSL* ssl, void*) {
        out("  called: %s", state_line(ssl).c_str());
        return answer < 0 && calls++ < 2 ? -1 : answer < 0 ? 1 : answer;
      };
      Peers peers = make_peers(at_version(
          TLS1_2_VERSION,
          {.client_context = [](SSL_CTX* c) { use_certificate(c, "client-rsa"); },
           .server_context = [](SSL_CTX* c) { SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr); }}));
      SSL_set_cert_cb(on_client ? peers.client.get() : peers.server.get(), callback, nullptr);
      link_memory(peers);
      out("%s, answer %d:", on_client ? "client" : "server", answers);
      Result result = handshake(peers);
      for (int i = 0; i < 3 && (result.client.error == SSL_ERROR_WANT_X509_LOOKUP ||
                                result.server.error == SSL_ERROR_WANT_X509_LOOKUP);
           i++) {
        out("  %s", result.said().c_str());
        result = handshake(peers);
      }
      out("  %s", result.said().c_str());
    }
  }
}

// What the server's verification refuses, and the alert for it.
void refused() {
  for (int version : kVersions) {
    for (const char* name : {"client-stranger", "server-purpose", "server-expired", "server-rsa",
                             "server-self-signed", "server-rsa1024"}) {
      Peers peers = make_peers(at_version(
          version,
          {.client_context =
               [=](SSL_CTX* c) {
                 SSL_CTX_set_security_level(c, 0);
                 use_certificate(c, name);
               },
           .server_context = [](SSL_CTX* c) { SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr); }}));
      link_memory(peers);
      tell_with_alerts(peers, text("%s, %s", version_text(version), name).c_str());
      out("  verify %ld", SSL_get_verify_result(peers.server.get()));
    }
  }
}

// What the client's verification refuses.
void server_refused() {
  for (int version : kVersions) {
    for (const char* name : {"server-self-signed", "server-expired", "server-future",
                             "server-purpose", "server-stranger", "server-rsa1024"}) {
      Peers peers =
          make_peers(at_version(version, {.certificate = "", .server_context = [=](SSL_CTX* c) {
                                            SSL_CTX_set_security_level(c, 0);
                                            use_certificate(c, name);
                                          }}));
      link_memory(peers);
      tell_with_alerts(peers, text("%s, %s", version_text(version), name).c_str());
      out("  verify %ld", SSL_get_verify_result(peers.client.get()));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"modes.none", [] { modes(nullptr); }},
              {"modes.rsa", [] { modes("client-rsa"); }},
              {"modes.p256", [] { modes("client-p256"); }},
              {"modes.ed25519", [] { modes("client-ed25519"); }},
              {"types", types},
              {"chosen-types", chosen_types},
              {"names", names},
              {"names-of-the-client", names_of_the_client},
              {"client-certificate-callback", client_certificate_callback},
              {"certificate-callbacks", certificate_callbacks},
              {"refused", refused},
              {"server-refused", server_refused}},
             argc, argv);
}
