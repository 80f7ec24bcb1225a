// Handshakes by Secure Remote Password, RFC 5054: what works, what is refused and how.
#include "support/srp.h"

namespace {
using namespace twin;

constexpr const char* kGroups[] = {"1024", "1536", "2048", "3072", "4096", "6144", "8192"};

/// One handshake with what both ends say.
void tell(const char* title, const Srp& how) {
  how.server.said.clear();
  Peers peers = srp_peers(how);
  link_memory(peers);
  Result result = tell_with_alerts(peers, title);
  print("  server", how.server.said);
  if (!result.good()) return;
  out("  client: %s, %s", srp_line(peers.client.get()).c_str(),
      session_user(peers.client.get()).c_str());
  out("  server: %s, %s", srp_line(peers.server.get()).c_str(),
      session_user(peers.server.get()).c_str());
}

void suites() {
  struct Kind {
    const char *suite, *certificate;
  };
  for (int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION}) {
    for (Kind kind : {Kind{"SRP-AES-128-CBC-SHA", ""}, Kind{"SRP-AES-256-CBC-SHA", ""},
                      Kind{"SRP-RSA-AES-128-CBC-SHA", "server-rsa"},
                      Kind{"SRP-RSA-AES-256-CBC-SHA", "server-rsa"},
                      Kind{"SRP-DSS-AES-128-CBC-SHA", "server-dsa"},
                      Kind{"SRP-DSS-AES-256-CBC-SHA", "server-dsa"}}) {
      SrpServer server;
      tell(text("%s %s", version_text(version), kind.suite).c_str(),
           {.server = server,
            .version = version,
            .suite = kind.suite,
            .certificate = kind.certificate});
    }
  }
}

void groups() {
  for (const char* group : kGroups) {
    SrpServer server{.group = group};
    tell(group, {.server = server});
  }
}

/// Neither side's certificate nor suite is there.
void nothing_shared() {
  SrpServer server;
  tell("no RSA certificate", {.server = server, .suite = "SRP-RSA-AES-128-CBC-SHA"});
  tell("an ECDSA certificate",
       {.server = server, .suite = "SRP-RSA-AES-128-CBC-SHA", .certificate = "server-p256"});
  tell("SRP off at the server",
       {.server = server, .more = [](SSL_CTX* c) { SSL_CTX_SRP_CTX_free(c); }});
  tell("SRP off at the client", {.server = server, .client = [](SSL_CTX*) {}});
  tell("only a password at the client", {.server = server, .client = [](SSL_CTX* c) {
                                           SSL_CTX_set_srp_password(c, const_cast<char*>("x"));
                                         }});
}

void preferences() {
  for (const char* suite : {"SRP:ECDHE", "ECDHE:SRP", "SRP:!aSRP", "kSRP+aRSA:ECDHE"}) {
    SrpServer server;
    tell(suite, {.server = server, .suite = suite, .certificate = "server-rsa"});
  }
}

void wrong_secrets() {
  SrpServer server;
  tell("wrong password", {.server = server, .client = [](SSL_CTX* c) { log_in(c, "user", "no"); }});
  tell("empty password", {.server = server, .client = [](SSL_CTX* c) { log_in(c, "user", ""); }});
  tell("unknown user",
       {.server = server, .client = [](SSL_CTX* c) { log_in(c, "nobody", "secret"); }});
  tell("no password", {.server = server, .client = [](SSL_CTX* c) {
                         SSL_CTX_set_srp_username(c, const_cast<char*>("user"));
                       }});
  tell("no user name", {.server = server, .client = [](SSL_CTX* c) {
                          SSL_CTX_set_srp_password(c, const_cast<char*>("secret"));
                          SSL_CTX_set_srp_cb_arg(c, nullptr);
                        }});
  tell("password callback without a password",
       {.server = server, .client = [](SSL_CTX* c) {
          log_in(c);
          SSL_CTX_set_srp_client_pwd_callback(c, [](SSL*, void*) -> char* { return nullptr; });
        }});
  tell("password callback", {.server = server, .client = [](SSL_CTX* c) {
                               log_in(c, "user", "other");
                               SSL_CTX_set_srp_client_pwd_callback(c, [](SSL* ssl, void*) {
                                 out("  asked: %s", srp_line(ssl).c_str());
                                 return OPENSSL_strdup("secret");
                               });
                             }});
}

