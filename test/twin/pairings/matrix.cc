// One library against the other over every (protocol, cipher suite, certificate) below TLS 1.3.
// DTLS goes over UDP, in small datagrams.
//   matrix list                        what this library can do with itself
//   matrix client ADDRESS < LIST       one connection for each line of the list
//   matrix server DESCRIPTOR < LIST    the same over a listening socket
// A line of the list is VERSION/SUITE/SERVER-CERTIFICATE/CLIENT-CERTIFICATE/LATER. Both ends print
// "LINE<tab>what was negotiated<tab>what only this run has".
#include <openssl/srp.h>
#include <sys/un.h>

#include <iostream>
#include <map>
#include <optional>
#include <sstream>

#include "support/datagram_sockets.h"
#include "support/loggers.h"

namespace {
using namespace twin;

struct Version {
  const char* name;
  int number;
};
constexpr Version kVersions[] = {{"TLSv1", TLS1_VERSION},
                                 {"TLSv1.1", TLS1_1_VERSION},
                                 {"TLSv1.2", TLS1_2_VERSION},
                                 {"DTLSv1", DTLS1_VERSION},
                                 {"DTLSv1.2", DTLS1_2_VERSION}};
constexpr const char* kServers[] = {"server-rsa",   "server-rsa-pss", "server-p256",
                                    "server-p384",  "server-p521",    "server-ed25519",
                                    "server-ed448", "server-dsa",     "none"};
constexpr const char* kClients[] = {"client-rsa", "client-p256", "client-ed25519", "client-dsa"};
// What happens between two exchanges of data; the suites and versions that meet all of it.
constexpr const char* kLater[] = {"client-renegotiates", "client-renegotiates-abbreviated",
                                  "server-renegotiates", "server-renegotiates-abbreviated",
                                  "server-asks-certificate"};
constexpr const char* kChosenSuites[] = {"AES128-SHA", "ECDHE-RSA-AES256-SHA", "DHE-RSA-AES128-SHA",
                                         "ECDHE-RSA-AES128-GCM-SHA256",
                                         "ECDHE-RSA-CHACHA20-POLY1305"};

struct Combination {
  std::string line, version, suite, server, client, later;

