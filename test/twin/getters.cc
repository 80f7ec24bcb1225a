// Everything that can be asked of an SSL: new, with a role, in the middle of a handshake,
// connected, resumed, failed, closed and cleared, at each version and on both sides.
#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};

const char* or_none(const char* text) {
  return text ? text : "none";
}

void print_state(SSL* s) {
  out("    state %d %s, in init %d, before %d, finished %d, %s, rstate %s %s", SSL_get_state(s),
      SSL_state_string(s), SSL_in_init(s), SSL_in_before(s), SSL_is_init_finished(s),
      SSL_state_string_long(s), SSL_rstate_string(s), SSL_rstate_string_long(s));
  out("    server %d, dtls %d, version %04x %s, client's %04x, want %d, shutdown %d, pending %d %d",
      SSL_is_server(s), SSL_is_dtls(s), static_cast<unsigned>(SSL_version(s)), SSL_get_version(s),
      static_cast<unsigned>(SSL_client_version(s)), SSL_want(s), SSL_get_shutdown(s),
      SSL_pending(s), SSL_has_pending(s));
  out("    renegotiation %d, %ld, %ld, secure %ld, key update %d, early data %d",
      SSL_renegotiate_pending(s), SSL_num_renegotiations(s), SSL_total_renegotiations(s),
      SSL_get_secure_renegotiation_support(s), SSL_get_key_update_type(s),
      SSL_get_early_data_status(s));
}

void print_ciphers(SSL* s) {
  char shared[64] = "untouched";
  const char* list = SSL_get_shared_ciphers(s, shared, sizeof shared);
  STACK_OF(SSL_CIPHER)* supported = SSL_get1_supported_ciphers(s);
  out("    cipher %s, bits %d, version %s, pending %s, list %d %s %s, client's %d, shared %s, "
      "supported %d",
      SSL_get_cipher_name(s), SSL_get_cipher_bits(s, nullptr), SSL_get_cipher_version(s),
      SSL_get_pending_cipher(s) ? SSL_CIPHER_get_name(SSL_get_pending_cipher(s)) : "none",
      sk_SSL_CIPHER_num(SSL_get_ciphers(s)), or_none(SSL_get_cipher_list(s, 0)),
      or_none(SSL_get_cipher_list(s, 1000)), sk_SSL_CIPHER_num(SSL_get_client_ciphers(s)),
      or_none(list), sk_SSL_CIPHER_num(supported));
  sk_SSL_CIPHER_free(supported);
  out("    compression %d, expansion %d", SSL_get_current_compression(s) != nullptr,
      SSL_get_current_expansion(s) != nullptr);
}

void print_peer(SSL* s) {
  X509* certificate = SSL_get0_peer_certificate(s);
  Owned<X509> counted(SSL_get1_peer_certificate(s));
  const unsigned char* types = nullptr;
  int hash = 0, type = 0, own_hash = 0, own_type = 0;
  int peer = SSL_get_peer_signature_nid(s, &hash);
  int peer_type = SSL_get_peer_signature_type_nid(s, &type);
  int own = SSL_get_signature_nid(s, &own_hash);
  int own_kind = SSL_get_signature_type_nid(s, &own_type);
  out("    own certificate %d, key %d, peer %d %d, chain %d, verified %d, verify %s, name %s",
      SSL_get_certificate(s) != nullptr, SSL_get_privatekey(s) != nullptr, certificate != nullptr,
      counted != nullptr, sk_X509_num(SSL_get_peer_cert_chain(s)),
      sk_X509_num(SSL_get0_verified_chain(s)),
      X509_verify_cert_error_string(SSL_get_verify_result(s)), or_none(SSL_get0_peername(s)));
  out("    signatures: peer's %d %d, %d %d, own %d %d, %d %d, types %zu, names %d %d", peer,
      peer ? hash : 0, peer_type, peer_type ? type : 0, own, own ? own_hash : 0, own_kind,
      own_kind ? own_type : 0, SSL_get0_certificate_types(s, &types),
      sk_X509_NAME_num(SSL_get0_peer_CA_list(s)), sk_X509_NAME_num(SSL_get_client_CA_list(s)));
  out("    sigalgs %d, shared %d",
      SSL_get_sigalgs(s, -1, nullptr, nullptr, nullptr, nullptr, nullptr),
      SSL_get_shared_sigalgs(s, -1, nullptr, nullptr, nullptr, nullptr, nullptr));
}

