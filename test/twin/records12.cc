// Protected records of TLS 1.0 to 1.2 on the wire, damaged records, and the SSL 2.0 ClientHello.
#include "support/older.h"

namespace {
using namespace twin;

struct Way {
  int version;
  const char* cipher;
  bool encrypt_then_mac;
  const char* certificate = "server-rsa";
};

const Way kWays[] = {
    {TLS1_VERSION, "AES128-SHA", true},
    {TLS1_VERSION, "AES128-SHA", false},
    {TLS1_VERSION, "CAMELLIA256-SHA", false},
    {TLS1_VERSION, "NULL-MD5", true},
    {TLS1_1_VERSION, "AES256-SHA", true},
    {TLS1_1_VERSION, "AES256-SHA", false},
    {TLS1_2_VERSION, "AES128-SHA", true},
    {TLS1_2_VERSION, "AES128-SHA", false},
    {TLS1_2_VERSION, "AES256-SHA256", false},
    {TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384", true},
    {TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384", false},
    {TLS1_2_VERSION, "CAMELLIA128-SHA256", false},
    {TLS1_2_VERSION, "NULL-SHA256", true},
    {TLS1_2_VERSION, "AES128-GCM-SHA256", false},
    {TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384", false},
    {TLS1_2_VERSION, "AES256-CCM", false},
    {TLS1_2_VERSION, "AES128-CCM8", false},
    {TLS1_2_VERSION, "ECDHE-ARIA128-GCM-SHA256", false},
    {TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", false},
};

void title(const Way& way) {
  out("%s %s%s", version_text(way.version), way.cipher,
      way.encrypt_then_mac ? ", encrypt-then-MAC" : "");
}

Peers connected_by(const Way& way, const Setup& more = {}) {
  Setup setup = more;
  setup.certificate = way.certificate;
  setup.client_context = [=](SSL_CTX* context) {
    SSL_CTX_set_security_level(context, 0);
    require(SSL_CTX_set_cipher_list(context, way.cipher) == 1, way.cipher);
    if (!way.encrypt_then_mac) SSL_CTX_set_options(context, SSL_OP_NO_ENCRYPT_THEN_MAC);
    if (more.client_context) more.client_context(context);
  };
  setup.server_context = [=](SSL_CTX* context) {
    SSL_CTX_set_security_level(context, 0);
    require(SSL_CTX_set_cipher_list(context, way.cipher) == 1, way.cipher);
  };
  return connected(at_version(way.version, setup));
}

/// Takes what `ssl` has written out of its memory BIO.
std::string take(SSL* ssl) {
  BIO* wire = SSL_get_wbio(ssl);
  std::string bytes(BIO_ctrl_pending(wire), '\0');
  if (!bytes.empty()) BIO_read(wire, bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

/// Gives bytes to whoever reads what `ssl` writes.
void put(SSL* ssl, const std::string& bytes) {
  BIO_write(SSL_get_wbio(ssl), bytes.data(), static_cast<int>(bytes.size()));
}

int byte_at(const std::string& bytes, size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

/// Headers of the records: type, version, length.
std::string headers(const std::string& wire) {
  std::string line;
  for (size_t at = 0; at + 5 <= wire.size();) {
    int length = byte_at(wire, at + 3) << 8 | byte_at(wire, at + 4);
    line += text(" %02x %02x%02x %d;", byte_at(wire, at), byte_at(wire, at + 1),
                 byte_at(wire, at + 2), length);
    at += 5 + static_cast<size_t>(length);
  }
  return line.empty() ? " nothing" : line;
}

void lengths() {
  for (const Way& way : kWays) {
    title(way);
    Peers p = connected_by(way);
    for (size_t size : {1, 15, 16, 17, 100, 16384, 20000}) {
      std::string data = sample(size);
      SSL_write(p.client.get(), data.data(), static_cast<int>(data.size()));
      std::string wire = take(p.client.get());
      out("%zu:%s", size, headers(wire).c_str());
      put(p.client.get(), wire);
      std::string got(size, '\0');
      size_t read = 0;
      for (size_t count = 0; read < size; read += count) {
        if (SSL_read_ex(p.server.get(), got.data() + read, size - read, &count) != 1) break;
      }
      out("read %zu, equal %d", read, got == data);
    }
    SSL_shutdown(p.client.get());
    out("close_notify:%s", headers(take(p.client.get())).c_str());
  }
}

/// Without what libcrypto's ciphers add in front, which depends on how they are called.
std::string own_outcome(SSL* ssl, int returned) {
  std::string said = outcome(ssl, returned);
  const std::string detail = "Provider routines/cipher operation failed, ";
  size_t at = said.find(detail);
  return at == std::string::npos ? said : said.erase(at, detail.size());
}

/// What the server makes of it, what it answers, and what the client makes of that.
void receive(Peers& p, const std::string& wire) {
  put(p.client.get(), wire);
  char buffer[100];
  ERR_clear_error();
  int returned = SSL_read(p.server.get(), buffer, sizeof buffer);
  out("  server: %s", own_outcome(p.server.get(), returned).c_str());
  std::string answer = take(p.server.get());
  out("  answer:%s", headers(answer).c_str());
  put(p.server.get(), answer);
  ERR_clear_error();
  returned = SSL_read(p.client.get(), buffer, sizeof buffer);
  out("  client: %s", outcome(p.client.get(), returned).c_str());
}

void damaged() {
  for (const Way& way : kWays) {
    title(way);
    size_t length = 0;
    for (const char* what : {"type", "first byte", "middle", "last byte", "shortened", "extended",
                             "twice", "version"}) {
      Peers p = connected_by(way);
      SSL_write(p.client.get(), sample(40).data(), 40);
      std::string wire = take(p.client.get());
      if (way.version == TLS1_VERSION && std::string(way.cipher) != "NULL-MD5") {
        // The empty record goes first.
        put(p.client.get(), wire.substr(0, 5 + static_cast<size_t>(byte_at(wire, 4))));
        wire.erase(0, 5 + static_cast<size_t>(byte_at(wire, 4)));
      }
      length = wire.size();
      std::string which = what;
      if (which == "type") wire[0] = SSL3_RT_HANDSHAKE;
      if (which == "first byte") wire[5] ^= 1;
      if (which == "middle") wire[length / 2] ^= 1;
      if (which == "last byte") wire[length - 1] ^= 1;
      if (which == "shortened") {
        wire.pop_back();
        wire[4]--;
      }
      if (which == "extended") {
        wire += '\0';
        wire[4]++;
      }
      if (which == "twice") wire += wire;
      if (which == "version") wire[2] ^= 1;
      out("%s", what);
      receive(p, wire);
      if (which == "twice") receive(p, "");
    }
  }
}

std::string record_of(int type, int version, size_t length) {
  std::string wire(5 + length, '\x5a');
  wire[0] = static_cast<char>(type);
  wire[1] = static_cast<char>(version >> 8);
  wire[2] = static_cast<char>(version);
  wire[3] = static_cast<char>(length >> 8);
  wire[4] = static_cast<char>(length);
  return wire;
}

void forged() {
  for (const Way& way : kWays) {
    title(way);
    for (size_t length : {0, 1, 15, 16, 32, 64, 1000, 16704, 16705, 16707, 16708, 65535}) {
      out("application_data of %zu", length);
      Peers p = connected_by(way);
      receive(p, record_of(SSL3_RT_APPLICATION_DATA, way.version, length));
    }
    for (int type : {0, SSL3_RT_CHANGE_CIPHER_SPEC, SSL3_RT_ALERT, 24, 255}) {
      out("type %d", type);
      Peers p = connected_by(way);
      receive(p, record_of(type, way.version, 64));
    }
    for (int version : {0x0200, 0x0300, 0x0304, 0x7f00}) {
      for (int type : {SSL3_RT_APPLICATION_DATA, SSL3_RT_ALERT}) {
        out("version %04x, type %d", version, type);
        Peers p = connected_by(way);
        receive(p, record_of(type, version, 64));
      }
    }
  }
}

void empty_fragments() {
  struct {
    const char* name;
    uint64_t options;
    long mode;
  } settings[] = {{"default", 0, 0},
                  {"DONT_INSERT_EMPTY_FRAGMENTS", SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS, 0},
                  {"ALL", SSL_OP_ALL, 0},
                  {"partial writes", 0, SSL_MODE_ENABLE_PARTIAL_WRITE}};
  for (const Way& way : {kWays[0], kWays[1], kWays[3], kWays[5], kWays[13]}) {
    title(way);
    for (const auto& setting : settings) {
      out("%s", setting.name);
      Setup setup;
      setup.client_context = [&](SSL_CTX* context) {
        SSL_CTX_set_options(context, setting.options);
        SSL_CTX_set_mode(context, setting.mode);
      };
      Peers p = connected_by(way, setup);
      Log log;
      log.lengths = true;
      log.watch_messages(p.client.get());
      for (int size : {0, 1, 16384, 40000, 5}) {
        std::string data = sample(static_cast<size_t>(size));
        int returned = SSL_write(p.client.get(), data.data(), size);
        out("write of %d: %d:%s", size, returned, headers(take(p.client.get())).c_str());
      }
      print("messages", log.lines);
    }
  }
}

/// A write that blocks and is called again.
void empty_fragment_of_a_blocked_write() {
  Setup setup;
  setup.certificate = "server-rsa";
  auto settings = [](SSL_CTX* context) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_cipher_list(context, "AES128-SHA");
  };
  setup.client_context = settings;
  setup.server_context = settings;
  Peers p = make_peers(at_version(TLS1_VERSION, setup));
  link_pair(p, 20000, 20000);
  require(handshake(p).good(), "handshake");
  std::string data = sample(50000);
  std::string got;
  for (int round = 0; round < 8; round++) {
    ERR_clear_error();
    int returned = SSL_write(p.client.get(), data.data(), static_cast<int>(data.size()));
    out("write: %s, in the BIO %zu", outcome(p.client.get(), returned).c_str(),
        BIO_ctrl_pending(SSL_get_rbio(p.server.get())));
    if (returned > 0) break;
    char buffer[20000];
    for (int read = 1; read > 0;) {
      read = SSL_read(p.server.get(), buffer, sizeof buffer);
      out("read: %d", read);
      if (read > 0) got.append(buffer, static_cast<size_t>(read));
    }
  }
  char buffer[20000];
  for (int read = 1; read > 0;) {
    read = SSL_read(p.server.get(), buffer, sizeof buffer);
    if (read > 0) got.append(buffer, static_cast<size_t>(read));
  }
  out("equal %d", got == data);
}

std::string u16(size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string sslv2_hello(int version, const std::string& specs, const std::string& session_id,
                        const std::string& challenge) {
  std::string body = '\x01' + u16(static_cast<size_t>(version)) + u16(specs.size()) +
                     u16(session_id.size()) + u16(challenge.size()) + specs + session_id +
                     challenge;
  return u16(0x8000 | body.size()) + body;
}

void give_server(const char* what, const std::string& wire, int most = TLS1_2_VERSION) {
  out("%s", what);
  Setup setup;
  setup.certificate = "server-rsa";
  setup.server_context = [=](SSL_CTX* context) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, most);
    SSL_CTX_set_cipher_list(context, "ALL");
  };
  Peers p = make_peers(setup);
  link_memory(p);
  Log log;
  log.lengths = true;
  log.watch_messages(p.server.get());
  put(p.client.get(), wire);
  Side server{p.server.get()};
  server.step();
  out("  %s, state %s", server.said().c_str(), SSL_state_string_long(p.server.get()));
  std::string answer = take(p.server.get());
  if (answer.size() == 7) {
    out("  alert:%s %d %d", headers(answer).c_str(), byte_at(answer, 5), byte_at(answer, 6));
    for (const std::string& line : log.lines) {
      if (line[0] == '<') out("  %s", line.c_str());
    }
    return;
  }
  const SSL_CIPHER* cipher = SSL_get_pending_cipher(p.server.get());
  out("  %s, %s", SSL_get_version(p.server.get()),
      cipher ? SSL_CIPHER_get_name(cipher) : "no cipher");
  for (const std::string& line : log.lines) out("  %s", line.c_str());
}

void sslv2() {
  const std::string suites("\x00\x00\x2f\x01\x00\x80\x00\xc0\x2f", 9);
  const std::string challenge = sample(32);
  for (int version : {0x0002, 0x0200, 0x0301, 0x0302, 0x0303, 0x0304, 0x0403}) {
    give_server(text("version %04x", version).c_str(), sslv2_hello(version, suites, "", challenge));
  }
  give_server("TLS 1.3 server", sslv2_hello(0x0303, suites, "", challenge), TLS1_3_VERSION);
  for (size_t length : {0, 1, 15, 16, 33, 100}) {
    give_server(text("challenge of %zu", length).c_str(),
                sslv2_hello(0x0303, suites, "", sample(length)));
  }
  for (size_t length : {1, 16, 32, 33}) {
    give_server(text("session id of %zu", length).c_str(),
                sslv2_hello(0x0303, suites, sample(length), challenge));
  }
  give_server("no ciphers", sslv2_hello(0x0303, "", "", challenge));
  give_server("half a cipher", sslv2_hello(0x0303, suites + '\0', "", challenge));
  give_server("SSL 2.0 ciphers", sslv2_hello(0x0303, "\x01\x01\x80", "", challenge));
  give_server("SCSVs", sslv2_hello(0x0303, suites + std::string("\x00\x00\xff", 3), "", challenge));
  give_server("fallback",
              sslv2_hello(0x0302, suites + std::string("\x00\x56\x00", 3), "", challenge));
  std::string cut = sslv2_hello(0x0303, suites, "", challenge);
  cut.pop_back();
  give_server("less than announced", cut);
  cut[1]--;
  give_server("cut", cut);
  give_server("too short", std::string("\x80\x08\x01\x03\x03\x00\x00\x00\x00\x00", 10));
  give_server("long", sslv2_hello(0x0303, suites, "", sample(20000)));
  give_server("type 2", std::string("\x80\x2e\x02\x03\x03", 5) + sample(50));
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"lengths", lengths},
              {"damaged", damaged},
              {"forged", forged},
              {"empty-fragments", empty_fragments},
              {"empty-fragment-of-a-blocked-write", empty_fragment_of_a_blocked_write},
              {"sslv2", sslv2}},
             argc, argv);
}
