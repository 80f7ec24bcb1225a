// SSL_trace of TLS 1.0 to 1.2: every message in the form of its version and key exchange, whole and
// cut off, and the names of all that a message can name.
#include <sstream>

#include "support/trace.h"

namespace {
using namespace twin;

std::string name_der(const char* organization) {
  std::unique_ptr<X509_NAME, void (*)(X509_NAME*)> name(X509_NAME_new(), X509_NAME_free);
  X509_NAME_add_entry_by_txt(name.get(), "C", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("AT"), -1, -1, 0);
  X509_NAME_add_entry_by_txt(name.get(), "O", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(organization), -1, -1, 0);
  unsigned char* der = nullptr;
  int length = i2d_X509_NAME(name.get(), &der);
  std::string result(reinterpret_cast<char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return result;
}

std::string certificate_request(bool schemes) {
  std::string types = all_of({1, 2, 3, 4, 5, 6, 20, 64, 65, 66, 67, 68, 99}, 1);
  std::string names = vector16(name_der("Handfast")) + vector16(name_der("J\xc3\xb6rg")) +
                      vector16("no name") + vector16(name_der("more") + "rest") + vector16("");
  return message(SSL3_MT_CERTIFICATE_REQUEST,
                 vector8(types) +
                     (schemes ? vector16(all_of({0x0403, 0x0804, 0x0201, 0x1234}, 2)) : "") +
                     vector16(names));
}

std::string signature(bool scheme) {
  return (scheme ? number(0x0804, 2) : "") + vector16(sample(256));
}

/// Messages whose form depends on the version at most.
std::vector<Sample> common_messages(bool schemes) {
  return {
      {"HelloRequest", message(SSL3_MT_HELLO_REQUEST, "")},
      {"Certificate", message(SSL3_MT_CERTIFICATE, vector24(vector24(certificate_der()) +
                                                            vector24("rubbish") + vector24("")))},
      {"no Certificate", message(SSL3_MT_CERTIFICATE, vector24(""))},
      {"CertificateRequest", certificate_request(schemes)},
      {"bare CertificateRequest",
       message(SSL3_MT_CERTIFICATE_REQUEST,
               vector8("") + (schemes ? vector16("") : "") + vector16(""))},
      {"CertificateRequest and more",
       message(SSL3_MT_CERTIFICATE_REQUEST,
               vector8("\1") + (schemes ? vector16("\4\1") : "") + vector16("") + "x")},
      {"odd CertificateRequest",
       message(SSL3_MT_CERTIFICATE_REQUEST, vector8("\1") + vector16("\4\1\5") + vector16(""))},
      {"CertificateVerify", message(SSL3_MT_CERTIFICATE_VERIFY, signature(schemes))},
      {"CertificateVerify and more", message(SSL3_MT_CERTIFICATE_VERIFY, signature(schemes) + "x")},
      {"CertificateStatus", message(SSL3_MT_CERTIFICATE_STATUS, number(1, 1) + vector24("DER"))},
      {"ServerHelloDone", message(SSL3_MT_SERVER_DONE, "")},
      {"long ServerHelloDone", message(SSL3_MT_SERVER_DONE, "x")},
      {"NewSessionTicket",
       message(SSL3_MT_NEWSESSION_TICKET, number(7200, 4) + vector16(sample(192)))},
      {"NewSessionTicket without ticket",
       message(SSL3_MT_NEWSESSION_TICKET, number(0, 4) + vector16(""))},
      {"NewSessionTicket and more",
       message(SSL3_MT_NEWSESSION_TICKET, number(7200, 4) + vector16("t") + "x")},
      {"empty NewSessionTicket", message(SSL3_MT_NEWSESSION_TICKET, "")},
      {"NextProto", message(SSL3_MT_NEXT_PROTO, vector8("h2") + vector8(std::string(28, '\0')))},
      {"Finished", message(SSL3_MT_FINISHED, sample(12))},
  };
}

std::vector<Sample> key_exchanges(bool schemes) {
  std::string dhe = vector16(sample(256)) + vector16("\2") + vector16(sample(256));
  std::string ecdhe = number(3, 1) + number(29, 2) + vector8(sample(32));
  std::string srp =
      vector16(sample(128)) + vector16("\2") + vector8("salt") + vector16(sample(128));
  std::string hint = vector16("hint");
  std::vector<Sample> result;
  auto add = [&](int type, const char* name, const std::string& body) {
    result.push_back({name, message(type, body)});
  };
  constexpr int server = SSL3_MT_SERVER_KEY_EXCHANGE, client = SSL3_MT_CLIENT_KEY_EXCHANGE;
  add(server, "DHE by server", dhe);
  add(server, "signed DHE", dhe + signature(schemes));
  add(server, "ECDHE by server", ecdhe);
  add(server, "signed ECDHE", ecdhe + signature(schemes));
  add(server, "signed ECDHE and more", ecdhe + signature(schemes) + "x");
  add(server, "explicit prime", number(1, 1) + "parameters");
  add(server, "explicit char2", number(2, 1) + "parameters");
  add(server, "other curve", number(4, 1) + "parameters");
  add(server, "hint", hint);
  add(server, "hint, DHE", hint + dhe);
  add(server, "hint, ECDHE", hint + ecdhe);
  add(server, "SRP by server", srp + signature(schemes));
  add(server, "modulus and exponent", vector16(sample(64)) + vector16("\3") + signature(schemes));
  add(client, "u16 by client", vector16(sample(256)));
  add(client, "u8 by client", vector8(sample(32)));
  add(client, "identity, u16", vector16("identity") + vector16(sample(256)));
  add(client, "identity, u8", vector16("identity") + vector8(sample(32)));
  add(client, "identity", vector16("identity"));
  add(client, "identity and more", vector16("identity") + "x");
  return result;
}

// --- Handshakes of every kind ---

struct Kind {
  const char* suite;
  int version;
  const char* certificate;  ///< of the server; "": none
};

unsigned client_psk(SSL*, const char*, char* identity, unsigned, unsigned char* psk, unsigned) {
  std::strcpy(identity, "identity");
  std::memset(psk, 7, 16);
  return 16;
}

unsigned server_psk(SSL*, const char*, unsigned char* psk, unsigned) {
  std::memset(psk, 7, 16);
  return 16;
}

void use_kind(SSL_CTX* context, const Kind& kind) {
  SSL_CTX_set_max_proto_version(context, kind.version);
  SSL_CTX_set_min_proto_version(context, kind.version);
  SSL_CTX_set_cipher_list(context, (std::string(kind.suite) + ":@SECLEVEL=0").c_str());
  SSL_CTX_set_dh_auto(context, 1);
  SSL_CTX_set_psk_client_callback(context, client_psk);
  SSL_CTX_set_psk_server_callback(context, server_psk);
}

Peers peers_of(const Kind& kind) {
  return make_peers({.certificate = kind.certificate,
                     .client_context = [&](SSL_CTX* context) { use_kind(context, kind); },
                     .server_context =
                         [&](SSL_CTX* context) {
                           use_kind(context, kind);
                           SSL_CTX_use_psk_identity_hint(context, "hint");
                         }});
}

/// What both ends see of their handshake.
void trace_handshake(Peers& peers) {
  Traces traces(peers);
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
  traces.print();
}

constexpr Kind kKinds[] = {
    {"ECDHE-RSA-AES128-GCM-SHA256", TLS1_2_VERSION, "server-rsa"},
    {"ECDHE-RSA-AES128-SHA", TLS1_1_VERSION, "server-rsa"},
    {"DHE-RSA-AES256-SHA256", TLS1_2_VERSION, "server-rsa"},
    {"DHE-RSA-AES256-SHA", TLS1_VERSION, "server-rsa"},
    {"AES128-GCM-SHA256", TLS1_2_VERSION, "server-rsa"},
    {"AES128-SHA", TLS1_VERSION, "server-rsa"},
    {"ADH-AES128-SHA", TLS1_2_VERSION, ""},
    {"AECDH-AES128-SHA", TLS1_2_VERSION, ""},
    {"PSK-AES128-CBC-SHA", TLS1_2_VERSION, ""},
    {"RSA-PSK-AES128-CBC-SHA", TLS1_2_VERSION, "server-rsa"},
    {"DHE-PSK-AES128-CBC-SHA", TLS1_2_VERSION, ""},
    {"ECDHE-PSK-AES128-CBC-SHA", TLS1_2_VERSION, ""},
};

void handshakes() {
  for (const Kind& kind : kKinds) {
    out("-- %s at %x", kind.suite, static_cast<unsigned>(kind.version));
    Peers peers = peers_of(kind);
    trace_handshake(peers);
  }
}

void client_certificate() {
  for (int version : {TLS1_2_VERSION, TLS1_1_VERSION}) {
    for (const char* certificate : {"client-rsa", ""}) {
      Peers peers = peers_of({"ECDHE-RSA-AES128-SHA", version, "server-rsa"});
      out("-- %x with %s", static_cast<unsigned>(version), certificate);
      SSL_set_verify(peers.server.get(), SSL_VERIFY_PEER, nullptr);
      SSL_add_client_CA(peers.server.get(), read_certificate("root").get());
      if (*certificate != '\0') {
        SSL_use_certificate(peers.client.get(), read_certificate(certificate).get());
        SSL_use_PrivateKey(peers.client.get(), read_key(certificate).get());
      }
      trace_handshake(peers);
    }
  }
}

void crafted(const Kind& kind, bool common) {
  Peers peers = peers_of(kind);
  link_memory(peers);
  Result result = handshake(peers);
  out("-- %s at %x: %s", kind.suite, static_cast<unsigned>(kind.version), result.said().c_str());
  if (!result.good()) return;
  bool schemes = kind.version == TLS1_2_VERSION;
  for (const Sample& one : common ? common_messages(schemes) : key_exchanges(schemes)) {
    out("-- %s", one.name);
    SSL* ssl = peers.client.get();
    out("%s", traced(ssl, true, SSL3_RT_HANDSHAKE, one.bytes).c_str());
    out("the other says the same: %d",
        traced(peers.server.get(), false, SSL3_RT_HANDSHAKE, one.bytes) ==
            traced(ssl, true, SSL3_RT_HANDSHAKE, one.bytes));
    std::string beginnings;
    // A certificate that is cut off fails in libcrypto's parser.
    for (size_t size = 0; size < one.bytes.size() && one.bytes[0] != SSL3_MT_CERTIFICATE; size++) {
      beginnings += traced_beginning(ssl, one, size);
    }
    out("its beginnings: %zu %08x", beginnings.size(), fingerprint(beginnings));
  }
}

void messages() {
  crafted({"AES128-SHA", TLS1_2_VERSION, "server-rsa"}, true);
  crafted({"AES128-SHA", TLS1_1_VERSION, "server-rsa"}, true);
}

void key_exchange_messages() {
  for (const Kind& kind : kKinds) crafted(kind, false);
}

/// No version is negotiated yet: what a method stands for counts.
void before_hello() {
  for (auto [name, method] :
       {std::pair{"any", TLS_method()}, {"1.2", TLSv1_2_method()}, {"1.1", TLSv1_1_method()}}) {
    Owned<SSL_CTX> context(SSL_CTX_new(method));
    Owned<SSL> ssl(SSL_new(context.get()));
    for (bool schemes : {false, true}) {
      for (const Sample& one : common_messages(schemes)) {
        if (one.bytes[0] == SSL3_MT_CERTIFICATE) continue;
        out("-- %s, method %s", one.name, name);
        out("%s", traced(ssl.get(), true, SSL3_RT_HANDSHAKE, one.bytes).c_str());
      }
    }
  }
}

// --- Names ---

/// Those lines of a trace that contain `what` and have a name for it.
void print_named(const std::string& text, const char* what) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(what) == std::string::npos) continue;
    if (line.find("UNKNOWN") == std::string::npos) out("%s", line.c_str());
  }
}

