// Errors: what is in the queue, what SSL_get_error makes of it, and what a failed connection does.
#include "support/loggers.h"

namespace {
using namespace twin;
using namespace std::string_view_literals;

std::string named(SSL* ssl, int returned) {
  return error_name(SSL_get_error(ssl, returned));
}

void get_error_without_a_call() {
  Peers peers = make_peers();
  link_memory(peers);
  for (int returned : {1, 0, -1, -2, 100}) {
    out("%d: %s", returned, named(peers.client.get(), returned).c_str());
  }
}

// An entry that some other operation left in the queue.
void stale_error(const char* title, const std::function<int(Peers&)>& call, bool server = false) {
  for (int library : {ERR_LIB_SSL, ERR_LIB_X509, ERR_LIB_SYS}) {
    Peers peers = connected();
    ERR_raise(library, library == ERR_LIB_SYS ? EPIPE : ERR_R_INTERNAL_ERROR);
    int returned = call(peers);
    SSL* ssl = (server ? peers.server : peers.client).get();
    out("%s, stale %s: %d %s", title, ERR_lib_error_string(ERR_PACK(library, 0, 0)), returned,
        named(ssl, returned).c_str());
    out("  [%s]", errors().c_str());
  }
}

char byte;

void stale_want_read() {
  stale_error("read, nothing there", [](Peers& p) { return SSL_read(p.client.get(), &byte, 1); });
}

void stale_success() {
  stale_error("write", [](Peers& p) { return SSL_write(p.client.get(), "x", 1); });
}

void stale_end() {
  stale_error("read of close_notify", [](Peers& p) {
    SSL_shutdown(p.server.get());
    return SSL_read(p.client.get(), &byte, 1);
  });
}

void stale_handshake() {
  Peers peers = make_peers();
  link_memory(peers);
  ERR_raise(ERR_LIB_X509, ERR_R_INTERNAL_ERROR);
  int returned = SSL_do_handshake(peers.client.get());
  std::string name = named(peers.client.get(), returned);
  out("%d %s [%s]", returned, name.c_str(), errors().c_str());
}

/// Every call on a connection that has failed.
void everything_on(const char* who, SSL* ssl) {
  char buffer[8];
  size_t count = 9;
  auto said = [&](const char* name, int returned) {
    out("  %s %s: %s", who, name, outcome(ssl, returned).c_str());
  };
  said("SSL_do_handshake", SSL_do_handshake(ssl));
  said("SSL_read", SSL_read(ssl, buffer, sizeof buffer));
  said("SSL_read_ex", SSL_read_ex(ssl, buffer, sizeof buffer, &count));
  said("SSL_peek", SSL_peek(ssl, buffer, sizeof buffer));
  said("SSL_write", SSL_write(ssl, "x", 1));
  said("SSL_write_ex", SSL_write_ex(ssl, "x", 1, &count));
  said("SSL_shutdown", SSL_shutdown(ssl));
  out("  %s key_update %d, pending %d, has_pending %d", who, SSL_key_update(ssl, 0),
      SSL_pending(ssl), SSL_has_pending(ssl));
  std::string queue = errors();
  out("  [%s], shutdown %d, %s, in_init %d", queue.c_str(), SSL_get_shutdown(ssl),
      SSL_state_string_long(ssl), SSL_in_init(ssl));
}

void after_a_failed_handshake() {
  Setup setups[3];
  setups[0].certificate = "server-self-signed";
  setups[1].server_context = [](SSL_CTX* c) {
    SSL_CTX_set_ciphersuites(c, "TLS_AES_128_CCM_SHA256");
  };
  setups[2].server_context = [](SSL_CTX* c) {
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  };
  for (const Setup& setup : setups) {
    Peers peers = make_peers(setup);
    link_memory(peers);
    out("%s", handshake(peers).said().c_str());
    everything_on("client", peers.client.get());
    everything_on("server", peers.server.get());
  }
}

void after_a_failed_read() {
  Peers peers = connected();
  SSL_write(peers.server.get(), "hello", 5);
  unsigned char* record;
  BIO_get_mem_data(SSL_get_wbio(peers.server.get()), &record);
  record[7] ^= 1;
  everything_on("client", peers.client.get());
  everything_on("server", peers.server.get());
}

/// Bytes put before a side in a given state; what it says, and the alert.
void inject(const char* title, bool server, int steps, std::string_view bytes) {
  Peers peers = make_peers();
  link_memory(peers);
  Side client{peers.client.get()}, own{peers.server.get()};
  if (steps > 0) client.step();
  if (steps > 1) own.step();
  if (steps > 2) {
    client.step();
    own.step();
  }
  Side& side = server ? own : client;
  BIO* in = SSL_get_rbio(side.ssl);
  (void)BIO_reset(in);
  BIO_write(in, bytes.data(), static_cast<int>(bytes.size()));
  Alerts alerts;
  alerts.watch(side.ssl);
  std::string said;
  if (steps > 2) {
    char buffer[16];
    int returned = SSL_read(side.ssl, buffer, sizeof buffer);
    said = outcome(side.ssl, returned);
  } else {
    side.step();
    said = side.said();
  }
  out("%s: %s, %s", title, said.c_str(), alerts.text_or_none());
}

struct Input {
  const char* name;
  std::string_view bytes;
};
constexpr Input kInputs[] = {
    {"HTTP", "GET / HTTP/1.0\r\n\r\n"sv},
    {"proxy", "CONNECT x HTTP/1.0\r\n\r\n"sv},
    {"zeros", "\0\0\0\0\0\0\0\0\0\0\0\0"sv},
    {"unknown content type", "\x63\3\3\0\1x"sv},
    {"record version 2", "\x16\2\0\0\4\1\0\0\0"sv},
    {"record version 3.9", "\x16\3\x09\0\4\1\0\0\0"sv},
    {"empty handshake record", "\x16\3\3\0\0"sv},
    {"record too long", "\x16\3\3\x48\1"sv},
    {"half an alert", "\x15\3\3\0\1\2"sv},
    {"alert of three bytes", "\x15\3\3\0\3\2\x28\0"sv},
    {"empty alert", "\x15\3\3\0\0"sv},
    {"alert of unknown level", "\x15\3\3\0\2\x09\x28"sv},
    {"warning alert", "\x15\3\3\0\2\1\x70"sv},
    {"fatal alert", "\x15\3\3\0\2\2\x46"sv},
    {"unknown fatal alert", "\x15\3\3\0\2\2\xc8"sv},
    {"change_cipher_spec", "\x14\3\3\0\1\1"sv},
    {"change_cipher_spec of 2", "\x14\3\3\0\1\2"sv},
    {"change_cipher_spec of two bytes", "\x14\3\3\0\2\1\1"sv},
    {"application data", "\x17\3\3\0\4data"sv},
    {"application data, long",
     "\x17\3\3\0\x20"
     "01234567890123456789012345678901"sv},
    {"hello request", "\x16\3\3\0\4\0\0\0\0"sv},
    {"finished",
     "\x16\3\3\0\x24\x14\0\0\x20"
     "01234567890123456789012345678901"sv},
    {"empty ClientHello", "\x16\3\1\0\4\1\0\0\0"sv},
    {"ClientHello too long", "\x16\3\1\0\4\1\xff\xff\xff"sv},
    {"empty ServerHello", "\x16\3\3\0\4\2\0\0\0"sv},
    {"unknown message", "\x16\3\3\0\4\x63\0\0\0"sv},
};

void inputs(bool server, int steps) {
  for (const Input& input : kInputs) inject(input.name, server, steps, input.bytes);
}

void null_arguments() {
  out("SSL_CTX_new %s", answer(SSL_CTX_new(nullptr) != nullptr).c_str());
  std::string said = SSL_new(nullptr) ? "yes" : "null";
  out("SSL_new %s [%s]", said.c_str(), errors().c_str());
  SSL_free(nullptr);
  SSL_CTX_free(nullptr);
  SSL_SESSION_free(nullptr);
}

/// A setter's answer, and whether the context still works as before.
void setter(const char* title, const std::function<int(SSL_CTX*)>& set) {
  std::string result;
  Peers peers = make_peers({.server_context = [&](SSL_CTX* c) {
    int returned = set(c);
    result = text("%d [%s]", returned, errors().c_str());
  }});
  link_memory(peers);
  std::string said = handshake(peers).said();
  out("%s: %s, then %s with %s", title, result.c_str(), said.c_str(),
      SSL_get_cipher_name(peers.server.get()));
}

void bad_strings() {
  for (const char* list : {"", "NO_SUCH_SUITE", "TLS_AES_128_GCM_SHA256:NO_SUCH_SUITE",
                           "TLS_AES_128_GCM_SHA256:TLS_AES_128_GCM_SHA256", ":", "AES128-SHA"}) {
    setter(text("ciphersuites %s", list).c_str(),
           [=](SSL_CTX* c) { return SSL_CTX_set_ciphersuites(c, list); });
  }
  for (const char* list : {"", "NO_SUCH_CIPHER", "HIGH:!ALL", "TLS_AES_128_GCM_SHA256",
                           "ALL:@NONSENSE", "DEFAULT@SECLEVEL=9", "ECDHE-RSA-AES128-GCM-SHA256"}) {
    setter(text("cipher_list %s", list).c_str(),
           [=](SSL_CTX* c) { return SSL_CTX_set_cipher_list(c, list); });
  }
  for (const char* list :
       {"", "nonsense", "X25519:nonsense", "X25519:X25519", "x25519", "P-256:prime256v1"}) {
    setter(text("groups %s", list).c_str(),
           [=](SSL_CTX* c) { return static_cast<int>(SSL_CTX_set1_groups_list(c, list)); });
  }
  for (const char* list : {"", "nonsense", "ed25519:nonsense", "RSA+", "RSA+SHA256:RSA+SHA256",
                           "ed25519", "ECDSA+SHA999"}) {
    setter(text("sigalgs %s", list).c_str(),
           [=](SSL_CTX* c) { return static_cast<int>(SSL_CTX_set1_sigalgs_list(c, list)); });
  }
  int groups[] = {NID_X25519, NID_sha256};
  setter("groups by number",
         [&](SSL_CTX* c) { return static_cast<int>(SSL_CTX_set1_groups(c, groups, 2)); });
  setter("min version", [](SSL_CTX* c) { return SSL_CTX_set_min_proto_version(c, 0x0399); });
  setter("max version", [](SSL_CTX* c) { return SSL_CTX_set_max_proto_version(c, 1); });
}

void bad_files() {
  std::string none = fixture("no-such-file"), key = fixture("server-p256.key"),
              certificate = fixture("server-p256.pem"), text_file = fixture("make");
  setter("no certificate file", [&](SSL_CTX* c) {
    return SSL_CTX_use_certificate_file(c, none.c_str(), SSL_FILETYPE_PEM);
  });
  setter("no chain file",
         [&](SSL_CTX* c) { return SSL_CTX_use_certificate_chain_file(c, none.c_str()); });
  setter("no key file", [&](SSL_CTX* c) {
    return SSL_CTX_use_PrivateKey_file(c, none.c_str(), SSL_FILETYPE_PEM);
  });
  setter("a key as certificate", [&](SSL_CTX* c) {
    return SSL_CTX_use_certificate_file(c, key.c_str(), SSL_FILETYPE_PEM);
  });
  setter("a certificate as key", [&](SSL_CTX* c) {
    return SSL_CTX_use_PrivateKey_file(c, certificate.c_str(), SSL_FILETYPE_PEM);
  });
  setter("a script as chain",
         [&](SSL_CTX* c) { return SSL_CTX_use_certificate_chain_file(c, text_file.c_str()); });
  setter("wrong file type",
         [&](SSL_CTX* c) { return SSL_CTX_use_certificate_file(c, certificate.c_str(), 99); });
  setter("PEM as ASN.1", [&](SSL_CTX* c) {
    return SSL_CTX_use_PrivateKey_file(c, key.c_str(), SSL_FILETYPE_ASN1);
  });
  setter("no file of roots", [&](SSL_CTX* c) { return SSL_CTX_load_verify_file(c, none.c_str()); });
  setter("neither file nor folder",
         [&](SSL_CTX* c) { return SSL_CTX_load_verify_locations(c, nullptr, nullptr); });
}

void certificate_and_key() {
  setter("key of another certificate",
         [](SSL_CTX* c) { return SSL_CTX_use_PrivateKey(c, read_key("server-stranger").get()); });
  setter("no certificate", [](SSL_CTX* c) { return SSL_CTX_use_certificate(c, nullptr); });
  setter("no key", [](SSL_CTX* c) { return SSL_CTX_use_PrivateKey(c, nullptr); });
  Owned<SSL_CTX> context = new_context();
  out("check without either: %s", answer(SSL_CTX_check_private_key(context.get())).c_str());
  SSL_CTX_use_PrivateKey(context.get(), read_key("server-p256").get());
  out("check without certificate: %s", answer(SSL_CTX_check_private_key(context.get())).c_str());
  out("key before certificate: %d",
      SSL_CTX_use_certificate(context.get(), read_certificate("server-p256").get()));
  out("check: %d", SSL_CTX_check_private_key(context.get()));
  out("another certificate: %d",
      SSL_CTX_use_certificate(context.get(), read_certificate("client-p256").get()));
  out("check: %s", answer(SSL_CTX_check_private_key(context.get())).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"get-error-without-a-call", get_error_without_a_call},
              {"stale-error.want-read", stale_want_read},
              {"stale-error.success", stale_success},
              {"stale-error.end", stale_end},
              {"stale-error.handshake", stale_handshake},
              {"after-a-failed-handshake", after_a_failed_handshake},
              {"after-a-failed-read", after_a_failed_read},
              {"input.server-waits-for-hello", [] { inputs(true, 0); }},
              {"input.client-waits-for-hello", [] { inputs(false, 1); }},
              {"input.server-waits-for-finished", [] { inputs(true, 2); }},
              {"input.client-connected", [] { inputs(false, 3); }},
              {"input.server-connected", [] { inputs(true, 3); }},
              {"null-arguments", null_arguments},
              {"bad-strings", bad_strings},
              {"bad-files", bad_files},
              {"certificate-and-key", certificate_and_key}},
             argc, argv);
}
