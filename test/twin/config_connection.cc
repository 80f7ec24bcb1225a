// SSL_new(3), SSL_dup(3), SSL_clear(3), SSL_set_bio(3) and the setters of protocols and keys.
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include "support/report.h"

namespace {

// A BIO that counts itself away.
int freed = 0;

BIO* counted() {
  static BIO_METHOD* method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "counted");
    BIO_meth_set_destroy(made, [](BIO*) {
      freed++;
      return 1;
    });
    BIO_meth_set_ctrl(made, [](BIO*, int, long, void*) { return 0L; });
    return made;
  }();
  return BIO_new(method);
}

struct Pair {
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  SSL* ssl = SSL_new(ctx);
  ~Pair() {
    SSL_free(ssl);
    SSL_CTX_free(ctx);
  }
};

// Each row of the manual page's list: what is there, and what is set.
void bio_ownership() {
  for (int before = 0; before < 4; before++) {
    for (int change = 0; change < 8; change++) {
      freed = 0;
      int freed_by_set = 0;
      {
        Pair pair;
        // Only those that are handed over.
        BIO* a = before > 0 ? counted() : nullptr;
        BIO* b = before == 2 ? counted() : nullptr;
        bool uses_c = change == 1 || change == 2 || (change == 4 && before != 1) || change == 6;
        BIO* c = uses_c ? counted() : nullptr;
        BIO* d = change == 2 || change == 3 || change == 7 ? counted() : nullptr;
        // An extra reference each, so that looking at them stays legal.
        for (BIO* bio : {a, b, c, d}) {
          if (bio) BIO_up_ref(bio);
        }
        if (before == 1) SSL_set_bio(pair.ssl, a, a);
        if (before == 2) SSL_set_bio(pair.ssl, a, b);
        if (before == 3) SSL_set_bio(pair.ssl, a, nullptr);
        BIO* rbio = SSL_get_rbio(pair.ssl);
        BIO* wbio = SSL_get_wbio(pair.ssl);
        switch (change) {
          case 0:
            SSL_set_bio(pair.ssl, rbio, wbio);
            break;
          case 1:
            SSL_set_bio(pair.ssl, c, c);
            break;
          case 2:
            SSL_set_bio(pair.ssl, c, d);
            break;
          case 3:
            SSL_set_bio(pair.ssl, rbio, d);
            break;
          case 4:
            if (before != 1) SSL_set_bio(pair.ssl, c, wbio);
            break;
          case 5:
            SSL_set_bio(pair.ssl, nullptr, nullptr);
            break;
          case 6:
            SSL_set0_rbio(pair.ssl, c);
            break;
          default:
            SSL_set0_wbio(pair.ssl, d);
            break;
        }
        freed_by_set = freed;
        auto name = [&](BIO* bio) {
          return !bio ? '-' : bio == a ? 'a' : bio == b ? 'b' : bio == c ? 'c' : 'd';
        };
        twin::out("%d %d: %c %c, freed %d", before, change, name(SSL_get_rbio(pair.ssl)),
                  name(SSL_get_wbio(pair.ssl)), freed_by_set);
        for (BIO* bio : {a, b, c, d}) BIO_free(bio);
        twin::out("  references gone: %d", freed);
      }
      twin::out("  with the SSL: %d", freed);
    }
  }
}

