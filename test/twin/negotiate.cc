// What is negotiated, and how it fails: suites, groups, signatures; exporters, key log, KeyUpdate,
// record padding.
#include "support/loggers.h"

namespace {
using namespace twin;

constexpr const char* kSuites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                   "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256",
                                   "TLS_AES_128_CCM_8_SHA256"};
constexpr const char* kGroups[] = {"X25519", "X448", "P-256", "P-384", "P-521", "ffdhe2048"};
constexpr const char* kSlowGroups[] = {"ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"};
constexpr const char* kCertificates[] = {"server-rsa",  "server-rsa-pss", "server-p256",
                                         "server-p384", "server-p521",    "server-ed25519",
                                         "server-ed448"};

std::string key_said(EVP_PKEY* key) {
  if (!key) return "none";
  std::string line = text("%s %d bits", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
  EVP_PKEY_free(key);
  return line;
}

std::string temporary_keys(SSL* ssl) {
  EVP_PKEY *peer = nullptr, *own = nullptr;
  if (!SSL_get_peer_tmp_key(ssl, &peer)) peer = nullptr;
  if (!SSL_get_tmp_key(ssl, &own)) own = nullptr;
  return "peer's key " + key_said(peer) + ", own " + key_said(own);
}

std::string signatures(SSL* ssl) {
  int peer_hash = 0, peer_type = 0, hash = 0, type = 0;
  int peer = SSL_get_peer_signature_nid(ssl, &peer_hash);
  int peer_key = SSL_get_peer_signature_type_nid(ssl, &peer_type);
  int own = SSL_get_signature_nid(ssl, &hash);
  int own_key = SSL_get_signature_type_nid(ssl, &type);
  return text("peer's signature %d %s %d %s, own %d %s %d %s", peer, OBJ_nid2sn(peer_hash),
              peer_key, OBJ_nid2sn(peer_type), own, OBJ_nid2sn(hash), own_key, OBJ_nid2sn(type));
}

void negotiated(SSL* ssl) {
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
  int group = static_cast<int>(SSL_get_negotiated_group(ssl));
  const char* name = SSL_group_to_name(ssl, group);
  out("%s: %s, %s, %s, id %#x, group %d %s", SSL_is_server(ssl) ? "server" : "client",
      SSL_get_version(ssl), SSL_CIPHER_get_name(cipher), SSL_CIPHER_standard_name(cipher),
      SSL_CIPHER_get_id(cipher), group, name ? name : "null");
  out("  %s", temporary_keys(ssl).c_str());
  out("  %s", signatures(ssl).c_str());
}

/// One handshake of these three; the two ends told in a line each.
void combination(const char* suite, const char* group, const char* certificate) {
  auto choose = [=](SSL_CTX* c) {
    require(SSL_CTX_set_ciphersuites(c, suite) == 1, suite);
    require(SSL_CTX_set1_groups_list(c, group) == 1, group);
  };
  Peers peers =
      make_peers({.certificate = certificate, .client_context = choose, .server_context = choose});
  link_memory(peers);
  Result result = handshake(peers);
  if (!result.good()) {
    out("%s", result.said().c_str());
    return;
  }
  negotiated(peers.client.get());
  negotiated(peers.server.get());
  out("  %s", transfer(peers.client.get(), peers.server.get(), sample(20000)).c_str());
}

void suites() {
  for (const char* suite : kSuites) combination(suite, "X25519", "server-p256");
}

void certificates() {
  for (const char* name : kCertificates) combination(kSuites[1], "X25519", name);
}

void mixture() {
  size_t i = 0;
  for (const char* group : kGroups) {
    for (size_t j = 0; j < 2; j++, i++) {
      combination(kSuites[i % std::size(kSuites)], group,
                  kCertificates[i % std::size(kCertificates)]);
    }
  }
}

void preference(const char* client_groups, const char* server_groups, uint64_t options = 0) {
  Peers peers =
      make_peers({.client_context = [=](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, client_groups); },
                  .server_context =
                      [=](SSL_CTX* c) {
                        SSL_CTX_set1_groups_list(c, server_groups);
                        SSL_CTX_set_options(c, options);
                      }});
  link_memory(peers);
  Log log;
  log.watch_messages(peers.client.get());
  Result result = handshake(peers);
  auto hello = [](const std::string& line) {
    return line.find("ClientHello") != std::string::npos;
  };
  long hellos = std::count_if(log.lines.begin(), log.lines.end(), hello);
  out("%s against %s: %s", client_groups, server_groups, result.said().c_str());
  if (!result.good()) return;
  std::string shared;
  long count = SSL_get_shared_group(peers.server.get(), -1);
  for (int i = 0; i < count; i++) {
    shared += text(" %d", static_cast<int>(SSL_get_shared_group(peers.server.get(), i)));
  }
  out("  group %s, hellos %ld, shared%s",
      OBJ_nid2sn(static_cast<int>(SSL_get_negotiated_group(peers.server.get()))), hellos,
      shared.c_str());
  int groups[40];
  long offered = SSL_get1_groups(peers.server.get(), nullptr);
  SSL_get1_groups(peers.server.get(), groups);
  std::string list;
  for (long i = 0; i < offered; i++) list += text(" %d", groups[i]);
  out("  client offered%s", list.c_str());
}

