// One end of a connection that resumes what another process, with another library, has begun.
//   resume client|server DESCRIPTOR version=NUMBER by=id|ticket|external store=FILE [offer=1]
//     [kex=psk_ke] [early=accepted|rejected]
// The session goes into the file, in its DER form; with `offer` it comes from there. A server has
// its sessions in the file alone, or seals tickets with keys that all servers have. An external key
// is known to all. With `offer`, psk_ke leaves client and server without a common group, and the
// client sends early data. With a version of DTLS the descriptor is a connected socket of UDP.
#include <fstream>
#include <iterator>
#include <map>

#include "support/datagram_sockets.h"
#include "support/resumption13.h"

namespace {
using namespace twin;

using Options = std::map<std::string, std::string>;

constexpr uint32_t kMaxEarlyData = 16384;
constexpr char kIdentity[] = "someone";

std::string store;

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 3; i < argc; i++) {
    std::string option = argv[i];
    size_t equals = option.find('=');
    if (equals == std::string::npos) give_up(option);
    options[option.substr(0, equals)] = option.substr(equals + 1);
  }
  return options;
}

void write_session(SSL_SESSION* session) {
  unsigned char* der = nullptr;
  int length = i2d_SSL_SESSION(session, &der);
  require(length > 0, "i2d_SSL_SESSION");
  std::ofstream(store, std::ios::binary).write(reinterpret_cast<char*>(der), length);
  OPENSSL_free(der);
}

Owned<SSL_SESSION> read_session() {
  std::ifstream file(store, std::ios::binary);
  std::string der((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto* at = reinterpret_cast<const unsigned char*>(der.data());
  Owned<SSL_SESSION> session(d2i_SSL_SESSION(nullptr, &at, static_cast<long>(der.size())));
  require(session != nullptr, "d2i_SSL_SESSION");
  return session;
}

SSL_SESSION* find(SSL*, const unsigned char* id, int length, int* copy) {
  *copy = 0;
  Owned<SSL_SESSION> session = read_session();
  unsigned int own_length = 0;
  const unsigned char* own = SSL_SESSION_get_id(session.get(), &own_length);
  bool same = static_cast<int>(own_length) == length && std::memcmp(own, id, own_length) == 0;
  return same ? session.release() : nullptr;
}

int keep(SSL*, SSL_SESSION* session) {
  write_session(session);
  return 0;
}

/// The external key, with early data where it is to be sent.
SSL_SESSION* external_key(SSL* ssl) {
  std::string secret = sample(32);
  SSL_SESSION* key = SSL_SESSION_new();
  const unsigned char id[] = {0x13, 0x01};
  SSL_SESSION_set1_master_key(key, reinterpret_cast<const unsigned char*>(secret.data()),
                              secret.size());
  SSL_SESSION_set_cipher(key, SSL_CIPHER_find(ssl, id));
  SSL_SESSION_set_protocol_version(key, TLS1_3_VERSION);
  SSL_SESSION_set_max_early_data(key, kMaxEarlyData);
  return key;
}

int use_key(SSL* ssl, const EVP_MD*, const unsigned char** identity, size_t* length,
            SSL_SESSION** key) {
  *identity = reinterpret_cast<const unsigned char*>(kIdentity);
  *length = std::strlen(kIdentity);
  *key = external_key(ssl);
  return 1;
}

int find_key(SSL* ssl, const unsigned char* identity, size_t length, SSL_SESSION** key) {
  bool known = std::string(reinterpret_cast<const char*>(identity), length) == kIdentity;
  *key = known ? external_key(ssl) : nullptr;
  return 1;
}

void set_up_server(SSL_CTX* context, Options options) {
  use_certificate(context, "server-p256");
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("twin"), 4);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_get_cb(context, find);
  std::string keys = sample(80);
  require(SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), keys.size()) == 1, "keys");
  if (options["by"] == "external") SSL_CTX_set_psk_find_session_callback(context, find_key);
  bool rejects = options["early"] == "rejected" && options.count("offer");
  if (!options.count("early") || rejects) return;
  // No process has an internal cache that would tell a replay.
  SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
  SSL_CTX_set_max_early_data(context, kMaxEarlyData);
}

void set_up_client(SSL_CTX* context, Options options) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  if (options["by"] == "external") SSL_CTX_set_psk_use_session_callback(context, use_key);
}

