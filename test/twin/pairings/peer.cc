// One end of a TLS 1.3 connection over a blocking socket that the runner made.
//   peer client|server DESCRIPTOR suite=NAME groups=LIST certificate=NAME
//     [client=NAME | later=NAME]
// With `later` the client is asked for its certificate amid the data.
// Prints what was negotiated and whether the data of all sizes came through.
#include <map>

#include "support/loggers.h"

namespace {
using namespace twin;

constexpr size_t kSizes[] = {0, 1, 16384, 16385, 1048576};

using Options = std::map<std::string, std::string>;

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

Owned<SSL_CTX> make_context(bool server, Options options) {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX* raw = context.get();
  trust(raw);
  require(SSL_CTX_set_ciphersuites(raw, options["suite"].c_str()) == 1, options["suite"]);
  require(SSL_CTX_set1_groups_list(raw, options["groups"].c_str()) == 1, options["groups"]);
  if (server) {
    use_certificate(raw, options["certificate"]);
    if (options.count("client")) {
      SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    if (options.count("later")) {
      SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_POST_HANDSHAKE, nullptr);
    }
  } else {
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    if (options.count("client")) use_certificate(raw, options["client"]);
    if (options.count("later")) {
      use_certificate(raw, options["later"]);
      SSL_CTX_set_post_handshake_auth(raw, 1);
    }
  }
  return context;
}

bool write_all(SSL* ssl, const std::string& data) {
  size_t written = 0;
  return data.empty() ||
         (SSL_write_ex(ssl, data.data(), data.size(), &written) == 1 && written == data.size());
}

bool read_exactly(SSL* ssl, std::string& data) {
  size_t received = 0, count = 0;
  while (received < data.size()) {
    if (!SSL_read_ex(ssl, data.data() + received, data.size() - received, &count)) return false;
    received += count;
  }
  return true;
}

/// Four bytes of length, then the data.
bool send_message(SSL* ssl, size_t size, uint32_t seed) {
  std::string length = {static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                        static_cast<char>(size >> 8), static_cast<char>(size)};
  return write_all(ssl, length) && write_all(ssl, sample(size, seed));
}

bool receive_message(SSL* ssl, size_t size, uint32_t seed) {
  std::string length(4, '\0');
  if (!read_exactly(ssl, length)) return false;
  size_t announced = 0;
  for (char byte : length) announced = announced << 8 | static_cast<unsigned char>(byte);
  if (announced != size) return false;
  std::string data(size, '\0');
  return read_exactly(ssl, data) && data == sample(size, seed);
}

bool exchange(SSL* ssl, bool server, bool asks_later) {
  for (size_t size : kSizes) {
    bool good = server ? receive_message(ssl, size, 1) && send_message(ssl, size, 2)
                       : send_message(ssl, size, 1) && receive_message(ssl, size, 2);
    if (!good) {
      out("failed: data of %zu bytes [%s]", size, errors().c_str());
      return false;
    }
    // The request leaves with the next call.
    if (asks_later && (size == 0 || size == 16384) && SSL_verify_client_post_handshake(ssl) != 1) {
      out("failed: no request after %zu bytes [%s]", size, errors().c_str());
      return false;
    }
    // New keys in the middle: asked back at one size, one-sided at another.
    if (size == 16384 && !server) SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
    if (size == 16385 && server) SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
  }
  return true;
}

std::string certificate_name(X509* certificate) {
  if (!certificate) return "none";
  char name[64] = "?";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

void print_negotiated(SSL* ssl, bool server, int hellos) {
  out("version: %s", SSL_get_version(ssl));
  out("suite: %s", SSL_get_cipher_name(ssl));
  out("group: %s", SSL_group_to_name(ssl, static_cast<int>(SSL_get_negotiated_group(ssl))));
  out("retried: %s", hellos > 1 ? "yes" : "no");
  X509* own = SSL_get_certificate(ssl);
  X509* peer = SSL_get0_peer_certificate(ssl);
  out("server certificate: %s", certificate_name(server ? own : peer).c_str());
  if (server) out("client certificate: %s", certificate_name(peer).c_str());
  out("verify: %s", X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
  unsigned char secret[16];
  require(SSL_export_keying_material(ssl, secret, sizeof secret, "twin", 4, nullptr, 0, 0) == 1,
          "SSL_export_keying_material");
  std::string hexadecimal;
  for (unsigned char byte : secret) hexadecimal += text("%02x", byte);
  out("exporter: %s", hexadecimal.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) give_up("usage");
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  signal(SIGPIPE, SIG_IGN);
  tell_library();
  bool server = std::string(argv[1]) == "server";
  Options options = read_options(argc, argv);
  Owned<SSL_CTX> context = make_context(server, options);
  Owned<SSL> ssl(SSL_new(context.get()));
  SSL_set_fd(ssl.get(), std::atoi(argv[2]));
  server ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());

  static int hellos = 0;
  SSL_set_msg_callback(
      ssl.get(), [](int, int, int type, const void* data, size_t size, SSL*, void*) {
        auto* message = static_cast<const unsigned char*>(data);
        hellos += type == SSL3_RT_HANDSHAKE && size > 0 && message[0] == SSL3_MT_CLIENT_HELLO;
      });
  Side side{ssl.get()};
  side.step();
  if (side.returned != 1) {
    out("failed: handshake %s", side.said().c_str());
    return 1;
  }
  print_negotiated(ssl.get(), server, hellos);
  if (!exchange(ssl.get(), server, server && options.count("later"))) return 1;
  out("data: equal");
  if (server) out("later: %s", certificate_name(SSL_get0_peer_certificate(ssl.get())).c_str());
  int first = SSL_shutdown(ssl.get());
  int second = first == 1 ? 1 : SSL_shutdown(ssl.get());
  out("shutdown: %d", second);
  return second == 1 ? 0 : 1;
}
