// Callbacks and their arguments: what can be asked for, what SSL_new takes from the context, and
// which of them a handshake of an SSL with its own calls.
#include <openssl/dh.h>
#include <openssl/engine.h>
#include <openssl/pem.h>

#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

void key_line(const SSL*, const char*) {}

void key_log() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  out("none: %d", SSL_CTX_get_keylog_callback(context.get()) != nullptr);
  SSL_CTX_set_keylog_callback(context.get(), key_line);
  out("set: %d", SSL_CTX_get_keylog_callback(context.get()) == key_line);
  SSL_CTX_set_keylog_callback(context.get(), nullptr);
  out("gone: %d", SSL_CTX_get_keylog_callback(context.get()) != nullptr);
}

int async_done(SSL*, void*) {
  return 1;
}

// No job runs: the callback is set and never called.
void async() {
  int argument = 0;
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  out("context: %d %d, nothing %d %d", SSL_CTX_set_async_callback(context.get(), async_done),
      SSL_CTX_set_async_callback_arg(context.get(), &argument),
      SSL_CTX_set_async_callback(context.get(), nullptr),
      SSL_CTX_set_async_callback_arg(context.get(), nullptr));
  out("ssl: %d %d, nothing %d %d", SSL_set_async_callback(ssl.get(), async_done),
      SSL_set_async_callback_arg(ssl.get(), &argument), SSL_set_async_callback(ssl.get(), nullptr),
      SSL_set_async_callback_arg(ssl.get(), nullptr));
  out("left [%s]", errors().c_str());
}

void security_data() {
  int one = 0, two = 0;
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> before(SSL_new(context.get()));
  out("none: %d %d", SSL_CTX_get0_security_ex_data(context.get()) != nullptr,
      SSL_get0_security_ex_data(before.get()) != nullptr);
  SSL_CTX_set0_security_ex_data(context.get(), &one);
  Owned<SSL> after(SSL_new(context.get()));
  out("context's: %d, before %d, after %d", SSL_CTX_get0_security_ex_data(context.get()) == &one,
      SSL_get0_security_ex_data(before.get()) == &one,
      SSL_get0_security_ex_data(after.get()) == &one);
  SSL_set0_security_ex_data(after.get(), &two);
  out("own: %d, context's %d", SSL_get0_security_ex_data(after.get()) == &two,
      SSL_CTX_get0_security_ex_data(context.get()) == &one);
  Owned<SSL> copy(SSL_dup(after.get()));
  out("copy: %d", SSL_get0_security_ex_data(copy.get()) == &two);
  SSL_CTX_set0_security_ex_data(context.get(), nullptr);
  out("gone: %d, own still %d", SSL_CTX_get0_security_ex_data(context.get()) != nullptr,
      SSL_get0_security_ex_data(after.get()) == &two);
}

int asked;
void* asked_with;
int allow_all(const SSL*, const SSL_CTX*, int, int, int, void*, void* data) {
  asked++;
  asked_with = data;
  return 1;
}
int allow_none(const SSL*, const SSL_CTX*, int, int, int, void*, void*) {
  return 0;
}

void security_callback() {
  int data = 0;
  Peers peers = make_peers(
      {.client_context = [](SSL_CTX* c) { SSL_CTX_set_security_callback(c, allow_none); }});
  SSL* client = peers.client.get();
  auto found = SSL_get_security_callback(client);
  out("the context's: %d", found == allow_none);
  Owned<SSL> copy(SSL_dup(client));
  out("the copy's: %d", SSL_get_security_callback(copy.get()) == allow_none);
  SSL_set_security_callback(client, allow_all);
  SSL_set0_security_ex_data(client, &data);
  out("own: %d, the context's %d", SSL_get_security_callback(client) == allow_all,
      SSL_CTX_get_security_callback(peers.client_context.get()) == allow_none);
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
  out("asked %d, with its data %d", asked > 0, asked_with == &data);
  Peers refused = make_peers();
  SSL_set_security_callback(refused.client.get(), allow_none);
  link_memory(refused);
  out("allowing nothing: %s", handshake(refused).said().c_str());
}

unsigned client_key(SSL*, const char* hint, char* identity, unsigned size, unsigned char* key,
                    unsigned room) {
  out("  client asked: hint %s, room %u and %u", hint ? hint : "none", size, room);
  std::snprintf(identity, size, "somebody");
  std::memcpy(key, "0123456789abcdef", 16);
  return 16;
}