void server_answers() {
  for (int answer : {-7, SSL_ERROR_NONE, SSL3_AL_WARNING, SSL3_AL_FATAL, 3}) {
    for (int alert : {-1, SSL_AD_ACCESS_DENIED}) {
      SrpServer server{.answer = answer, .alert = alert};
      tell(text("answer %d, alert %d", answer, alert).c_str(), {.server = server});
    }
  }
  SrpServer silent{.gives_parameters = false};
  tell("no parameters", {.server = silent});
  SrpServer server;
  tell("no callback", {.server = server,
                       .more = [](SSL_CTX* c) { SSL_CTX_set_srp_username_callback(c, nullptr); }});
  SrpServer by_password{
      .gives = [](SSL* ssl) { SSL_set_srp_server_param_pw(ssl, "user", "secret", "2048"); }};
  tell("of a password", {.server = by_password});
}

/// SSL_srp_server_param_with_username in another callback, and none of SRP's.
void from_certificate_callback() {
  SrpServer server;
  Peers peers = srp_peers({.server = server, .more = [](SSL_CTX* c) {
                             SSL_CTX_set_srp_username_callback(c, nullptr);
                           }});
  SSL_set_cert_cb(
      peers.server.get(),
      [](SSL* ssl, void*) {
        int alert = -1;
        out("  user %s", SSL_get_srp_username(ssl));
        Verifier("user", "secret").give(ssl);
        out("  with user name: %d", SSL_srp_server_param_with_username(ssl, &alert));
        return 1;
      },
      nullptr);
  link_memory(peers);
  tell_with_alerts(peers, "parameters from the certificate callback");
}

void client_judges() {
  for (int strength : {0, 1024, 1025, 2048}) {
    for (int callback : {-2, -1, 0, 1}) {  // -2: none
      SrpServer server;
      tell(text("strength %d, callback %d", strength, callback).c_str(),
           {.server = server, .client = [&](SSL_CTX* c) {
              log_in(c);
              SSL_CTX_set_srp_strength(c, strength);
              if (callback == -2) return;
              SSL_CTX_set_srp_cb_arg(c, &callback);
              SSL_CTX_set_srp_verify_param_callback(c, [](SSL* ssl, void* argument) {
                out("  asked: %s", srp_line(ssl).c_str());
                return *static_cast<int*>(argument);
              });
            }});
    }
  }
}

/// A prime that is in no list.
void unknown_group() {
  Number prime(BN_new());
  BN_hex2bn(std::unique_ptr<BIGNUM*>(new BIGNUM*(prime.get())).get(),
            "C196BA05AC29E1F9C3C72D56DFFC6154A033F1477AC88EC37F09BE6C5BB95F51C296DD20D1A28A06"
            "7CCC4D4316A4BD1DCA55ED1066D438C35AEBAABA9F1F3A6B");
  SrpServer server{.gives = [&](SSL* ssl) {
    Number salt = number_of(kSalt), verifier, generator = small(2);
    BIGNUM *s = salt.get(), *v = nullptr;
    SRP_create_verifier_BN("user", "secret", &s, &v, prime.get(), generator.get());
    verifier.reset(v);
    SSL_set_srp_server_param(ssl, prime.get(), generator.get(), salt.get(), verifier.get(),
                             nullptr);
  }};
  for (int strength : {512, 1024}) {
    for (bool callback : {false, true}) {
      tell(text("strength %d, callback %d", strength, callback).c_str(),
           {.server = server, .client = [&](SSL_CTX* c) {
              log_in(c);
              SSL_CTX_set_srp_strength(c, strength);
              if (callback) SSL_CTX_set_srp_verify_param_callback(c, [](SSL*, void*) { return 1; });
            }});
    }
  }
}