  bool over_datagrams() const { return version.rfind("DTLS", 0) == 0; }
};

Combination parse(const std::string& line) {
  Combination result{
      .line = line, .version = {}, .suite = {}, .server = {}, .client = {}, .later = {}};
  std::istringstream fields(line);
  for (std::string* field :
       {&result.version, &result.suite, &result.server, &result.client, &result.later}) {
    std::getline(fields, *field, '/');
  }
  return result;
}

unsigned int give_key(unsigned char* key, unsigned int size) {
  std::memset(key, 'k', std::min(size, 32u));
  return std::min(size, 32u);
}

unsigned int client_key(SSL*, const char* hint, char* identity, unsigned int identity_size,
                        unsigned char* key, unsigned int size) {
  std::snprintf(identity, identity_size, "somebody who was told %s", hint ? hint : "nothing");
  return give_key(key, size);
}

unsigned int server_key(SSL*, const char*, unsigned char* key, unsigned int size) {
  return give_key(key, size);
}

int srp_parameters(SSL* ssl, int*, void*) {
  bool good = SSL_set_srp_server_param_pw(ssl, "somebody", "secret", "2048") >= 0;
  return good ? SSL_ERROR_NONE : SSL3_AL_FATAL;
}

char* srp_password(SSL*, void*) {
  return OPENSSL_strdup("secret");
}

Owned<SSL_CTX> make_context(const SSL_METHOD* method, bool server, const std::string& certificate,
                            bool srp) {
  Owned<SSL_CTX> context(SSL_CTX_new(method));
  SSL_CTX* raw = context.get();
  SSL_CTX_set_security_level(raw, 0);
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  trust(raw);
  if (certificate != "none") use_certificate(raw, certificate);
  if (server) {
    SSL_CTX_set_dh_auto(raw, 1);
    SSL_CTX_set_options(raw, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    SSL_CTX_use_psk_identity_hint(raw, "the hint");
    SSL_CTX_set_psk_server_callback(raw, server_key);
    if (srp) SSL_CTX_set_srp_username_callback(raw, srp_parameters);
    return context;
  }
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_psk_client_callback(raw, client_key);
  if (srp) {
    SSL_CTX_set_srp_username(raw, const_cast<char*>("somebody"));
    SSL_CTX_set_srp_client_pwd_callback(raw, srp_password);
  }
  return context;
}

/// A connection for `chosen`, from a context that all of its kind share; without a BIO.
Owned<SSL> make_connection(bool server, const Combination& chosen) {
  static std::map<std::string, Owned<SSL_CTX>> contexts;
  bool srp = chosen.suite.find("SRP") != std::string::npos;
  const std::string& certificate = server ? chosen.server : chosen.client;
  bool datagrams = chosen.over_datagrams();
  Owned<SSL_CTX>& context = contexts[text("%d%d%d", datagrams, server, srp) + certificate];
  if (!context) {
    context = make_context(datagrams ? DTLS_method() : TLS_method(), server, certificate, srp);
  }
  Owned<SSL> ssl(SSL_new(context.get()));
  for (const Version& version : kVersions) {
    if (version.name != chosen.version) continue;
    SSL_set_min_proto_version(ssl.get(), version.number);
    SSL_set_max_proto_version(ssl.get(), version.number);
  }
  require(SSL_set_cipher_list(ssl.get(), (chosen.suite + ":@SECLEVEL=0").c_str()), chosen.line);
  if (server && chosen.client != "none") {
    SSL_set_verify(ssl.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  if (server && chosen.later == "server-asks-certificate") {
    SSL_set_verify(ssl.get(), SSL_VERIFY_NONE, nullptr);
  }
  server ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());
  return ssl;
}

std::string key_said(SSL* ssl) {
  EVP_PKEY* key = nullptr;
  if (!SSL_get_peer_tmp_key(ssl, &key)) return "none";
  char group[64] = "";
  size_t size;
  EVP_PKEY_get_group_name(key, group, sizeof group, &size);
  std::string said =
      text("%s %d bits %s", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key), group);
  EVP_PKEY_free(key);
  ERR_clear_error();
  return said;
}

std::string signatures(SSL* ssl) {
  int peer_hash = 0, peer_type = 0, hash = 0, type = 0;
  SSL_get_peer_signature_nid(ssl, &peer_hash);
  SSL_get_peer_signature_type_nid(ssl, &peer_type);
  SSL_get_signature_nid(ssl, &hash);
  SSL_get_signature_type_nid(ssl, &type);
  return text("peer signed %s %s, own signed %s %s", OBJ_nid2sn(peer_type), OBJ_nid2sn(peer_hash),
              OBJ_nid2sn(type), OBJ_nid2sn(hash));
}

std::string subject(X509* certificate) {
  char name[64] = "none";
  if (certificate) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
  }
  return name;
}

std::string hexadecimal(const unsigned char* data, size_t size) {
  std::string result;
  for (size_t i = 0; i < size; i++) result += text("%02x", data[i]);
  return result;
}

/// Equal at both ends and different in every run: how the runner knows that the keys agree.
std::string exported(SSL* ssl) {
  unsigned char secret[16] = {}, finished[64] = {}, peer[64] = {};
  SSL_export_keying_material(ssl, secret, sizeof secret, "twin", 4, nullptr, 0, 0);
  size_t own_size = SSL_get_finished(ssl, finished, sizeof finished);
  size_t peer_size = SSL_get_peer_finished(ssl, peer, sizeof peer);
  std::string own = hexadecimal(finished, own_size), other = hexadecimal(peer, peer_size);
  return hexadecimal(secret, sizeof secret) + " " + std::min(own, other) + " " +
         std::max(own, other);
}

std::string negotiated(SSL* ssl) {
  char line[256] = "";
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
  if (cipher) SSL_CIPHER_description(cipher, line, sizeof line);
  line[std::strcspn(line, "\n")] = '\0';
  const char* identity = SSL_get_psk_identity(ssl);
  const char* hint = SSL_get_psk_identity_hint(ssl);
  std::string said = text("%s, %s, group %d, peer's key %s", line, SSL_get_version(ssl),
                          static_cast<int>(SSL_get_negotiated_group(ssl)), key_said(ssl).c_str());
  said += text(", %s, peer %s, own %s, verify %ld", signatures(ssl).c_str(),
               subject(SSL_get0_peer_certificate(ssl)).c_str(),
               subject(SSL_get_certificate(ssl)).c_str(), SSL_get_verify_result(ssl));
  said += text(", identity %s, hint %s, EMS %ld, secure renegotiation %ld",
               identity ? identity : "none", hint ? hint : "none", SSL_get_extms_support(ssl),
               SSL_get_secure_renegotiation_support(ssl));
  return said + text(", renegotiated %ld, reused %d", SSL_num_renegotiations(ssl),
                     SSL_session_reused(ssl));
}

bool send_sample(SSL* ssl, size_t size, uint32_t seed) {
  std::string data = sample(size, seed);
  size_t written = 0;
  return SSL_write_ex(ssl, data.data(), data.size(), &written) == 1 && written == size;
}

bool receive_sample(SSL* ssl, size_t size, uint32_t seed) {
  std::string data(size, '\0');
  size_t received = 0, count = 0;
  while (received < size) {
    if (!SSL_read_ex(ssl, data.data() + received, size - received, &count)) return false;
    received += count;
  }
  return data == sample(size, seed);
}

/// Some data each way, more than a record of a stream, or a whole one of datagrams; the client
/// begins.
bool exchange(SSL* ssl) {
  for (size_t size : {size_t{1}, SSL_is_dtls(ssl) ? size_t{16384} : size_t{20000}}) {
    bool good = SSL_is_server(ssl) ? receive_sample(ssl, size, 1) && send_sample(ssl, size, 2)
                                   : send_sample(ssl, size, 1) && receive_sample(ssl, size, 2);
    if (!good) return false;
  }
  return true;
}

std::string renegotiate(SSL* ssl, const std::string& later) {
  if (later == "server-asks-certificate" && SSL_is_server(ssl)) {
    SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  int started = later.find("abbreviated") != std::string::npos ? SSL_renegotiate_abbreviated(ssl)
                                                               : SSL_renegotiate(ssl);
  std::string said = text("started %d, pending %d", started, SSL_renegotiate_pending(ssl));
  int returned = SSL_do_handshake(ssl);
  return said + ", " + outcome(ssl, returned) + text(", pending %d", SSL_renegotiate_pending(ssl));
}

/// Everything after the handshake, told in one line.
std::string converse(SSL* ssl, const Combination& chosen) {
  std::string said = negotiated(ssl);
  if (!exchange(ssl)) return "failed: data: " + errors() + " | " + said;
  if (chosen.later != "none") {
    bool mine = (chosen.later.rfind("server", 0) == 0) == (SSL_is_server(ssl) == 1);
    if (mine) said += " | " + renegotiate(ssl, chosen.later);
    if (!exchange(ssl)) return "failed: data afterwards: " + errors() + " | " + said;
    said += " | " + negotiated(ssl);
  }
  int first = SSL_shutdown(ssl);
  int second = first == 1 ? 1 : SSL_shutdown(ssl);
  return said + text(" | data equal, shutdown %d %s", second, errors().c_str()) + "\texported " +
         exported(ssl);
}

int connect_to(const std::string& address) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  require(address.size() < sizeof name.sun_path, address);
  std::memcpy(name.sun_path, address.data(), address.size());
  int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  require(connect(descriptor, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0, address);
  return descriptor;
}

void be_patient(int descriptor) {
  timeval patience = {.tv_sec = 5, .tv_usec = 0};
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

/// One connection over the stream, or over datagrams that the ends agree on in the stream.
std::string meet(bool server, const Combination& chosen, int stream) {
  Owned<SSL> ssl = make_connection(server, chosen);
  be_patient(stream);
  int datagrams = chosen.over_datagrams() ? connect_datagrams(stream) : -1;
  if (chosen.over_datagrams()) {
    if (datagrams < 0) return "failed: the other end does not come";
    be_patient(datagrams);
    set_datagrams(ssl.get(), datagrams);
  } else {
    SSL_set_fd(ssl.get(), stream);
  }
  Side side{ssl.get()};
  side.step();
  std::string said = side.good() ? converse(ssl.get(), chosen) : "failed: handshake " + side.said();
  if (datagrams >= 0) close(datagrams);
  return said;
}

void converse_all(bool server, const std::string& where) {
  for (std::string line; std::getline(std::cin, line);) {
    int stream = server ? accept(std::atoi(where.c_str()), nullptr, nullptr) : connect_to(where);
    require(stream >= 0, "accept");
    std::string said = meet(server, parse(line), stream);
    out("%s\t%s", line.c_str(), said.c_str());
    ERR_clear_error();
    close(stream);
  }
}

/// What a server of this suite can show.
std::vector<std::string> certificates_for(const SSL_CIPHER* cipher) {
  std::vector<std::string> names;
  int kind = SSL_CIPHER_get_auth_nid(cipher);
  for (std::string name : kServers) {
    bool rsa = name.rfind("server-rsa", 0) == 0, dsa = name == "server-dsa", none = name == "none";
    bool fits = kind == NID_auth_rsa     ? rsa
                : kind == NID_auth_dss   ? dsa
                : kind == NID_auth_ecdsa ? !rsa && !dsa && !none
                                         : none;
    if (fits) names.push_back(name);
  }
  return names;
}

/// Whether this library can do it with itself, with a certificate only where one is used.
bool works(const Combination& chosen) {
  Peers peers;
  peers.client = make_connection(false, chosen);
  peers.server = make_connection(true, chosen);
  std::optional<Sockets> sockets;
  if (chosen.over_datagrams()) {
    sockets.emplace(false, SOCK_DGRAM);
    set_datagrams(peers.client.get(), sockets->client);
    set_datagrams(peers.server.get(), sockets->server);
  } else {
    link_memory(peers);
  }
  bool good = handshake(peers).good() &&
              transfer(peers.client.get(), peers.server.get(), sample(100)) == "100 bytes equal";
  ERR_clear_error();
  bool certified = SSL_get0_peer_certificate(peers.client.get()) != nullptr;
  return good && certified == (chosen.server != "none");
}

bool list_if_works(const std::string& line) {
  bool good = works(parse(line));
  if (good) out("%s", line.c_str());
  return good;
}

/// With each certificate that the suite can use; over datagrams, where certificates make no other
/// difference, with one of them, another for each suite.
void list_suite(const Version& version, const SSL_CIPHER* cipher, size_t number) {
  std::vector<std::string> servers = certificates_for(cipher);
  std::string start = text("%s/%s/", version.name, SSL_CIPHER_get_name(cipher));
  for (size_t i = 0; i < servers.size(); i++) {
    const std::string& server = servers[(i + number) % servers.size()];
    bool listed = list_if_works(start + server + "/none/none");
    if (listed && is_datagram_version(version.number)) return;
  }
}

void list() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  require(SSL_CTX_set_cipher_list(context.get(), "ALL:COMPLEMENTOFALL:@SECLEVEL=0"), "all ciphers");
  STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(context.get());
  for (const Version& version : kVersions) {
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
      const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(ciphers, i);
      if (SSL_CIPHER_get_kx_nid(cipher) == NID_kx_any) continue;
      list_suite(version, cipher, static_cast<size_t>(i));
    }
    for (const char* suite : kChosenSuites) {
      std::string chosen = text("%s/%s/server-rsa/", version.name, suite);
      for (const char* client : kClients) list_if_works(chosen + client + "/none");
      for (const char* later : kLater) list_if_works(chosen + "client-rsa/" + later);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) give_up("usage");
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  signal(SIGPIPE, SIG_IGN);
  tell_library();
  std::string role = argv[1];
  if (role == "list") {
    list();
  } else {
    converse_all(role == "server", argv[2]);
  }
  return 0;
}