unsigned server_key(SSL* ssl, const char* identity, unsigned char* key, unsigned room) {
  out("  server asked: %s, room %u, identity kept %d", identity, room,
      SSL_get_psk_identity(ssl) != nullptr);
  std::memcpy(key, "0123456789abcdef", 16);
  return 16;
}

unsigned no_client_key(SSL*, const char*, char*, unsigned, unsigned char*, unsigned) {
  return 0;
}

unsigned no_server_key(SSL*, const char*, unsigned char*, unsigned) {
  return 0;
}

// The callbacks of an SSL stand in place of its context's.
void pre_shared_keys() {
  for (const char* suites : {"PSK-AES128-CBC-SHA256", "ECDHE-PSK-AES128-CBC-SHA256"}) {
    for (bool own : {false, true}) {
      out("%s, own %d", suites, own);
      auto configure = [=](SSL_CTX* c) {
        SSL_CTX_set_cipher_list(c, suites);
        SSL_CTX_set_psk_client_callback(c, no_client_key);
        SSL_CTX_set_psk_server_callback(c, no_server_key);
      };
      Peers peers = make_peers(
          at_version(TLS1_2_VERSION, {.client_context = configure, .server_context = configure}));
      if (own) {
        SSL_set_psk_client_callback(peers.client.get(), client_key);
        SSL_set_psk_server_callback(peers.server.get(), server_key);
        SSL_use_psk_identity_hint(peers.server.get(), "a hint");
      }
      link_memory(peers);
      tell_with_alerts(peers, "handshake");
      for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
        const char* identity = SSL_get_psk_identity(ssl);
        const char* hint = SSL_get_psk_identity_hint(ssl);
        out("  identity %s, hint %s", identity ? identity : "none", hint ? hint : "none");
      }
    }
  }
}

// A client without a callback offers no such suite, a server without one shares none.
void no_pre_shared_keys() {
  for (bool client : {true, false}) {
    Peers peers = make_peers(at_version(
        TLS1_2_VERSION,
        {.client_context = [](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, "PSK-AES128-CBC-SHA256"); },
         .server_context =
             [](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, "PSK-AES128-CBC-SHA256"); }}));
    SSL_set_psk_client_callback(peers.client.get(), client ? nullptr : client_key);
    SSL_set_psk_server_callback(peers.server.get(), client ? server_key : nullptr);
    link_memory(peers);
    tell_with_alerts(peers, client ? "no client's callback" : "no server's callback");
  }
}

int find_session(SSL*, const unsigned char*, size_t, SSL_SESSION**) {
  out("  server asked for a session");
  return 0;
}

int use_session(SSL*, const EVP_MD*, const unsigned char**, size_t*, SSL_SESSION**) {
  out("  client asked for a session");
  return 0;
}

// The callbacks of TLS 1.3 mean nothing below it.
void sessions_of_tls13() {
  for (bool own : {false, true}) {
    Peers peers = make_peers(at_version(
        TLS1_2_VERSION, {.client_context =
                             [=](SSL_CTX* c) {
                               SSL_CTX_set_psk_use_session_callback(c, own ? nullptr : use_session);
                             },
                         .server_context =
                             [=](SSL_CTX* c) {
                               SSL_CTX_set_psk_find_session_callback(c,
                                                                     own ? nullptr : find_session);
                             }}));
    if (own) {
      SSL_set_psk_use_session_callback(peers.client.get(), use_session);
      SSL_set_psk_find_session_callback(peers.server.get(), find_session);
    }
    link_memory(peers);
    tell_handshake(peers, own ? "own" : "the context's");
  }
}

size_t to_hundred(SSL*, int type, size_t length, void* argument) {
  return static_cast<const char*>(argument)[0] == 'y' && type == SSL3_RT_APPLICATION_DATA
             ? 100 - length % 100
             : 0;
}

