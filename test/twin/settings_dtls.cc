// Settings of contexts with the methods of DTLS: which ciphers are there and which are left, bounds
// of versions by SSL_CONF_cmd(3), and groups and schemes that are shared.
#include "support/dtls_time.h"

namespace {
using namespace twin;

struct Named {
  const char* name;
  const SSL_METHOD* method;
};

std::vector<Named> methods() {
  return {{"any", DTLS_method()},
          {"any client", DTLS_client_method()},
          {"any server", DTLS_server_method()},
          {"1.2", DTLSv1_2_method()},
          {"1.0", DTLSv1_method()}};
}

std::string names(const STACK_OF(SSL_CIPHER) * ciphers) {
  std::string all;
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
    all += text(" %s", SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i)));
  }
  return all;
}

void tell_supported(SSL* ssl) {
  STACK_OF(SSL_CIPHER)* supported = SSL_get1_supported_ciphers(ssl);
  out("  supported %d:%s", supported ? sk_SSL_CIPHER_num(supported) : -1, names(supported).c_str());
  sk_SSL_CIPHER_free(supported);
}

unsigned client_psk(SSL*, const char*, char*, unsigned, unsigned char*, unsigned) {
  return 0;
}
unsigned server_psk(SSL*, const char*, unsigned char*, unsigned) {
  return 0;
}

void ciphers() {
  for (const Named& one : methods()) {
    for (const char* list : {"ALL", "DEFAULT", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "AESGCM+AES128",
                             "TLSv1.2", "kRSA:@SECLEVEL=3", "NULL:@SECLEVEL=0"}) {
      Owned<SSL_CTX> context(SSL_CTX_new(one.method));
      out("%s, %s: %s", one.name, list,
          answer(SSL_CTX_set_cipher_list(context.get(), list)).c_str());
      Owned<SSL> ssl(SSL_new(context.get()));
      out("  all %d, of the context %d", sk_SSL_CIPHER_num(SSL_get_ciphers(ssl.get())),
          sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(context.get())));
      tell_supported(ssl.get());
      SSL_set_psk_client_callback(ssl.get(), client_psk);
      SSL_set_psk_server_callback(ssl.get(), server_psk);
      tell_supported(ssl.get());
    }
  }
}

struct Bounds {
  int least, most;
  uint64_t options;
};
constexpr Bounds kBounds[] = {{0, 0, 0},
                              {DTLS1_VERSION, DTLS1_VERSION, 0},
                              {DTLS1_2_VERSION, DTLS1_2_VERSION, 0},
                              {DTLS1_2_VERSION, DTLS1_VERSION, 0},
                              {0, DTLS1_VERSION, 0},
                              {DTLS1_BAD_VER, 0, 0},
                              {0, 0, SSL_OP_NO_DTLSv1},
                              {0, 0, SSL_OP_NO_DTLSv1_2},
                              {0, 0, SSL_OP_NO_DTLSv1 | SSL_OP_NO_DTLSv1_2},
                              {0, 0, SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_1}};

void bounds() {
  for (const Named& one : methods()) {
    for (const Bounds& some : kBounds) {
      for (int level : {0, 1, 3}) {
        Owned<SSL_CTX> context(SSL_CTX_new(one.method));
        SSL_CTX_set_cipher_list(context.get(), "AESGCM:AES256-SHA:ECDHE-RSA-AES128-SHA");
        SSL_CTX_set_security_level(context.get(), level);
        long least = SSL_CTX_set_min_proto_version(context.get(), some.least);
        long most = SSL_CTX_set_max_proto_version(context.get(), some.most);
        SSL_CTX_set_options(context.get(), some.options);
        Owned<SSL> ssl(SSL_new(context.get()));
        out("%s, %x to %x without %lx, level %d: %ld %ld", one.name,
            static_cast<unsigned>(some.least), static_cast<unsigned>(some.most),
            static_cast<unsigned long>(some.options), level, least, most);
        tell_supported(ssl.get());
        out("  %s %s", SSL_get_version(ssl.get()), errors().c_str());
      }
    }
  }
}

// What DTLS was before it had an RFC, as the highest version.
void bad_version() {
  Owned<SSL_CTX> context(SSL_CTX_new(DTLS_method()));
  SSL_CTX_set_cipher_list(context.get(), "AES128-SHA");
  out("set %ld", SSL_CTX_set_max_proto_version(context.get(), DTLS1_BAD_VER));
  Owned<SSL> ssl(SSL_new(context.get()));
  tell_supported(ssl.get());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  int returned = SSL_accept(ssl.get());
  out("  server: %s", outcome(ssl.get(), returned).c_str());
}