void retries() {
  SrpServer server{.retries = 2};
  Peers peers = srp_peers({.server = server});
  Log info;
  info.watch_info(peers.server.get());
  link_memory(peers);
  Result result = handshake(peers, [](const Side& side) {
    out("%s: %s, want %d, %s", SSL_is_server(side.ssl) ? "server" : "client", side.said().c_str(),
        SSL_want(side.ssl), SSL_state_string_long(side.ssl));
  });
  out("%s", result.said().c_str());
  print("server", server.said);
  print("server's info", info.lines);
}

void events() {
  for (const char* suite : {"SRP-AES-128-CBC-SHA", "SRP-RSA-AES-128-CBC-SHA"}) {
    SrpServer server;
    Peers peers = srp_peers({.server = server, .suite = suite, .certificate = "server-rsa"});
    SSL_set_verify(peers.server.get(), SSL_VERIFY_PEER, nullptr);
    Log client, accepting, client_info, server_info;
    client.watch_messages(peers.client.get());
    accepting.watch_messages(peers.server.get());
    client_info.watch_info(peers.client.get());
    server_info.watch_info(peers.server.get());
    link_memory(peers);
    out("%s: %s", suite, handshake(peers).said().c_str());
    print("client", client.lines);
    print("server", accepting.lines);
    print("client's info", client_info.lines);
    print("server's info", server_info.lines);
  }
}

/// The callback's answer counts for a session too.
void resumption() {
  for (bool tickets : {false, true}) {
    SrpServer server;
    Peers peers = srp_peers({.server = server,
                             .client =
                                 [&](SSL_CTX* c) {
                                   allow_resumption(c, tickets);
                                   log_in(c);
                                 },
                             .more = [&](SSL_CTX* c) { allow_resumption(c, tickets); }});
    auto again = [&](const char* title) {
      server.said.clear();
      link_memory(peers);
      tell_with_alerts(peers, title);
      print("  server", server.said);
      for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
        out("  %s, %s", srp_line(ssl).c_str(), session_user(ssl).c_str());
      }
    };
    out("tickets %d", tickets);
    again("full");
    renew_with_session(peers);
    again("resumed");
    renew_with_session(peers);
    SSL_SRP_CTX_free(peers.client.get());
    again("without a user name");
    renew(peers);
    again("full again");
    renew_with_session(peers);
    server.answer = SSL3_AL_FATAL;
    again("no longer known");
  }
}

/// SSL_clear, and another connection.
void cleared() {
  for (const SSL_METHOD* method : {TLS_method(), TLSv1_2_method()}) {
    SrpServer server;
    Peers peers = srp_peers({.server = server});
    SSL_CTX_set_ssl_version(peers.client_context.get(), method);
    SSL_CTX_set_ssl_version(peers.server_context.get(), method);
    for (SSL_CTX* c : {peers.client_context.get(), peers.server_context.get()}) {
      SSL_CTX_set_cipher_list(c, "SRP-AES-128-CBC-SHA:@SECLEVEL=0");
    }
    renew(peers);
    link_memory(peers);
    tell_handshake(peers, "first");
    log_in(peers.client_context.get(), "nobody", "else");
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      int result = SSL_clear(ssl);
      out("SSL_clear %d: %s", result, srp_line(ssl).c_str());
    }
    link_memory(peers);
    tell_handshake(peers, "second");
  }
}