// The argument is the one of the SSL, which SSL_new takes from the context.
void padding_arguments() {
  static char yes[] = "yes", no[] = "no";
  for (int own : {0, 1, 2}) {
    Peers peers = make_peers({.client_context = [](SSL_CTX* c) {
      SSL_CTX_set_record_padding_callback(c, to_hundred);
      SSL_CTX_set_record_padding_callback_arg(c, yes);
    }});
    SSL* client = peers.client.get();
    if (own == 1) SSL_set_record_padding_callback_arg(client, no);
    if (own == 2) {
      SSL_CTX_set_record_padding_callback_arg(peers.client_context.get(), no);
      out("callback: %d", SSL_set_record_padding_callback(client, to_hundred));
    }
    out("%d: context's argument %s, own %s", own,
        static_cast<char*>(SSL_CTX_get_record_padding_callback_arg(peers.client_context.get())),
        static_cast<char*>(SSL_get_record_padding_callback_arg(client)));
    link_memory(peers);
    handshake(peers);
    uint64_t before = BIO_number_written(SSL_get_wbio(client));
    SSL_write(client, "hello", 5);
    out("  record of %lu bytes",
        static_cast<unsigned long>(BIO_number_written(SSL_get_wbio(client)) - before));
  }
}

int allow_early(SSL*, void*) {
  out("  early data asked about");
  return 1;
}

// Without early data nobody asks.
void early_data() {
  Peers peers = make_peers(
      {.server_context = [](SSL_CTX* c) { SSL_CTX_set_allow_early_data_cb(c, allow_early, c); }});
  SSL_set_allow_early_data_cb(peers.server.get(), allow_early, nullptr);
  link_memory(peers);
  tell_handshake(peers, "with callbacks");
}

int hello_extensions(SSL* ssl, int*, void*) {
  const unsigned char* data = nullptr;
  size_t size = 99;
  int there = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_post_handshake_auth, &data, &size);
  out("  post_handshake_auth in the hello: %d", there);
  return 1;
}

// A hello of TLS 1.2 has the extension in no case.
void post_handshake_auth() {
  for (int of_context : {0, 1, 7}) {
    Peers peers = make_peers(at_version(
        TLS1_2_VERSION,
        {.client_context = [=](SSL_CTX* c) { SSL_CTX_set_post_handshake_auth(c, of_context); },
         .server_context =
             [](SSL_CTX* c) { SSL_CTX_set_client_hello_cb(c, hello_extensions, nullptr); }}));
    SSL_set_post_handshake_auth(peers.client.get(), 1 - of_context);
    link_memory(peers);
    tell_handshake(peers, "handshake");
  }
}

int not_resumable(SSL* ssl, int forward_secure) {
  out("  %s asked, forward secure %d, cipher %s", SSL_is_server(ssl) ? "server" : "client",
      forward_secure, SSL_get_cipher_name(ssl));
  return 1;
}
int resumable(SSL*, int) {
  out("  asked");
  return 0;
}

// SSL_CTX_set_not_resumable_session_callback(3): the server's answer makes a session of one use.
void not_resumable_sessions() {
  for (bool tickets : {false, true}) {
    for (const char* suite : {"ECDHE-RSA-AES128-GCM-SHA256", "AES128-GCM-SHA256"}) {
      for (bool own : {false, true}) {
        out("tickets %d, %s, own %d", tickets, suite, own);
        auto both = [=](SSL_CTX* c) {
          allow_resumption(c, tickets);
          SSL_CTX_set_cipher_list(c, suite);
          SSL_CTX_set_not_resumable_session_callback(c, own ? not_resumable : resumable);
        };
        Peers peers = make_peers(
            at_version(TLS1_2_VERSION, {.client_context = both, .server_context = both}));
        SSL_set_not_resumable_session_callback(peers.server.get(), own ? resumable : not_resumable);
        link_memory(peers);
        tell_handshake(peers, "first");
        SSL_SESSION* session = SSL_get0_session(peers.client.get());
        unsigned length = 0;
        SSL_SESSION_get_id(session, &length);
        out("  resumable %d, id of %u bytes, ticket %d", SSL_SESSION_is_resumable(session), length,
            SSL_SESSION_has_ticket(session));
        renew_with_session(peers);
        link_memory(peers);
        tell_handshake(peers, "second");
      }
    }
  }
}

DH* no_parameters(SSL*, int, int) {
  out("  no parameters");
  return nullptr;
}

DH* own_parameters(SSL*, int is_export, int bits) {
  static DH* parameters = [] {
    DH* made = DH_new_by_nid(NID_ffdhe2048);
    return made;
  }();
  out("  asked for parameters: export %d, %d bits", is_export, bits);
  return parameters;
}