void print_keys(SSL* s) {
  EVP_PKEY *peer = nullptr, *own = nullptr;
  long got = SSL_get_peer_tmp_key(s, &peer), got_own = SSL_get_tmp_key(s, &own);
  int groups[64];
  // The system's library asks the session without looking whether there is one.
  bool begun = SSL_get_session(s) != nullptr;
  out("    temporary keys %ld %s, %ld %s, groups %ld, shared %ld, group %ld, EMS %ld", got,
      got ? EVP_PKEY_get0_type_name(peer) : "none", got_own,
      got_own ? EVP_PKEY_get0_type_name(own) : "none",
      begun ? static_cast<long>(SSL_get1_groups(s, groups)) : -1,
      static_cast<long>(SSL_get_shared_group(s, -1)),
      begun ? static_cast<long>(SSL_get_negotiated_group(s)) : -1,
      begun ? SSL_get_extms_support(s) : -1);
  EVP_PKEY_free(peer);
  EVP_PKEY_free(own);
  unsigned char buffer[64];
  std::string zero(32, 0);
  size_t client = SSL_get_client_random(s, buffer, sizeof buffer);
  bool client_zero = std::memcmp(buffer, zero.data(), 32) == 0;
  size_t server = SSL_get_server_random(s, buffer, sizeof buffer);
  out("    randoms %zu, %zu, zero %d %d, sizes %zu %zu, finished %zu %zu", client, server,
      client_zero, std::memcmp(buffer, zero.data(), 32) == 0, SSL_get_client_random(s, nullptr, 0),
      SSL_get_server_random(s, nullptr, 0), SSL_get_finished(s, buffer, sizeof buffer),
      SSL_get_peer_finished(s, buffer, sizeof buffer));
  ERR_clear_error();
  int exported = SSL_export_keying_material(s, buffer, 16, "EXPERIMENTAL-x", 14, nullptr, 0, 0);
  out("    exported %s", answer(exported).c_str());
}

void print_extensions(SSL* s) {
  const unsigned char *alpn = nullptr, *npn = nullptr, *response = nullptr;
  unsigned alpn_size = 99, npn_size = 99;
  SSL_get0_alpn_selected(s, &alpn, &alpn_size);
  SSL_get0_next_proto_negotiated(s, &npn, &npn_size);
  out("    name %s %d, alpn %u, npn %u, status %ld %ld, psk %s %s, srp %s %s",
      or_none(SSL_get_servername(s, TLSEXT_NAMETYPE_host_name)), SSL_get_servername_type(s),
      alpn_size, npn_size, SSL_get_tlsext_status_type(s),
      SSL_get_tlsext_status_ocsp_resp(s, &response), or_none(SSL_get_psk_identity(s)),
      or_none(SSL_get_psk_identity_hint(s)), or_none(SSL_get_srp_username(s)),
      or_none(SSL_get_srp_userinfo(s)));
}

void print_session(SSL* s) {
  SSL_SESSION* session = SSL_get_session(s);
  unsigned length = 0;
  if (session) SSL_SESSION_get_id(session, &length);
  out("    session %d, reused %d, id %d, resumable %d, ticket %d, protocol %04x, timeout %ld",
      session != nullptr, SSL_session_reused(s), length != 0,
      session ? SSL_SESSION_is_resumable(session) : -1,
      session ? SSL_SESSION_has_ticket(session) : -1,
      session ? static_cast<unsigned>(SSL_SESSION_get_protocol_version(session)) : 0U,
      SSL_get_default_timeout(s));
}

void print(const char* what, SSL* s) {
  out("  %s", what);
  print_state(s);
  print_ciphers(s);
  print_peer(s);
  print_keys(s);
  print_extensions(s);
  print_session(s);
  std::string left = errors();
  if (!left.empty()) out("    left [%s]", left.c_str());
}