Owned<SSL_CTX> make_context(bool server, Options options) {
  int version = std::stoi(options["version"]);
  bool datagrams = is_datagram_version(version);
  Owned<SSL_CTX> context(SSL_CTX_new(datagrams ? DTLS_method() : TLS_method()));
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, version);
  SSL_CTX_set_max_proto_version(raw, version);
  if (datagrams || version < TLS1_2_VERSION) SSL_CTX_set_cipher_list(raw, "ALL:@SECLEVEL=0");
  if (options["by"] == "id") SSL_CTX_set_options(raw, SSL_OP_NO_TICKET);
  // A key is for suites with its hash alone.
  if (options["by"] == "external") SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256");
  if (options["kex"] == "psk_ke") {
    SSL_CTX_set_options(raw, SSL_OP_ALLOW_NO_DHE_KEX);
    const char* groups = server ? "P-384" : "X25519";
    if (options.count("offer")) require(SSL_CTX_set1_groups_list(raw, groups) == 1, groups);
  }
  trust(raw);
  SSL_CTX_sess_set_new_cb(raw, keep);
  server ? set_up_server(raw, options) : set_up_client(raw, options);
  return context;
}

void print_negotiated(SSL* ssl) {
  out("version: %s", SSL_get_version(ssl));
  out("suite: %s", SSL_get_cipher_name(ssl));
  out("reused: %s", SSL_session_reused(ssl) ? "yes" : "no");
  unsigned char secret[16];
  require(SSL_export_keying_material(ssl, secret, sizeof secret, "twin", 4, nullptr, 0, 0) == 1,
          "SSL_export_keying_material");
  std::string exported;
  for (unsigned char byte : secret) exported += text("%02x", byte);
  out("exporter: %s", exported.c_str());
  EVP_PKEY* key = nullptr;
  out("peer's share: %s", SSL_get_peer_tmp_key(ssl, &key) == 1 ? "yes" : "no");
  EVP_PKEY_free(key);
  out("early data: %s", status_name(SSL_get_early_data_status(ssl)));
}

/// More than a record of a stream; datagrams hold no more than one.
std::string message(SSL* ssl, uint32_t seed) {
  return sample(SSL_is_dtls(ssl) ? 16000 : 20000, seed);
}

bool send(SSL* ssl, uint32_t seed) {
  std::string data = message(ssl, seed);
  size_t written = 0;
  return SSL_write_ex(ssl, data.data(), data.size(), &written) == 1 && written == data.size();
}

bool receive(SSL* ssl, uint32_t seed) {
  std::string expected = message(ssl, seed), data(expected.size(), '\0');
  size_t received = 0, count = 0;
  while (received < data.size()) {
    if (!SSL_read_ex(ssl, data.data() + received, data.size() - received, &count)) return false;
    received += count;
  }
  return data == expected;
}

/// What comes before the handshake is over; false: an error, or not what was sent.
bool receive_early(SSL* ssl) {
  std::string data, buffer(4096, '\0');
  int result = SSL_READ_EARLY_DATA_SUCCESS;
  while (result == SSL_READ_EARLY_DATA_SUCCESS) {
    size_t count = 0;
    result = SSL_read_early_data(ssl, buffer.data(), buffer.size(), &count);
    if (result == SSL_READ_EARLY_DATA_SUCCESS) data.append(buffer, 0, count);
  }
  bool accepted = SSL_get_early_data_status(ssl) == SSL_EARLY_DATA_ACCEPTED;
  return result == SSL_READ_EARLY_DATA_FINISH && data == (accepted ? sample(10000, 3) : "");
}

bool send_early(SSL* ssl) {
  std::string data = sample(10000, 3);
  size_t written = 0;
  return SSL_write_early_data(ssl, data.data(), data.size(), &written) == 1 &&
         written == data.size();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) give_up("usage");
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  signal(SIGPIPE, SIG_IGN);
  tell_library();
  bool server = std::string(argv[1]) == "server";
  Options options = read_options(argc, argv);
  store = options["store"];
  Owned<SSL_CTX> context = make_context(server, options);
  Owned<SSL> ssl(SSL_new(context.get()));
  int descriptor = std::atoi(argv[2]);
  if (is_datagram_version(std::stoi(options["version"]))) {
    set_datagrams(ssl.get(), descriptor);
  } else {
    SSL_set_fd(ssl.get(), descriptor);
  }
  server ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());
  bool offers = options.count("offer") != 0;
  if (!server && offers && options["by"] != "external") {
    require(SSL_set_session(ssl.get(), read_session().get()) == 1, "SSL_set_session");
  }
  if (offers && options.count("early")) {
    bool sent = server ? receive_early(ssl.get()) : send_early(ssl.get());
    if (!sent) out("failed: early data %s", errors().c_str());
    if (!sent) return 1;
  }
  Side side{ssl.get()};
  side.step();
  if (side.returned != 1) {
    out("failed: handshake %s", side.said().c_str());
    return 1;
  }
  print_negotiated(ssl.get());
  bool equal = server ? receive(ssl.get(), 1) && send(ssl.get(), 2)
                      : send(ssl.get(), 1) && receive(ssl.get(), 2);
  out("data: %s", equal ? "equal" : "not equal");
  int first = SSL_shutdown(ssl.get());
  return equal && (first == 1 || SSL_shutdown(ssl.get()) == 1) ? 0 : 1;
}