void renegotiated() {
  SrpServer server;
  Peers peers = srp_peers({.server = server, .more = [](SSL_CTX* c) {
                             SSL_CTX_set_options(c, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
                           }});
  link_memory(peers);
  tell_handshake(peers, "first");
  for (SSL* starts : {peers.client.get(), peers.server.get()}) {
    server.said.clear();
    out("asked: %d, %d", SSL_renegotiate(starts), SSL_do_handshake(starts));
    for (int i = 0; i < 3; i++) {
      read_said(peers.server.get());
      read_said(peers.client.get());
    }
    print("server", server.said);
    out("client %ld, server %ld, %s", SSL_num_renegotiations(peers.client.get()),
        SSL_num_renegotiations(peers.server.get()),
        transfer(peers.client.get(), peers.server.get(), sample(100)).c_str());
    out("%s", srp_line(peers.server.get()).c_str());
  }
}

// --- Numbers on the way ---

using Change = std::function<void(unsigned char* body, size_t size)>;

/// Lets `change` at the body of the handshake message of `type` in what waits to be read.
bool change_message(BIO* wire, int type, const Change& change) {
  unsigned char* data = nullptr;
  size_t size = static_cast<size_t>(BIO_get_mem_data(wire, &data));
  for (size_t at = 0; at + 9 <= size;) {
    size_t length = static_cast<size_t>(data[at + 3] << 8 | data[at + 4]);
    if (data[at] == SSL3_RT_HANDSHAKE && data[at + 5] == type) {
      change(data + at + 9, length - 4);
      return true;
    }
    at += 5 + length;
  }
  return false;
}

void changed(const char* title, int type, const Change& change) {
  SrpServer server;
  Peers peers = srp_peers({.server = server});
  link_memory(peers);
  Alerts alerts[2];
  alerts[0].watch(peers.client.get());
  alerts[1].watch(peers.server.get());
  bool done = false;
  Result result = handshake(peers, [&](const Side& side) {
    done = done || change_message(SSL_get_wbio(side.ssl), type, change);
  });
  out("%s: changed %d, %s", title, done, result.said().c_str());
  out("  alerts: client %s | server %s", alerts[0].text_or_none(), alerts[1].text_or_none());
}

unsigned char* vector16(unsigned char* at, size_t& size) {
  size = static_cast<size_t>(at[0] << 8 | at[1]);
  return at + 2;
}

/// Where one of the numbers of a ServerKeyExchange is.
unsigned char* number_at(unsigned char* body, char name, size_t& size) {
  unsigned char* at = vector16(body, size);
  if (name == 'N') return at;
  at = vector16(at + size, size);
  if (name == 'g') return at;
  size_t salt = at[size];
  at += size + 1;
  size = salt;
  return name == 's' ? at : vector16(at + salt, size);
}

/// RFC 5054 2.5.3 and 2.5.4.
void bad_numbers() {
  for (int value : {0x00, 0xff}) {
    for (char name : {'N', 'g', 's', 'B'}) {
      changed(text("%c of %02x", name, value).c_str(), SSL3_MT_SERVER_KEY_EXCHANGE,
              [&](unsigned char* body, size_t) {
                size_t size = 0;
                unsigned char* at = number_at(body, name, size);
                std::memset(at, value, size);
              });
    }
    changed(text("A of %02x", value).c_str(), SSL3_MT_CLIENT_KEY_EXCHANGE,
            [&](unsigned char* body, size_t size) { std::memset(body + 2, value, size - 2); });
  }
  changed("A is N", SSL3_MT_CLIENT_KEY_EXCHANGE, [](unsigned char* body, size_t size) {
    const BIGNUM* prime = SRP_get_default_gN("1024")->N;
    // An A that came without its leading zeros leaves no room for N; 0 is the same modulo N.
    if (BN_bn2binpad(prime, body + 2, static_cast<int>(size - 2)) < 0) {
      std::memset(body + 2, 0, size - 2);
    }
  });
  changed("A is 1", SSL3_MT_CLIENT_KEY_EXCHANGE, [](unsigned char* body, size_t size) {
    std::memset(body + 2, 0, size - 2);
    body[size - 1] = 1;
  });
  changed("N with another bit", SSL3_MT_SERVER_KEY_EXCHANGE, [](unsigned char* body, size_t) {
    size_t size = 0;
    number_at(body, 'N', size)[size - 1] ^= 2;
  });
  changed("A too long", SSL3_MT_CLIENT_KEY_EXCHANGE,
          [](unsigned char* body, size_t) { body[0] ^= 0x40; });
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run(
      {
          {"suites", suites},
          {"groups", groups},
          {"nothing_shared", nothing_shared},
          {"preferences", preferences},
          {"wrong_secrets", wrong_secrets},
          {"server_answers", server_answers},
          {"from_certificate_callback", from_certificate_callback},
          {"client_judges", client_judges},
          {"unknown_group", unknown_group},
          {"retries", retries},
          {"events", events},
          {"resumption", resumption},
          {"cleared", cleared},
          {"renegotiated", renegotiated},
          {"bad_numbers", bad_numbers},
      },
      argc, argv);
}