void descriptors() {
  Pair pair;
  auto show = [&](const char* what, int returned) {
    twin::out("%s: %d, now %d %d %d, same BIO %d", what, returned, SSL_get_fd(pair.ssl),
              SSL_get_rfd(pair.ssl), SSL_get_wfd(pair.ssl),
              SSL_get_rbio(pair.ssl) == SSL_get_wbio(pair.ssl));
  };
  show("none", 1);
  show("set", SSL_set_fd(pair.ssl, 7));
  show("read", SSL_set_rfd(pair.ssl, 8));
  show("write the same", SSL_set_wfd(pair.ssl, 8));
  show("write another", SSL_set_wfd(pair.ssl, 9));
  show("read the same", SSL_set_rfd(pair.ssl, 9));
  show("bad", SSL_set_fd(pair.ssl, -1));
  SSL_set_bio(pair.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  show("memory", 1);
  show("write over memory", SSL_set_wfd(pair.ssl, 9));
  show("read over memory", SSL_set_rfd(pair.ssl, 9));
  SSL_set0_rbio(pair.ssl, nullptr);
  SSL_set0_wbio(pair.ssl, nullptr);
  show("nothing", 1);
}

std::string state(SSL* ssl) {
  return twin::text(
      "server %d state %s in_init %d before %d version %x client %x options %llx mode "
      "%lx shutdown %d method %d",
      SSL_is_server(ssl), SSL_state_string(ssl), SSL_in_init(ssl), SSL_in_before(ssl),
      SSL_version(ssl), SSL_client_version(ssl),
      static_cast<unsigned long long>(SSL_get_options(ssl)), SSL_get_mode(ssl),
      SSL_get_shutdown(ssl),
      SSL_get_ssl_method(ssl) == SSL_CTX_get_ssl_method(SSL_get_SSL_CTX(ssl)));
}

void roles() {
  for (const SSL_METHOD* method : {TLS_method(), TLS_client_method(), TLS_server_method()}) {
    SSL_CTX* ctx = SSL_CTX_new(method);
    SSL* ssl = SSL_new(ctx);
    twin::out("new %s", state(ssl).c_str());
    SSL_set_connect_state(ssl);
    twin::out("connect %s", state(ssl).c_str());
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN);
    SSL_set_accept_state(ssl);
    twin::out("accept %s", state(ssl).c_str());
    int cleared = SSL_clear(ssl);
    twin::out("clear %d %s", cleared, state(ssl).c_str());
    SSL_free(ssl);
    SSL_CTX_free(ctx);
  }
}

void methods() {
  Pair pair;
  twin::out("set %d", SSL_set_ssl_method(pair.ssl, TLSv1_2_client_method()));
  twin::out("%s", state(pair.ssl).c_str());
  int cleared = SSL_clear(pair.ssl);
  twin::out("clear %d version %x method %d", cleared, SSL_version(pair.ssl),
            SSL_get_ssl_method(pair.ssl) == TLS_method());
  twin::out("ctx %d", SSL_CTX_set_ssl_version(pair.ctx, TLS_client_method()));
  SSL* later = SSL_new(pair.ctx);
  twin::out("%s", state(later).c_str());
  SSL_free(later);
}

void null_arguments() {
  SSL* ssl = SSL_new(nullptr);
  twin::out("SSL_new %d [%s]", ssl != nullptr, twin::errors().c_str());
  SSL_CTX* ctx = SSL_CTX_new(nullptr);
  twin::out("SSL_CTX_new %d [%s]", ctx != nullptr, twin::errors().c_str());
  SSL_free(nullptr);
  SSL_CTX_free(nullptr);
  ctx = SSL_CTX_new_ex(nullptr, "provider=nosuch", TLS_method());
  twin::out("no provider %d", ctx != nullptr);
  ERR_clear_error();
  SSL_CTX_free(ctx);
}