// A context, and a connection, told by commands.
void commands() {
  const char* const kCommands[][2] = {
      {"MinProtocol", "DTLSv1.2"},  {"MinProtocol", "DTLSv1"},     {"MinProtocol", "TLSv1.2"},
      {"MaxProtocol", "DTLSv1"},    {"MaxProtocol", "DTLSv1.2"},   {"MaxProtocol", "TLSv1.3"},
      {"MinProtocol", "None"},      {"MaxProtocol", "DTLSv1.3"},   {"Protocol", "-DTLSv1"},
      {"Protocol", "-DTLSv1.2"},    {"Protocol", "-ALL,DTLSv1.2"}, {"Protocol", "DTLSv1,-TLSv1.2"},
      {"Options", "-SessionTicket"}};
  for (const Named& one : methods()) {
    for (const auto& command : kCommands) {
      Owned<SSL_CTX> context(SSL_CTX_new(one.method));
      Owned<SSL> ssl(SSL_new(context.get()));
      SSL_CONF_CTX* conf = SSL_CONF_CTX_new();
      SSL_CONF_CTX_set_flags(conf, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_CLIENT |
                                       SSL_CONF_FLAG_SERVER | SSL_CONF_FLAG_SHOW_ERRORS);
      SSL_CONF_CTX_set_ssl_ctx(conf, context.get());
      int of_context = SSL_CONF_cmd(conf, command[0], command[1]);
      std::string said = errors();
      SSL_CONF_CTX_set_ssl(conf, ssl.get());
      int of_connection = SSL_CONF_cmd(conf, command[0], command[1]);
      SSL_CONF_CTX_free(conf);
      out("%s, %s %s: %d [%s], %d [%s]", one.name, command[0], command[1], of_context, said.c_str(),
          of_connection, errors().c_str());
      out("  %lx to %lx, %lx to %lx, options %lx %lx", SSL_CTX_get_min_proto_version(context.get()),
          SSL_CTX_get_max_proto_version(context.get()), SSL_get_min_proto_version(ssl.get()),
          SSL_get_max_proto_version(ssl.get()),
          static_cast<unsigned long>(SSL_CTX_get_options(context.get())),
          static_cast<unsigned long>(SSL_get_options(ssl.get())));
    }
  }
}

// What both sides know of each other's groups, schemes and ciphers.
void shared() {
  for (int version : {DTLS1_VERSION, DTLS1_2_VERSION}) {
    Net net;
    auto both = [](const char* groups, const char* schemes) {
      return [=](SSL_CTX* context) {
        SSL_CTX_set1_groups_list(context, groups);
        SSL_CTX_set1_sigalgs_list(context, schemes);
        SSL_CTX_set_cipher_list(context, "ECDHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0");
      };
    };
    Peers peers = dtls_peers(
        net, version,
        {.client_context = both("X25519:P-256:P-384:ffdhe2048", "RSA+SHA256:ECDSA+SHA256:RSA+SHA1"),
         .server_context = both("P-384:ffdhe2048:P-256", "RSA-PSS+SHA256:RSA+SHA1:RSA+SHA256")});
    out("%s: %s", version_text(version), handshake(peers).said().c_str());
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      out("  shared groups %ld:", static_cast<long>(SSL_get_shared_group(ssl, -1)));
      for (int i = 0; i < 4; i++) out("    %ld", static_cast<long>(SSL_get_shared_group(ssl, i)));
      int groups[8] = {};
      long count = static_cast<long>(SSL_get1_groups(ssl, groups));
      for (long i = 0; i < count; i++) out("    peer's %d", groups[i]);
      int shared = SSL_get_shared_sigalgs(ssl, -1, nullptr, nullptr, nullptr, nullptr, nullptr);
      out("  shared schemes %d", shared);
      for (int i = 0; i < shared; i++) {
        int sign = 0, hash = 0, both_nid = 0;
        unsigned char low = 0, high = 0;
        SSL_get_shared_sigalgs(ssl, i, &sign, &hash, &both_nid, &low, &high);
        out("    %d %d %d %02x%02x", sign, hash, both_nid, high, low);
      }
      int own = 0, peers_own = 0;
      SSL_get_signature_nid(ssl, &own);
      SSL_get_peer_signature_nid(ssl, &peers_own);
      char ciphers[256] = "";
      const char* common = SSL_get_shared_ciphers(ssl, ciphers, sizeof ciphers);
      out("  signed %d %d, group %ld, shared ciphers %s", own, peers_own,
          static_cast<long>(SSL_get_negotiated_group(ssl)), common ? common : "none");
      out("  client's ciphers:%s", names(SSL_get_client_ciphers(ssl)).c_str());
    }
    errors();
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"ciphers", ciphers},
              {"bounds", bounds},
              {"bad_version", bad_version},
              {"commands", commands},
              {"shared", shared}},
             argc, argv);
}