void group_preference() {
  preference("X25519", "X25519");
  preference("X25519:P-256", "P-256:X25519");
  preference("X25519:P-256", "P-256:X25519", SSL_OP_CIPHER_SERVER_PREFERENCE);
  preference("X25519:P-256", "P-256");
  preference("P-256:X25519", "X25519");
  preference("P-384:X448:ffdhe2048", "ffdhe2048:P-521");
  preference("X25519:P-256:P-384", "P-384:P-256", SSL_OP_CIPHER_SERVER_PREFERENCE);
  preference("X25519", "P-256");
  preference("P-521:P-384:P-256:X25519:X448:ffdhe2048:ffdhe3072", "X448");
}

void suite_preference() {
  for (uint64_t option : {uint64_t{0}, uint64_t{SSL_OP_CIPHER_SERVER_PREFERENCE},
                          uint64_t{SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA}}) {
    for (const char* list :
         {"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384",
          "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "TLS_AES_128_CCM_SHA256"}) {
      Peers peers =
          make_peers({.client_context = [=](SSL_CTX* c) { SSL_CTX_set_ciphersuites(c, list); },
                      .server_context = [=](SSL_CTX* c) { SSL_CTX_set_options(c, option); }});
      link_memory(peers);
      Result result = handshake(peers);
      out("options %#lx, %s: %s, %s", static_cast<unsigned long>(option), list,
          SSL_get_cipher_name(peers.server.get()), result.said().c_str());
    }
  }
}

std::string shared_signatures(SSL* ssl) {
  std::string line;
  int count = SSL_get_shared_sigalgs(ssl, 0, nullptr, nullptr, nullptr, nullptr, nullptr);
  for (int i = 0; i < count; i++) {
    int combined = 0;
    unsigned char low = 0, high = 0;
    SSL_get_shared_sigalgs(ssl, i, nullptr, nullptr, &combined, &low, &high);
    line += text(" %02x%02x/%s", high, low, OBJ_nid2sn(combined));
  }
  return line;
}

std::string peer_signatures(SSL* ssl) {
  std::string line;
  int count = SSL_get_sigalgs(ssl, -1, nullptr, nullptr, nullptr, nullptr, nullptr);
  for (int i = 0; i < count; i++) {
    int sign = 0, hash = 0;
    unsigned char low = 0, high = 0;
    SSL_get_sigalgs(ssl, i, &sign, &hash, nullptr, &low, &high);
    line += text(" %02x%02x/%s+%s", high, low, OBJ_nid2sn(sign), OBJ_nid2sn(hash));
  }
  return line;
}

void signature_preference() {
  for (const char* list : {"", "RSA-PSS+SHA256", "rsa_pss_rsae_sha512:rsa_pss_rsae_sha256",
                           "RSA-PSS+SHA384:ECDSA+SHA256", "ECDSA+SHA256:ed25519", "RSA+SHA256"}) {
    Peers peers =
        make_peers({.certificate = "server-rsa", .client_context = [=](SSL_CTX* c) {
                      if (*list)
                        out("set: %d", static_cast<int>(SSL_CTX_set1_sigalgs_list(c, list)));
                    }});
    link_memory(peers);
    Alerts alerts;
    alerts.watch(peers.server.get());
    Result result = handshake(peers);
    out("%s: %s, alert %s", list, result.said().c_str(), alerts.text_or_none());
    out("  %s", signatures(peers.client.get()).c_str());
    out("  shared%s", shared_signatures(peers.server.get()).c_str());
    out("  peer%s", peer_signatures(peers.server.get()).c_str());
  }
}

// Several certificates: which one the server takes.
void certificate_choice() {
  for (const char* list : {"ed25519", "ECDSA+SHA256:RSA-PSS+SHA256", "RSA-PSS+SHA256:ECDSA+SHA256",
                           "ecdsa_secp384r1_sha384", "rsa_pss_pss_sha256:ed448"}) {
    Peers peers =
        make_peers({.certificate = "server-rsa",
                    .client_context =
                        [=](SSL_CTX* c) { require(SSL_CTX_set1_sigalgs_list(c, list) == 1, list); },
                    .server_context =
                        [](SSL_CTX* c) {
                          use_certificate(c, "server-p256");
                          use_certificate(c, "server-ed25519");
                          use_certificate(c, "server-rsa-pss");
                        }});
    link_memory(peers);
    out("%s: %s", list, handshake(peers).said().c_str());
    out("  %s", signatures(peers.client.get()).c_str());
  }
}

void failure(const char* title, const Setup& setup) {
  Peers peers = make_peers(setup);
  link_memory(peers);
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  out("%s: %s", title, handshake(peers).said().c_str());
  out("  client %s | server %s", client.text_or_none(), server.text_or_none());
}

void nothing_shared() {
  failure("suites",
          {.client_context = [](SSL_CTX* c) { SSL_CTX_set_ciphersuites(c, kSuites[0]); },
           .server_context = [](SSL_CTX* c) { SSL_CTX_set_ciphersuites(c, kSuites[2]); }});
  failure("groups", {.client_context = [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "X448"); },
                     .server_context = [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "P-521"); }});
  failure("signatures", {.certificate = "server-p256", .client_context = [](SSL_CTX* c) {
                           SSL_CTX_set1_sigalgs_list(c, "RSA-PSS+SHA256");
                         }});
  failure("server's signatures",
          {.server_context = [](SSL_CTX* c) { SSL_CTX_set1_sigalgs_list(c, "RSA-PSS+SHA256"); }});
  failure("curve of the certificate",
          {.certificate = "server-p384",
           .client_context = [](SSL_CTX* c) { SSL_CTX_set1_sigalgs_list(c, "ECDSA+SHA256"); }});
  failure("no certificate", {.certificate = ""});
  failure("no 1.3 suites at the client",
          {.client_context = [](SSL_CTX* c) { SSL_CTX_set_ciphersuites(c, ""); }});
  failure("no 1.3 suites at the server",
          {.server_context = [](SSL_CTX* c) { SSL_CTX_set_ciphersuites(c, ""); }});
}