void duplicates() {
  Pair pair;
  int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  SSL_set_ex_data(pair.ssl, index, &pair);
  SSL_set_options(pair.ssl, SSL_OP_NO_TICKET);
  SSL_set_mode(pair.ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_set_min_proto_version(pair.ssl, TLS1_2_VERSION);
  SSL_set_verify(pair.ssl, SSL_VERIFY_PEER, nullptr);
  SSL_set_verify_depth(pair.ssl, 7);
  SSL_set_cipher_list(pair.ssl, "AES128-SHA");
  SSL_set_read_ahead(pair.ssl, 1);
  SSL_set_max_cert_list(pair.ssl, 1234);
  SSL_set_session_id_context(pair.ssl, reinterpret_cast<const unsigned char*>("ab"), 2);
  SSL_set_connect_state(pair.ssl);
  SSL* copy = SSL_dup(pair.ssl);
  twin::out("other object %d: %s", copy != pair.ssl, state(copy).c_str());
  twin::out("min %ld verify %d depth %d ahead %d list %ld data %d ciphers %d bio %d",
            static_cast<long>(SSL_get_min_proto_version(copy)), SSL_get_verify_mode(copy),
            SSL_get_verify_depth(copy), SSL_get_read_ahead(copy),
            static_cast<long>(SSL_get_max_cert_list(copy)), SSL_get_ex_data(copy, index) == &pair,
            sk_SSL_CIPHER_num(SSL_get_ciphers(copy)), SSL_get_rbio(copy) != nullptr);
  SSL_free(copy);
  twin::out("up_ref %d %d", SSL_up_ref(pair.ssl), SSL_CTX_up_ref(pair.ctx));
  SSL_free(pair.ssl);
  SSL_CTX_free(pair.ctx);
}

void contexts() {
  Pair pair;
  SSL_CTX* other = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_options(other, SSL_OP_NO_TICKET);
  SSL_CTX_set_security_level(other, 4);
  SSL_CTX_set_cipher_list(other, "AES256-SHA");
  SSL_CTX_set_session_id_context(other, reinterpret_cast<const unsigned char*>("xy"), 2);
  twin::out("same %d", SSL_set_SSL_CTX(pair.ssl, pair.ctx) == pair.ctx);
  twin::out("other %d", SSL_set_SSL_CTX(pair.ssl, other) == other);
  twin::out("level %d ciphers %d %s", SSL_get_security_level(pair.ssl),
            sk_SSL_CIPHER_num(SSL_get_ciphers(pair.ssl)), state(pair.ssl).c_str());
  twin::out("back %d", SSL_set_SSL_CTX(pair.ssl, nullptr) == pair.ctx);
  twin::out("level %d", SSL_get_security_level(pair.ssl));
  SSL_CTX_free(other);
}

void id_contexts() {
  Pair pair;
  unsigned char id[40] = {};
  for (unsigned int length : {0u, 1u, 32u, 33u, 40u}) {
    int on_ctx = SSL_CTX_set_session_id_context(pair.ctx, id, length);
    int on_ssl = SSL_set_session_id_context(pair.ssl, id, length);
    twin::out("%u: %d %d [%s]", length, on_ctx, on_ssl, twin::errors().c_str());
  }
}

void protocols() {
  Pair pair;
  const std::vector<std::string> lists = {"",
                                          std::string("\x00", 1),
                                          "\x02h2",
                                          "\x02h2\x08http/1.1",
                                          "\x02h",
                                          "\x02h2x",
                                          std::string("\x02h2\x00", 4),
                                          "x",
                                          "\xff",
                                          std::string("\xff") + std::string(255, 'a')};
  for (const std::string& list : lists) {
    auto* bytes = reinterpret_cast<const unsigned char*>(list.data());
    auto size = static_cast<unsigned int>(list.size());
    twin::out("%u: %d %d [%s]", size, SSL_CTX_set_alpn_protos(pair.ctx, bytes, size),
              SSL_set_alpn_protos(pair.ssl, bytes, size), twin::errors().c_str());
  }
  twin::out("null %d", SSL_set_alpn_protos(pair.ssl, nullptr, 5));
  const unsigned char* data = nullptr;
  unsigned int size = 9;
  SSL_get0_alpn_selected(pair.ssl, &data, &size);
  twin::out("selected %d %u", data != nullptr, size);
  SSL_get0_next_proto_negotiated(pair.ssl, &data, &size);
  twin::out("npn %d %u", data != nullptr, size);
}

void select_protocol() {
  const std::string lists[] = {"",
                               "\x02h2",
                               "\x02h3\x02h2",
                               "\x08http/1.1\x02h2",
                               "\x02h",
                               std::string("\x00\x02h2", 4),
                               "\x02h2\x05h",
                               "\x03"
                               "abc"};
  for (const std::string& server : lists) {
    for (const std::string& client : lists) {
      unsigned char* out = nullptr;
      unsigned char length = 77;
      int returned = SSL_select_next_proto(&out, &length,
                                           reinterpret_cast<const unsigned char*>(server.data()),
                                           static_cast<unsigned int>(server.size()),
                                           reinterpret_cast<const unsigned char*>(client.data()),
                                           static_cast<unsigned int>(client.size()));
      twin::out("%zu %zu: %d \"%.*s\" %d", server.size(), client.size(), returned,
                out ? static_cast<int>(length) : 0, out ? reinterpret_cast<char*>(out) : "",
                length);
    }
  }
}

void pre_shared_keys() {
  Pair pair;
  std::string hint(128, 'h');
  twin::out("%d %d %d %d", SSL_CTX_use_psk_identity_hint(pair.ctx, "hint"),
            SSL_CTX_use_psk_identity_hint(pair.ctx, nullptr),
            SSL_use_psk_identity_hint(pair.ssl, hint.c_str()),
            SSL_use_psk_identity_hint(nullptr, "hint"));
  for (size_t length : {size_t{256}, size_t{257}}) {
    hint.assign(length, 'h');
    int on_ctx = SSL_CTX_use_psk_identity_hint(pair.ctx, hint.c_str());
    int on_ssl = SSL_use_psk_identity_hint(pair.ssl, hint.c_str());
    twin::out("%zu: %d %d [%s]", length, on_ctx, on_ssl, twin::errors().c_str());
  }
  twin::out("%d %d %d %d", SSL_get_psk_identity(pair.ssl) != nullptr,
            SSL_get_psk_identity_hint(pair.ssl) != nullptr,
            SSL_get_psk_identity(nullptr) != nullptr,
            SSL_get_psk_identity_hint(nullptr) != nullptr);
  SSL_CTX_set_psk_client_callback(pair.ctx, [](SSL*, const char*, char*, unsigned int,
                                               unsigned char*, unsigned int) { return 0u; });
  SSL_CTX_set_cipher_list(pair.ctx, "PSK:@SECLEVEL=0");
  SSL* with_callback = SSL_new(pair.ctx);
  for (SSL* ssl : {pair.ssl, with_callback}) {
    STACK_OF(SSL_CIPHER)* supported = SSL_get1_supported_ciphers(ssl);
    twin::out("supported %d", sk_SSL_CIPHER_num(supported));
    sk_SSL_CIPHER_free(supported);
  }
  SSL_free(with_callback);
}

void buffers() {
  Pair pair;
  twin::out("alloc %d free %d", SSL_alloc_buffers(pair.ssl), SSL_free_buffers(pair.ssl));
  twin::out("again %d %d", SSL_free_buffers(pair.ssl), SSL_alloc_buffers(pair.ssl));
  SSL_CTX_set_default_read_buffer_len(pair.ctx, 100);
  SSL_set_default_read_buffer_len(pair.ssl, 65536);
  SSL_set_debug(pair.ssl, 1);
  SSL_certs_clear(pair.ssl);
  twin::out("left [%s]", twin::errors().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"bio_ownership", bio_ownership},
                    {"descriptors", descriptors},
                    {"roles", roles},
                    {"methods", methods},
                    {"null_arguments", null_arguments},
                    {"duplicates", duplicates},
                    {"contexts", contexts},
                    {"id_contexts", id_contexts},
                    {"protocols", protocols},
                    {"select_protocol", select_protocol},
                    {"pre_shared_keys", pre_shared_keys},
                    {"buffers", buffers}},
                   argc, argv);
}
