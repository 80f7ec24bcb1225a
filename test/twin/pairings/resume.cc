// One end of a connection of TLS <= 1.2 that resumes what another process, with another library,
// has begun.
//   resume client|server DESCRIPTOR version=NUMBER by=id|ticket store=FILE [offer=1]
// The session goes into the file, in its DER form; with `offer` it comes from there. A server has
// its sessions in the file alone, or seals tickets with keys that all servers have.
#include <fstream>
#include <iterator>
#include <map>

#include "support/loggers.h"

namespace {
using namespace twin;

using Options = std::map<std::string, std::string>;

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

void set_up_server(SSL_CTX* context) {
  use_certificate(context, "server-p256");
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("twin"), 4);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep);
  SSL_CTX_sess_set_get_cb(context, find);
  std::string keys = sample(80);
  require(SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), keys.size()) == 1, "keys");
}

Owned<SSL_CTX> make_context(bool server, Options options) {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX* raw = context.get();
  int version = std::stoi(options["version"]);
  SSL_CTX_set_min_proto_version(raw, version);
  SSL_CTX_set_max_proto_version(raw, version);
  if (version < TLS1_2_VERSION) SSL_CTX_set_cipher_list(raw, "ALL:@SECLEVEL=0");
  if (options["by"] == "id") SSL_CTX_set_options(raw, SSL_OP_NO_TICKET);
  trust(raw);
  if (server) {
    set_up_server(raw);
  } else {
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  }
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
}

bool send(SSL* ssl, uint32_t seed) {
  std::string data = sample(20000, seed);
  size_t written = 0;
  return SSL_write_ex(ssl, data.data(), data.size(), &written) == 1 && written == data.size();
}

bool receive(SSL* ssl, uint32_t seed) {
  std::string data(20000, '\0');
  size_t received = 0, count = 0;
  while (received < data.size()) {
    if (!SSL_read_ex(ssl, data.data() + received, data.size() - received, &count)) return false;
    received += count;
  }
  return data == sample(20000, seed);
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
  SSL_set_fd(ssl.get(), std::atoi(argv[2]));
  server ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());
  if (!server && options.count("offer")) {
    require(SSL_set_session(ssl.get(), read_session().get()) == 1, "SSL_set_session");
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
  if (!server) write_session(SSL_get0_session(ssl.get()));
  int first = SSL_shutdown(ssl.get());
  return equal && (first == 1 || SSL_shutdown(ssl.get()) == 1) ? 0 : 1;
}
