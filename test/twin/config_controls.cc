// SSL_CTX_ctrl(3): settings of an SSL_CTX and an SSL by number, their bounds and their getters.
#include <openssl/dh.h>
#include <openssl/ec.h>
#include <openssl/ssl.h>

#include <climits>

#include "support/peers.h"
#include "support/report.h"

namespace {

struct Pair {
  SSL_CTX* ctx;
  SSL* ssl;
  explicit Pair(const SSL_METHOD* method = TLS_method())
      : ctx(SSL_CTX_new(method)), ssl(SSL_new(ctx)) {}
  ~Pair() {
    SSL_free(ssl);
    SSL_CTX_free(ctx);
  }
};

void numbers(int set, int get, const std::vector<long>& values) {
  Pair pair;
  for (long value : values) {
    long on_ctx = SSL_CTX_ctrl(pair.ctx, set, value, nullptr);
    long on_ssl = SSL_ctrl(pair.ssl, set, value, nullptr);
    twin::out("%d <- %ld: %ld %ld [%s]", set, value, on_ctx, on_ssl, twin::errors().c_str());
    if (get == 0) continue;
    long ctx_now = SSL_CTX_ctrl(pair.ctx, get, 0, nullptr);
    long ssl_now = SSL_ctrl(pair.ssl, get, 0, nullptr);
    SSL* later = SSL_new(pair.ctx);
    twin::out("  now %ld %ld %ld", ctx_now, ssl_now, SSL_ctrl(later, get, 0, nullptr));
    SSL_free(later);
  }
}

void modes() {
  numbers(SSL_CTRL_MODE, 0, {0, 1, 2, 0x100, 0, -1});
  numbers(SSL_CTRL_CLEAR_MODE, 0, {0, 4, -1, 0});
  numbers(SSL_CTRL_CERT_FLAGS, 0, {0, 1, SSL_CERT_FLAG_SUITEB_128_LOS, 0});
  numbers(SSL_CTRL_CLEAR_CERT_FLAGS, 0, {0, 1, -1});
}

void plain_values() {
  numbers(SSL_CTRL_SET_READ_AHEAD, SSL_CTRL_GET_READ_AHEAD, {0, 1, 5, -1, 0});
  numbers(SSL_CTRL_SET_MAX_CERT_LIST, SSL_CTRL_GET_MAX_CERT_LIST, {0, 1, 1000000, -1, LONG_MAX});
  numbers(SSL_CTRL_SET_MAX_SEND_FRAGMENT, 0, {0, 1, 511, 512, 16384, 16385, -1});
  numbers(SSL_CTRL_SET_SPLIT_SEND_FRAGMENT, 0, {0, 1, 512, 16384, 16385, -1});
  numbers(SSL_CTRL_SET_MAX_PIPELINES, 0, {0, 1, 2, 32, 33, -1});
  numbers(SSL_CTRL_SET_SESS_CACHE_SIZE, SSL_CTRL_GET_SESS_CACHE_SIZE, {0, 1, 20480, -1});
  numbers(SSL_CTRL_SET_SESS_CACHE_MODE, SSL_CTRL_GET_SESS_CACHE_MODE, {0, 1, 3, 0x300, 2});
  numbers(SSL_CTRL_SET_TLSEXT_STATUS_REQ_TYPE, SSL_CTRL_GET_TLSEXT_STATUS_REQ_TYPE, {1, 0, -1, 7});
  numbers(SSL_CTRL_SET_DH_AUTO, 0, {0, 1, 2});
  Pair pair;
  SSL_CTX_set_max_send_fragment(pair.ctx, 600);
  twin::out("split follows: %ld %ld", SSL_CTX_set_split_send_fragment(pair.ctx, 601),
            SSL_CTX_set_split_send_fragment(pair.ctx, 600));
}

void versions(const char* name, const SSL_METHOD* method) {
  twin::out("%s", name);
  const int all[] = {0,
                     SSL3_VERSION,
                     TLS1_VERSION,
                     TLS1_1_VERSION,
                     TLS1_2_VERSION,
                     TLS1_3_VERSION,
                     TLS1_3_VERSION + 1,
                     0x7fff,
                     1,
                     -1,
                     DTLS1_BAD_VER,
                     DTLS1_VERSION,
                     DTLS1_2_VERSION,
                     0xfefc,
                     0xfefe};
  for (int minimum : all) {
    std::string row = twin::text("  %x:", static_cast<unsigned>(minimum));
    for (int maximum : all) {
      Pair pair(method);
      int set_min = SSL_CTX_set_min_proto_version(pair.ctx, minimum);
      int set_max = SSL_CTX_set_max_proto_version(pair.ctx, maximum);
      row += twin::text(" %d%d/%lx-%lx", set_min, set_max,
                        static_cast<long>(SSL_CTX_get_min_proto_version(pair.ctx)),
                        static_cast<long>(SSL_CTX_get_max_proto_version(pair.ctx)));
      set_max = SSL_set_max_proto_version(pair.ssl, maximum);
      set_min = SSL_set_min_proto_version(pair.ssl, minimum);
      row += twin::text(",%d%d/%lx-%lx", set_min, set_max,
                        static_cast<long>(SSL_get_min_proto_version(pair.ssl)),
                        static_cast<long>(SSL_get_max_proto_version(pair.ssl)));
    }
    twin::out("%s [%s]", row.c_str(), twin::errors().c_str());
  }
}

void version_bounds() {
  versions("TLS", TLS_method());
  versions("DTLS", DTLS_method());
  versions("TLS 1.2", TLSv1_2_method());
}

void getters_of_new_objects() {
  for (const SSL_METHOD* method :
       {TLS_method(), TLS_client_method(), TLS_server_method(), TLSv1_method(),
        TLSv1_2_client_method(), DTLS_method(), DTLSv1_2_method(), DTLSv1_method()}) {
    Pair pair(method);
    twin::out("version %x client %x %s server %d dtls %d", SSL_version(pair.ssl),
              SSL_client_version(pair.ssl), SSL_get_version(pair.ssl), SSL_is_server(pair.ssl),
              SSL_is_dtls(pair.ssl));
    twin::out("  options %llx %llx level %d %d mode %lx",
              static_cast<unsigned long long>(SSL_CTX_get_options(pair.ctx)),
              static_cast<unsigned long long>(SSL_get_options(pair.ssl)),
              SSL_CTX_get_security_level(pair.ctx), SSL_get_security_level(pair.ssl),
              static_cast<long>(SSL_CTX_get_mode(pair.ctx)));
    twin::out("  timeout %ld %ld cache %ld %ld status %ld", SSL_CTX_get_timeout(pair.ctx),
              SSL_get_default_timeout(pair.ssl), SSL_CTX_sess_get_cache_size(pair.ctx),
              SSL_CTX_get_session_cache_mode(pair.ctx), SSL_CTX_get_tlsext_status_type(pair.ctx));
    twin::out("  methods %d %d", SSL_CTX_get_ssl_method(pair.ctx) == method,
              SSL_get_ssl_method(pair.ssl) == method);
    for (int command :
         {SSL_CTRL_GET_CLIENT_CERT_REQUEST, SSL_CTRL_GET_NUM_RENEGOTIATIONS,
          SSL_CTRL_CLEAR_NUM_RENEGOTIATIONS, SSL_CTRL_GET_TOTAL_RENEGOTIATIONS, SSL_CTRL_GET_FLAGS,
          SSL_CTRL_GET_RI_SUPPORT, SSL_CTRL_GET_RAW_CIPHERLIST, SSL_CTRL_GET_EXTMS_SUPPORT,
          SSL_CTRL_GET_GROUPS, SSL_CTRL_GET_SHARED_GROUP, SSL_CTRL_GET_EC_POINT_FORMATS,
          SSL_CTRL_GET_CLIENT_CERT_TYPES, SSL_CTRL_GET_PEER_TMP_KEY, SSL_CTRL_GET_TMP_KEY,
          SSL_CTRL_GET_SIGNATURE_NID, SSL_CTRL_GET_PEER_SIGNATURE_NID, 1000, -1, 0}) {
      twin::out("  %d: %ld", command, SSL_ctrl(pair.ssl, command, 0, nullptr));
    }
  }
}

void options() {
  Pair pair;
  for (uint64_t bits :
       {SSL_OP_ALL, SSL_OP_NO_TICKET, SSL_OP_NO_TLSv1_3, uint64_t{0}, ~uint64_t{0}}) {
    auto print = [](uint64_t value) { twin::out("%llx", static_cast<unsigned long long>(value)); };
    print(SSL_CTX_set_options(pair.ctx, bits));
    print(SSL_set_options(pair.ssl, bits));
    print(SSL_CTX_clear_options(pair.ctx, bits & ~SSL_OP_NO_COMPRESSION));
    print(SSL_clear_options(pair.ssl, bits >> 1));
    print(SSL_CTX_get_options(pair.ctx));
    print(SSL_get_options(pair.ssl));
  }
  for (int level : {-1, 0, 1, 5, 6, 100}) {
    SSL_CTX_set_security_level(pair.ctx, level);
    SSL_set_security_level(pair.ssl, level - 1);
    twin::out("level %d %d", SSL_CTX_get_security_level(pair.ctx),
              SSL_get_security_level(pair.ssl));
  }
}

// The default rules, as programs that log them see them.
void security_callback() {
  Pair pair;
  auto callback = SSL_CTX_get_security_callback(pair.ctx);
  twin::out("callback %d, same on both %d", callback != nullptr,
            callback == SSL_get_security_callback(pair.ssl));
  const struct {
    const char* name;
    int operation, nid;
  } questions[] = {{"curve", SSL_SECOP_CURVE_SUPPORTED, NID_X25519},
                   {"dh", SSL_SECOP_TMP_DH, 0},
                   {"ticket", SSL_SECOP_TICKET, 0},
                   {"compression", SSL_SECOP_COMPRESSION, 0},
                   {"sigalg", SSL_SECOP_SIGALG_CHECK, NID_sha1},
                   {"key", SSL_SECOP_EE_KEY, 0},
                   {"peer ca", SSL_SECOP_CA_KEY | SSL_SECOP_PEER, 0},
                   {"TLS 1.3", SSL_SECOP_VERSION, TLS1_3_VERSION},
                   {"TLS 1.2", SSL_SECOP_VERSION, TLS1_2_VERSION},
                   {"TLS 1.1", SSL_SECOP_VERSION, TLS1_1_VERSION},
                   {"TLS 1.0", SSL_SECOP_VERSION, TLS1_VERSION},
                   {"SSL 3.0", SSL_SECOP_VERSION, SSL3_VERSION}};
  for (int level = -1; level <= 6; level++) {
    SSL_set_security_level(pair.ssl, level);
    for (const auto& question : questions) {
      std::string row;
      for (int bits : {-1, 0, 79, 80, 111, 112, 127, 128, 191, 192, 255, 256}) {
        row += callback(pair.ssl, nullptr, question.operation, bits, question.nid, nullptr, nullptr)
                   ? '1'
                   : '0';
      }
      twin::out("%d %s %s", level, question.name, row.c_str());
    }
  }
}

void lists(bool groups) {
  const std::vector<const char*> group_lists = {"P-256",
                                                "X25519:P-256",
                                                "x25519",
                                                "prime256v1",
                                                "secp256r1",
                                                "P-256:secp256r1",
                                                "P-384:P-521:X448",
                                                "ffdhe2048:ffdhe8192",
                                                "P-256:nosuch",
                                                "nosuch",
                                                "",
                                                ":",
                                                "P-256:",
                                                ":P-256",
                                                "P-256::X25519",
                                                " P-256 : X25519 ",
                                                "P-256,X25519",
                                                "p-256",
                                                "brainpoolP256r1",
                                                "secp224r1",
                                                "sect571k1",
                                                "P-224",
                                                "K-163",
                                                "secp256k1",
                                                "P-192",
                                                "B-571",
                                                "X25519:X25519",
                                                "ffdhe1024",
                                                "secp521r1:secp384r1"};
  const std::vector<const char*> scheme_lists = {"RSA+SHA256",
                                                 "SHA256+RSA",
                                                 "ECDSA+SHA256:RSA+SHA384",
                                                 "RSA-PSS+SHA256",
                                                 "PSS+SHA512",
                                                 "rsa_pss_pss_sha256",
                                                 "rsa_pss_rsae_sha256",
                                                 "ed25519:ed448",
                                                 "Ed25519",
                                                 "ecdsa_secp256r1_sha256",
                                                 "ecdsa_sha1",
                                                 "ECDSA+SHA1",
                                                 "ECDSA+SHA224",
                                                 "DSA+SHA256",
                                                 "dsa_sha256",
                                                 "RSA+SHA1",
                                                 "RSA+MD5",
                                                 "RSA",
                                                 "SHA256",
                                                 "RSA+",
                                                 "+SHA256",
                                                 "RSA+SHA256+SHA384",
                                                 "RSA+SHA256:RSA+SHA256",
                                                 "nosuch",
                                                 "RSA+SHA256:nosuch",
                                                 "",
                                                 ":",
                                                 "RSA+SHA256:",
                                                 " RSA+SHA256 ",
                                                 "RSA+sha256",
                                                 "rsa_pkcs1_sha256",
                                                 "RSA+RSA",
                                                 "ED25519+SHA256",
                                                 "RSA-PSS+SHA1",
                                                 "rsa_pss_pss_sha256:RSA-PSS+SHA256",
                                                 "rsa_pkcs1_sha1",
                                                 "rsa_pkcs1_sha224"};
  for (const char* text : groups ? group_lists : scheme_lists) {
    Pair pair;
    if (groups) {
      int on_ctx = SSL_CTX_set1_groups_list(pair.ctx, text);
      int on_ssl = SSL_set1_groups_list(pair.ssl, text);
      twin::out("\"%s\": %d %d [%s]", text, on_ctx, on_ssl, twin::errors().c_str());
    } else {
      int on_ctx = SSL_CTX_set1_sigalgs_list(pair.ctx, text);
      int client_ctx = SSL_CTX_set1_client_sigalgs_list(pair.ctx, text);
      int on_ssl = SSL_set1_sigalgs_list(pair.ssl, text);
      int client_ssl = SSL_set1_client_sigalgs_list(pair.ssl, text);
      int syntax = SSL_CTX_set1_sigalgs_list(nullptr, text);
      twin::out("\"%s\": %d %d %d %d, syntax %d [%s]", text, on_ctx, client_ctx, on_ssl, client_ssl,
                syntax, twin::errors().c_str());
    }
  }
}

void group_lists() {
  lists(true);
}
void scheme_lists() {
  lists(false);
}

void group_numbers() {
  const std::vector<std::vector<int>> all = {
      {},
      {NID_X25519},
      {NID_X9_62_prime256v1, NID_secp384r1},
      {NID_X25519, NID_X25519},
      {NID_undef},
      {NID_sha256},
      {NID_X448, NID_secp521r1, NID_ffdhe2048, NID_ffdhe8192},
      {NID_brainpoolP256r1},
      {NID_X25519, NID_undef}};
  for (std::vector<int> nids : all) {
    Pair pair;
    int count = static_cast<int>(nids.size());
    int on_ctx = SSL_CTX_set1_groups(pair.ctx, nids.data(), count);
    int on_ssl = SSL_set1_groups(pair.ssl, nids.data(), count);
    twin::out("%d: %d %d [%s]", count, on_ctx, on_ssl, twin::errors().c_str());
  }
  Pair pair;
  for (int nid :
       {NID_X25519, NID_X448, NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1, NID_ffdhe2048,
        NID_ffdhe3072, NID_ffdhe8192, NID_secp256k1, NID_brainpoolP512r1, NID_sect163k1,
        NID_secp224r1, NID_sha256, 0, -1, 0x1000017, 0x100001d, 0x1000100, 0x1ffffff}) {
    const char* name = SSL_group_to_name(pair.ssl, nid);
    twin::out("%d %s", nid, name ? name : "(null)");
  }
}

void scheme_numbers() {
  const std::vector<std::vector<int>> all = {{},
                                             {NID_sha256},
                                             {NID_sha256, EVP_PKEY_RSA},
                                             {NID_sha256, EVP_PKEY_RSA, NID_sha384, EVP_PKEY_EC},
                                             {NID_undef, EVP_PKEY_ED25519},
                                             {NID_sha256, EVP_PKEY_RSA_PSS},
                                             {NID_sha256, EVP_PKEY_DSA},
                                             {NID_sha256, EVP_PKEY_RSA, NID_sha256, EVP_PKEY_RSA},
                                             {NID_sha256, EVP_PKEY_RSA, NID_md5, EVP_PKEY_RSA},
                                             {NID_sha256, EVP_PKEY_RSA, NID_sha384},
                                             {0, 0}};
  for (std::vector<int> pairs : all) {
    Pair pair;
    auto count = static_cast<long>(pairs.size());
    long on_ctx = SSL_CTX_set1_sigalgs(pair.ctx, pairs.data(), count);
    long client = SSL_CTX_set1_client_sigalgs(pair.ctx, pairs.data(), count);
    long on_ssl = SSL_set1_sigalgs(pair.ssl, pairs.data(), count);
    twin::out("%ld: %ld %ld %ld [%s]", count, on_ctx, client, on_ssl, twin::errors().c_str());
  }
}

void host_names() {
  Pair pair;
  auto show = [&](const char* what, long returned) {
    const char* name = SSL_get_servername(pair.ssl, TLSEXT_NAMETYPE_host_name);
    twin::out("%s: %ld [%s] now %s type %d", what, returned, twin::errors().c_str(),
              name ? name : "(null)", SSL_get_servername_type(pair.ssl));
  };
  show("none", 0);
  show("name", SSL_set_tlsext_host_name(pair.ssl, "example.org"));
  show("other", SSL_set_tlsext_host_name(pair.ssl, "other.example.org"));
  show("empty", SSL_set_tlsext_host_name(pair.ssl, ""));
  std::string name(255, 'a');
  show("255", SSL_set_tlsext_host_name(pair.ssl, name.c_str()));
  name += 'a';
  show("256", SSL_set_tlsext_host_name(pair.ssl, name.c_str()));
  show("again", SSL_set_tlsext_host_name(pair.ssl, "example.org"));
  show("null", SSL_set_tlsext_host_name(pair.ssl, nullptr));
  show("type", SSL_ctrl(pair.ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, 1, const_cast<char*>("x")));
  show("after connect state", (SSL_set_connect_state(pair.ssl), 0L));
}

void ocsp() {
  Pair pair;
  const unsigned char* data = nullptr;
  twin::out("none: %ld %d", SSL_get_tlsext_status_ocsp_resp(pair.ssl, &data), data != nullptr);
  auto* bytes = static_cast<unsigned char*>(OPENSSL_memdup("abc", 3));
  long returned = SSL_set_tlsext_status_ocsp_resp(pair.ssl, bytes, 3);
  long length = SSL_get_tlsext_status_ocsp_resp(pair.ssl, &data);
  twin::out("set %ld, get %ld %.3s", returned, length, data);
  returned = SSL_set_tlsext_status_ocsp_resp(pair.ssl, nullptr, 0);
  length = SSL_get_tlsext_status_ocsp_resp(pair.ssl, &data);
  twin::out("set %ld, get %ld %d", returned, length, data != nullptr);
  STACK_OF(X509_EXTENSION)* extensions = nullptr;
  twin::out("exts %ld %d", SSL_get_tlsext_status_exts(pair.ssl, &extensions),
            extensions != nullptr);
  auto callback = [](SSL*, void*) { return 7; };
  int (*plain)(SSL*, void*) = callback;
  int (*read)(SSL*, void*) = nullptr;
  void* argument = nullptr;
  twin::out("cb %ld arg %ld", SSL_CTX_set_tlsext_status_cb(pair.ctx, plain),
            SSL_CTX_set_tlsext_status_arg(pair.ctx, &pair));
  long got_callback = SSL_CTX_get_tlsext_status_cb(pair.ctx, &read);
  long got_argument = SSL_CTX_get_tlsext_status_arg(pair.ctx, &argument);
  twin::out("get %ld %ld same %d %d", got_callback, got_argument, read == plain, argument == &pair);
}

void certificate_types() {
  Pair pair;
  unsigned char types[300] = {1, 2, 64};
  for (size_t length : {size_t{0}, size_t{1}, size_t{3}, size_t{255}, size_t{256}}) {
    twin::out("%zu: %ld %ld", length,
              SSL_CTX_set1_client_certificate_types(pair.ctx, types, length),
              SSL_set1_client_certificate_types(pair.ssl, types, length));
  }
  SSL_set_connect_state(pair.ssl);
  twin::out("client: %ld [%s]", SSL_set1_client_certificate_types(pair.ssl, types, 1),
            twin::errors().c_str());
}

void ephemeral_keys() {
  Pair pair;
  twin::out("null: %ld %ld [%s]", SSL_CTX_set_tmp_dh(pair.ctx, nullptr),
            SSL_set_tmp_dh(pair.ssl, nullptr), twin::errors().c_str());
  twin::out("null ec: %ld %ld [%s]", SSL_CTX_set_tmp_ecdh(pair.ctx, nullptr),
            SSL_set_tmp_ecdh(pair.ssl, nullptr), twin::errors().c_str());
  twin::out("callback as number: %ld [%s]",
            SSL_CTX_ctrl(pair.ctx, SSL_CTRL_SET_TMP_DH_CB, 0, nullptr), twin::errors().c_str());
  DH* strong = DH_get_2048_256();
  DH* weak = DH_get_1024_160();
  twin::out("2048: %ld %ld [%s]", SSL_CTX_set_tmp_dh(pair.ctx, strong),
            SSL_set_tmp_dh(pair.ssl, strong), twin::errors().c_str());
  twin::out("1024: %ld %ld [%s]", SSL_CTX_set_tmp_dh(pair.ctx, weak),
            SSL_set_tmp_dh(pair.ssl, weak), twin::errors().c_str());
  SSL_CTX_set_security_level(pair.ctx, 0);
  twin::out("1024 at level 0: %ld [%s]", SSL_CTX_set_tmp_dh(pair.ctx, weak),
            twin::errors().c_str());
  DH_free(strong);
  DH_free(weak);
  for (int nid : {NID_X9_62_prime256v1, NID_secp384r1, NID_secp192k1}) {
    EC_KEY* key = EC_KEY_new_by_curve_name(nid);
    twin::out("%d: %ld [%s]", nid, SSL_CTX_set_tmp_ecdh(pair.ctx, key), twin::errors().c_str());
    EC_KEY_free(key);
  }
  EC_KEY* empty = EC_KEY_new();
  twin::out("no curve: %ld [%s]", SSL_CTX_set_tmp_ecdh(pair.ctx, empty), twin::errors().c_str());
  EC_KEY_free(empty);
}

void no_context() {
  for (int command : {SSL_CTRL_MODE, SSL_CTRL_SET_GROUPS, 1000}) {
    twin::out("%d: %ld [%s]", command, SSL_CTX_ctrl(nullptr, command, 0, nullptr),
              twin::errors().c_str());
  }
}

void record_settings() {
  Pair pair;
  for (size_t size : {size_t{0}, size_t{1}, size_t{2}, size_t{16384}, size_t{16385}}) {
    twin::out("padding %zu: %d %d", size, SSL_CTX_set_block_padding(pair.ctx, size),
              SSL_set_block_padding(pair.ssl, size));
  }
  for (uint8_t mode : {0, 1, 4, 5, 255}) {
    int on_ctx = SSL_CTX_set_tlsext_max_fragment_length(pair.ctx, mode);
    int on_ssl = SSL_set_tlsext_max_fragment_length(pair.ssl, mode);
    twin::out("fragment %d: %d %d [%s]", mode, on_ctx, on_ssl, twin::errors().c_str());
  }
  int marker = 0;
  SSL_CTX_set_record_padding_callback_arg(pair.ctx, &marker);
  SSL* later = SSL_new(pair.ctx);
  twin::out("argument %d %d %d", SSL_CTX_get_record_padding_callback_arg(pair.ctx) == &marker,
            SSL_get_record_padding_callback_arg(pair.ssl) == &marker,
            SSL_get_record_padding_callback_arg(later) == &marker);
  twin::out("callback %d", SSL_set_record_padding_callback(later, nullptr));
  SSL_free(later);
}

// What the numbers show once a connection is there.
void after_handshake() {
  twin::Peers peers = twin::connected();
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    unsigned char* raw = nullptr;
    long length = SSL_get0_raw_cipherlist(ssl, &raw);
    std::string ciphers;
    for (long i = 0; i < length; i++) ciphers += twin::text("%02x", raw[i]);
    twin::out("ciphers %ld %s", length, ciphers.c_str());
    for (int command :
         {SSL_CTRL_GET_CLIENT_CERT_REQUEST, SSL_CTRL_GET_NUM_RENEGOTIATIONS,
          SSL_CTRL_CLEAR_NUM_RENEGOTIATIONS, SSL_CTRL_GET_TOTAL_RENEGOTIATIONS,
          SSL_CTRL_GET_EXTMS_SUPPORT, SSL_CTRL_GET_GROUPS, SSL_CTRL_GET_CLIENT_CERT_TYPES}) {
      twin::out("  %d: %ld", command, SSL_ctrl(ssl, command, 0, nullptr));
    }
    for (long index : {-2, -1, 0, 1, 9, 10}) {
      twin::out("  shared group %ld: %ld", index,
                SSL_ctrl(ssl, SSL_CTRL_GET_SHARED_GROUP, index, nullptr));
    }
    twin::out("  group %ld version %x client %x", static_cast<long>(SSL_get_negotiated_group(ssl)),
              SSL_version(ssl), SSL_client_version(ssl));
    SSL* copy = SSL_dup(ssl);
    twin::out("  copy is the same: %d", copy == ssl);
    SSL_free(copy);
    int cleared = SSL_clear(ssl);
    twin::out("  clear %d: session %d, %s %s", cleared, SSL_get_session(ssl) != nullptr,
              SSL_state_string(ssl), SSL_get_version(ssl));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"modes", modes},
                    {"plain_values", plain_values},
                    {"version_bounds", version_bounds},
                    {"getters_of_new_objects", getters_of_new_objects},
                    {"options", options},
                    {"security_callback", security_callback},
                    {"group_lists", group_lists},
                    {"scheme_lists", scheme_lists},
                    {"group_numbers", group_numbers},
                    {"scheme_numbers", scheme_numbers},
                    {"host_names", host_names},
                    {"ocsp", ocsp},
                    {"certificate_types", certificate_types},
                    {"ephemeral_keys", ephemeral_keys},
                    {"no_context", no_context},
                    {"record_settings", record_settings},
                    {"after_handshake", after_handshake}},
                   argc, argv);
}