std::string bytes(const unsigned char* data, size_t size) {
  std::string line;
  for (size_t i = 0; i < size; i++) line += text("%02x", data[i]);
  return line;
}

void exporters() {
  Peers peers = connected();
  unsigned char one[32], other[32];
  auto both = [&](const char* label, const unsigned char* context, size_t size, int use) {
    int client = SSL_export_keying_material(peers.client.get(), one, 32, label, strlen(label),
                                            context, size, use);
    int server = SSL_export_keying_material(peers.server.get(), other, 32, label, strlen(label),
                                            context, size, use);
    out("%s: %d %d, equal %d", label, client, server, !memcmp(one, other, 32));
    return bytes(one, 32);
  };
  const unsigned char context[] = "context";
  std::string none = both("EXPORTER-a", nullptr, 0, 0);
  std::string empty = both("EXPORTER-a", context, 0, 1);
  std::string some = both("EXPORTER-a", context, 7, 1);
  std::string label = both("EXPORTER-b", context, 7, 1);
  out("no context as an empty one: %d, others differ: %d", none == empty,
      some != empty && label != some);
  int early = SSL_export_keying_material_early(peers.client.get(), one, 32, "x", 1, context, 7);
  out("early: %d [%s]", early, errors().c_str());
  Peers before = make_peers();
  out("before the handshake: %s",
      outcome(before.client.get(),
              SSL_export_keying_material(before.client.get(), one, 32, "x", 1, nullptr, 0, 0))
          .c_str());
}

void finished_values() {
  for (const char* suite : {kSuites[0], kSuites[1]}) {
    Peers peers =
        connected({.client_context = [=](SSL_CTX* c) { SSL_CTX_set_ciphersuites(c, suite); }});
    unsigned char own[64], theirs[64];
    size_t size = SSL_get_finished(peers.client.get(), own, sizeof own);
    size_t peer = SSL_get_peer_finished(peers.server.get(), theirs, sizeof theirs);
    out("client's: %zu and %zu, equal %d", size, peer, !memcmp(own, theirs, size));
    size = SSL_get_finished(peers.server.get(), own, sizeof own);
    peer = SSL_get_peer_finished(peers.client.get(), theirs, sizeof theirs);
    out("server's: %zu and %zu, equal %d", size, peer, !memcmp(own, theirs, size));
    out("small buffer: %zu", SSL_get_finished(peers.client.get(), own, 4));
    size = SSL_get_client_random(peers.client.get(), own, sizeof own);
    peer = SSL_get_client_random(peers.server.get(), theirs, sizeof theirs);
    out("client random: %zu, equal %d", size, !memcmp(own, theirs, size));
    size = SSL_get_server_random(peers.client.get(), own, sizeof own);
    peer = SSL_get_server_random(peers.server.get(), theirs, sizeof theirs);
    out("server random: %zu, equal %d, asked for size %zu", size, !memcmp(own, theirs, size),
        SSL_get_server_random(peers.client.get(), nullptr, 0));
  }
}