void print_both(const char* what, Peers& peers) {
  print(text("client, %s", what).c_str(), peers.client.get());
  print(text("server, %s", what).c_str(), peers.server.get());
}

void fresh() {
  for (const SSL_METHOD* method : {TLS_method(), TLS_client_method(), TLS_server_method(),
                                   TLSv1_2_method(), TLSv1_1_client_method()}) {
    Owned<SSL_CTX> context(SSL_CTX_new(method));
    Owned<SSL> ssl(SSL_new(context.get()));
    print("new", ssl.get());
    SSL_set_connect_state(ssl.get());
    print("client", ssl.get());
    SSL_set_accept_state(ssl.get());
    print("server", ssl.get());
  }
}

Peers peers_at(int version) {
  return make_peers(at_version(
      version, {.client_context =
                    [](SSL_CTX* c) {
                      use_certificate(c, "client-rsa");
                      SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>("\2h2"), 3);
                    },
                .server_context =
                    [](SSL_CTX* c) {
                      SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                      SSL_CTX_add_client_CA(c, read_certificate("root").get());
                    },
                .client = [](SSL* s) { SSL_set_tlsext_host_name(s, "twin.example"); }}));
}

// After each call of a handshake.
void in_steps(int version) {
  Peers peers = peers_at(version);
  link_memory(peers);
  int count = 0;
  Result result = handshake(peers, [&](const Side& side) {
    print(text("%s after call %d", SSL_is_server(side.ssl) ? "server" : "client", ++count).c_str(),
          side.ssl);
  });
  out("%s", result.said().c_str());
  out("%s", transfer(peers.client.get(), peers.server.get(), "hello").c_str());
  print_both("connected", peers);
  SSL_shutdown(peers.client.get());
  SSL_shutdown(peers.server.get());
  print_both("half closed", peers);
  SSL_shutdown(peers.client.get());
  SSL_shutdown(peers.server.get());
  print_both("closed", peers);
  SSL_clear(peers.client.get());
  SSL_clear(peers.server.get());
  // What the connection before has left elsewhere is not looked at.
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    out("  cleared");
    print_session(ssl);
    SSL_set_session(ssl, nullptr);
    print_ciphers(ssl);
  }
}

void steps_of_tls10() {
  in_steps(TLS1_VERSION);
}
void steps_of_tls12() {
  in_steps(TLS1_2_VERSION);
}
void steps_of_tls13() {
  in_steps(TLS1_3_VERSION);
}

void resumed() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    link_memory(peers);
    handshake(peers);
    renew_with_session(peers);
    print("with a session to resume", peers.client.get());
    link_memory(peers);
    out("%s, %s", by_name(by), handshake(peers).said().c_str());
    print_both("resumed", peers);
  }
}

// Failures of either side, at each version.
void failed() {
  for (int version : kVersions) {
    Peers untrusted = make_peers(at_version(version, {.certificate = "server-stranger"}));
    link_memory(untrusted);
    std::string said = handshake(untrusted).said();
    out("%s, not trusted: %s", version_text(version), said.c_str());
    print_both("failed", untrusted);
    Peers strangers =
        make_peers(at_version(version, {.client_context =
                                            [](SSL_CTX* c) {
                                              SSL_CTX_set_cipher_list(c, "AES128-SHA:@SECLEVEL=0");
                                              SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256");
                                            },
                                        .server_context =
                                            [](SSL_CTX* c) {
                                              SSL_CTX_set_cipher_list(c, "AES256-SHA:@SECLEVEL=0");
                                              SSL_CTX_set_ciphersuites(c, "TLS_AES_256_GCM_SHA384");
                                            }}));
    link_memory(strangers);
    said = handshake(strangers).said();
    out("%s, nothing shared: %s", version_text(version), said.c_str());
    print_both("failed", strangers);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"fresh", fresh},
              {"steps_of_tls10", steps_of_tls10},
              {"steps_of_tls12", steps_of_tls12},
              {"steps_of_tls13", steps_of_tls13},
              {"resumed", resumed},
              {"failed", failed}},
             argc, argv);
}