std::string client_hello(const std::string& suites, const std::string& compressions,
                         const std::string& extensions) {
  return message(SSL3_MT_CLIENT_HELLO, number(0x0303, 2) + sample(32, 3) + vector8("") +
                                           vector16(suites) + vector8(compressions) +
                                           vector16(extensions));
}

std::string range(int begin, int end, int bytes) {
  std::string result;
  for (int value = begin; value < end; value++) result += number(value, bytes);
  return result;
}

void names() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  auto print = [&](const char* what, const std::string& bytes) {
    print_named(traced(ssl.get(), true, SSL3_RT_HANDSHAKE, bytes), what);
  };
  for (int begin = 0; begin < 0x10000; begin += 0x4000) {
    std::string values = range(begin, begin + 0x4000, 2);
    print("{0x", client_hello(values, "", ""));
    print("(", client_hello("", "", extension(10, vector16(values))));
    print("(0x", client_hello("", "", extension(13, vector16(values))));
  }
  print("(0x", client_hello("", range(0, 255, 1), ""));
  for (int type = 0; type < 0x10000; type++) {
    print("extension_type", message(SSL3_MT_ENCRYPTED_EXTENSIONS, vector16(extension(type, ""))));
  }
  for (int type = 0; type < 256; type++) {
    // OpenSSL needs to know the suite for these.
    if (type == SSL3_MT_SERVER_KEY_EXCHANGE || type == SSL3_MT_CLIENT_KEY_EXCHANGE) continue;
    print("Length=", message(type, ""));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"names", names},
              {"before_hello", before_hello},
              {"messages", messages},
              {"key_exchange_messages", key_exchange_messages},
              {"handshakes", handshakes},
              {"client_certificate", client_certificate}},
             argc, argv);
}