void key_log() {
  static Lines lines[2];
  Peers peers =
      make_peers({.client_context =
                      [](SSL_CTX* c) {
                        SSL_CTX_set_keylog_callback(
                            c, [](const SSL*, const char* line) { lines[0].push_back(line); });
                      },
                  .server_context =
                      [](SSL_CTX* c) {
                        SSL_CTX_set_keylog_callback(
                            c, [](const SSL*, const char* line) { lines[1].push_back(line); });
                      }});
  link_memory(peers);
  handshake(peers);
  for (const Lines& side : lines) {
    for (const std::string& line : side) {
      size_t space = line.find(' '), second = line.rfind(' ');
      out("%s %zu %zu", line.substr(0, space).c_str(), second - space - 1,
          line.size() - second - 1);
    }
  }
  std::sort(lines[0].begin(), lines[0].end());
  std::sort(lines[1].begin(), lines[1].end());
  out("both ends equal: %d", lines[0] == lines[1]);
}

void key_update(SSL* from, SSL* to, int type) {
  int asked = SSL_key_update(from, type);
  out("%s, type %d: %d, pending %d", SSL_is_server(from) ? "server" : "client", type, asked,
      SSL_get_key_update_type(from));
  out("  twice: %s", answer(SSL_key_update(from, type)).c_str());
  out("  %s", transfer(from, to, "one way").c_str());
  out("  pending %d and %d", SSL_get_key_update_type(from), SSL_get_key_update_type(to));
  out("  %s", transfer(to, from, "other way").c_str());
}

void key_updates() {
  Peers peers = connected();
  SSL* client = peers.client.get();
  SSL* server = peers.server.get();
  for (int type : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
    key_update(client, server, type);
    key_update(server, client, type);
  }
  out("wrong type: %s", answer(SSL_key_update(client, 7)).c_str());
  Peers before = make_peers();
  out("before the handshake: %s", answer(SSL_key_update(before.client.get(), 0)).c_str());
  out("renegotiate: %s", answer(SSL_renegotiate(client)).c_str());
  out("abbreviated: %s", answer(SSL_renegotiate_abbreviated(client)).c_str());
  out("renegotiate_pending: %d", SSL_renegotiate_pending(client));
}

std::string record_sizes(SSL* ssl, std::initializer_list<size_t> sizes) {
  Log log;
  log.lengths = true;
  log.watch_messages(ssl);
  for (size_t size : sizes) SSL_write(ssl, sample(size).data(), static_cast<int>(size));
  std::string line;
  for (const std::string& one : log.lines) {
    if (one.find("header") != std::string::npos) line += one.substr(one.rfind(' '));
  }
  return line;
}

void padding() {
  for (size_t block : {0u, 1u, 16u, 512u, 16384u, 16385u}) {
    Peers peers = connected();
    int set = SSL_set_block_padding(peers.client.get(), block);
    out("block %zu: %d, records%s", block, set,
        record_sizes(peers.client.get(), {1, 15, 16, 17, 600, 16384}).c_str());
    std::string got(20000, '\0');
    out("  arrived %d", SSL_read(peers.server.get(), got.data(), 20000));
    errors();
  }
  Peers peers = connected({.client_context = [](SSL_CTX* c) {
    SSL_CTX_set_block_padding(c, 256);
    SSL_CTX_set_record_padding_callback(c, [](SSL*, int type, size_t size, void*) {
      return type == SSL3_RT_APPLICATION_DATA ? 1000 - size % 1000 : 0;
    });
  }});
  out("callback: records%s", record_sizes(peers.client.get(), {1, 999, 1000}).c_str());
  std::string got(20000, '\0');
  out("  arrived %d", SSL_read(peers.server.get(), got.data(), 20000));
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Case> cases = {{"suites", suites}, {"certificates", certificates}};
  for (const char* group : kGroups) {
    cases.push_back(
        {text("group.%s", group), [=] { combination(kSuites[0], group, "server-rsa"); }});
  }
  for (const char* group : kSlowGroups) {
    cases.push_back(
        {text("group.%s", group), [=] { combination(kSuites[0], group, "server-rsa"); }});
  }
  const Case rest[] = {{"mixture", mixture},
                       {"group-preference", group_preference},
                       {"suite-preference", suite_preference},
                       {"signature-preference", signature_preference},
                       {"certificate-choice", certificate_choice},
                       {"nothing-shared", nothing_shared},
                       {"exporters", exporters},
                       {"finished-values", finished_values},
                       {"key-log", key_log},
                       {"key-updates", key_updates},
                       {"padding", padding}};
  cases.insert(cases.end(), std::begin(rest), std::end(rest));
  return run(cases, argc, argv);
}