// The callback of an SSL stands in place of its context's; fixed parameters come before both.
void dh_callbacks() {
  for (bool own : {false, true}) {
    for (bool gives : {false, true}) {
      out("own %d, gives %d", own, gives);
      Peers peers = make_peers(at_version(
          TLS1_2_VERSION,
          {.client_context =
               [](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, "DHE-RSA-AES128-GCM-SHA256"); },
           .server_context =
               [=](SSL_CTX* c) {
                 SSL_CTX_set_cipher_list(c, "DHE-RSA-AES128-GCM-SHA256");
                 SSL_CTX_set_tmp_dh_callback(c, own == gives ? no_parameters : own_parameters);
               }}));
      if (own) {
        SSL_set_tmp_dh_callback(peers.server.get(), gives ? own_parameters : no_parameters);
      }
      link_memory(peers);
      tell_with_alerts(peers, "handshake");
    }
  }
}

int password_asked;
int password(char* buffer, int size, int for_writing, void* argument) {
  password_asked++;
  out("  password of %d bytes, for writing %d", size, for_writing);
  return std::snprintf(buffer, static_cast<size_t>(size), "%s", static_cast<const char*>(argument));
}

void passwords() {
  char path[] = "/tmp/twin-key-XXXXXX", right[] = "open sesame", wrong[] = "knock";
  close(mkstemp(path));
  FILE* file = std::fopen(path, "w");
  PEM_write_PKCS8PrivateKey(file, read_key("server-p256").get(), EVP_aes_128_cbc(), right, 11,
                            nullptr, nullptr);
  std::fclose(file);
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  out("none: %d %d", SSL_get_default_passwd_cb(ssl.get()) != nullptr,
      SSL_get_default_passwd_cb_userdata(ssl.get()) != nullptr);
  SSL_set_default_passwd_cb(ssl.get(), password);
  for (char* answer : {wrong, right}) {
    SSL_set_default_passwd_cb_userdata(ssl.get(), answer);
    int used = SSL_use_PrivateKey_file(ssl.get(), path, SSL_FILETYPE_PEM);
    out("%s: %d [%s]", answer, used, errors().c_str());
  }
  out("set: %d, context's %d, asked %d times", SSL_get_default_passwd_cb(ssl.get()) == password,
      SSL_CTX_get_default_passwd_cb(context.get()) != nullptr, password_asked);
  unlink(path);
}

void engines() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  int set = SSL_CTX_set_client_cert_engine(context.get(), nullptr);
  out("none: %d [%s]", set, errors().c_str());
  ENGINE* engine = ENGINE_new();
  ENGINE_set_id(engine, "twin");
  ENGINE_set_name(engine, "an engine without certificates");
  set = SSL_CTX_set_client_cert_engine(context.get(), engine);
  out("without certificates: %d [%s]", set, errors().c_str());
  ENGINE_free(engine);
}

void test_functions() {
  out("there: %d", SSL_test_functions() != nullptr);
  SSL_add_ssl_module();
  out("left [%s]", errors().c_str());
}

// Without kernel TLS no file can be sent.
void send_file() {
  for (bool at_once : {false, true}) {
    Peers peers = make_peers();
    SSL* client = peers.client.get();
    link_memory(peers);
    if (!at_once) handshake(peers);
    FILE* file = std::tmpfile();
    std::fputs("hello", file);
    std::fflush(file);
    auto sent = static_cast<int>(SSL_sendfile(client, fileno(file), 0, 5, 0));
    out("at once %d: %s", at_once, outcome(client, sent).c_str());
    SSL_shutdown(client);
    errors();
    sent = static_cast<int>(SSL_sendfile(client, fileno(file), 0, 5, 0));
    out("after the end: %s", outcome(client, sent).c_str());
    std::fclose(file);
  }
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  auto sent = static_cast<int>(SSL_sendfile(ssl.get(), 0, 0, 5, 0));
  out("no role: %s", outcome(ssl.get(), sent).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"key_log", key_log},
              {"async", async},
              {"security_data", security_data},
              {"security_callback", security_callback},
              {"pre_shared_keys", pre_shared_keys},
              {"no_pre_shared_keys", no_pre_shared_keys},
              {"sessions_of_tls13", sessions_of_tls13},
              {"padding_arguments", padding_arguments},
              {"early_data", early_data},
              {"post_handshake_auth", post_handshake_auth},
              {"not_resumable_sessions", not_resumable_sessions},
              {"dh_callbacks", dh_callbacks},
              {"passwords", passwords},
              {"engines", engines},
              {"test_functions", test_functions},
              {"send_file", send_file}},
             argc, argv);
}
