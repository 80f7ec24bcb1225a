// Which settings of an SSL_CTX an existing SSL has taken over, and which it reads when it needs
// them. Each setting is made before SSL_new, after it, and not at all; the effect is printed.
#include "support/loggers.h"

namespace {
using namespace twin;

int calls;

struct Setting {
  const char* name;
  bool server;  ///< whose context is changed
  std::function<void(SSL_CTX*)> change;
  std::function<std::string(Peers&)> effect;
};

std::string number(uint64_t value) {
  return text("%#llx", static_cast<unsigned long long>(value));
}

std::string after_handshake(Peers& peers) {
  link_memory(peers);
  return handshake(peers).said();
}

std::string calls_in_handshake(Peers& peers) {
  calls = 0;
  std::string said = after_handshake(peers);
  return text("called %d, ", calls) + said;
}

std::string record_size(Peers& peers) {
  link_memory(peers);
  handshake(peers);
  SSL_write(peers.client.get(), sample(2000).data(), 2000);
  return text("%d bytes", static_cast<int>(BIO_ctrl_pending(SSL_get_wbio(peers.client.get()))));
}

std::string suite(Peers& peers) {
  std::string said = after_handshake(peers);
  return text("%s, ", SSL_get_cipher_name(peers.client.get())) + said;
}

std::string group(Peers& peers) {
  std::string said = after_handshake(peers);
  return text("%d, ", static_cast<int>(SSL_get_negotiated_group(peers.client.get()))) + said;
}

std::string own_certificate(Peers& peers) {
  std::string said = after_handshake(peers);
  char name[64] = "none";
  X509* certificate = SSL_get0_peer_certificate(peers.client.get());
  if (certificate) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, 64);
  }
  return std::string(name) + ", " + said;
}

std::string alpn(Peers& peers) {
  std::string said = after_handshake(peers);
  const unsigned char* data = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(peers.client.get(), &data, &size);
  return std::string(reinterpret_cast<const char*>(data), size) + ", " + said;
}

int accept_first(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
                 unsigned, void*) {
  *out = in + 1;
  *size = in[0];
  return SSL_TLSEXT_ERR_OK;
}

void offer_h2(SSL_CTX* c) {
  SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>("\2h2"), 3);
}

std::vector<Setting> numbers() {
  auto client = [](auto get) {
    return [get](Peers& p) { return number(static_cast<uint64_t>(get(p.client.get()))); };
  };
  return {
      {"options", false, [](SSL_CTX* c) { SSL_CTX_set_options(c, SSL_OP_PRIORITIZE_CHACHA); },
       client([](SSL* s) { return SSL_get_options(s) & SSL_OP_PRIORITIZE_CHACHA; })},
      {"mode", false, [](SSL_CTX* c) { SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS); },
       client([](SSL* s) { return SSL_get_mode(s); })},
      {"max_proto_version", false,
       [](SSL_CTX* c) { SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION); },
       client([](SSL* s) { return SSL_get_max_proto_version(s); })},
      {"min_proto_version", false,
       [](SSL_CTX* c) { SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION); },
       client([](SSL* s) { return SSL_get_min_proto_version(s); })},
      {"verify_mode", false, [](SSL_CTX* c) { SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr); },
       client([](SSL* s) { return SSL_get_verify_mode(s); })},
      {"verify_depth", false, [](SSL_CTX* c) { SSL_CTX_set_verify_depth(c, 5); },
       client([](SSL* s) { return SSL_get_verify_depth(s); })},
      {"read_ahead", false, [](SSL_CTX* c) { SSL_CTX_set_read_ahead(c, 1); },
       client([](SSL* s) { return SSL_get_read_ahead(s); })},
      {"quiet_shutdown", false, [](SSL_CTX* c) { SSL_CTX_set_quiet_shutdown(c, 1); },
       client([](SSL* s) { return SSL_get_quiet_shutdown(s); })},
      {"num_tickets", false, [](SSL_CTX* c) { SSL_CTX_set_num_tickets(c, 7); },
       client([](SSL* s) { return SSL_get_num_tickets(s); })},
      {"security_level", false, [](SSL_CTX* c) { SSL_CTX_set_security_level(c, 1); },
       client([](SSL* s) { return SSL_get_security_level(s); })},
      {"max_early_data", false, [](SSL_CTX* c) { SSL_CTX_set_max_early_data(c, 4711); },
       client([](SSL* s) { return SSL_get_max_early_data(s); })},
      {"recv_max_early_data", false, [](SSL_CTX* c) { SSL_CTX_set_recv_max_early_data(c, 4711); },
       client([](SSL* s) { return SSL_get_recv_max_early_data(s); })},
      {"status_type", false,
       [](SSL_CTX* c) { SSL_CTX_set_tlsext_status_type(c, TLSEXT_STATUSTYPE_ocsp); },
       client([](SSL* s) { return SSL_get_tlsext_status_type(s); })},
      {"verify flags", false,
       [](SSL_CTX* c) {
         X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(c), X509_V_FLAG_X509_STRICT);
       },
       client([](SSL* s) { return X509_VERIFY_PARAM_get_flags(SSL_get0_param(s)); })},
      {"info_callback", false,
       [](SSL_CTX* c) { SSL_CTX_set_info_callback(c, [](const SSL*, int, int) {}); },
       client([](SSL* s) { return SSL_get_info_callback(s) != nullptr; })},
      {"cipher list", false,
       [](SSL_CTX* c) { SSL_CTX_set_ciphersuites(c, "TLS_AES_128_CCM_SHA256"); },
       client([](SSL* s) { return !strcmp(SSL_get_cipher_list(s, 0), "TLS_AES_128_CCM_SHA256"); })},
      {"client CA list", true,
       [](SSL_CTX* c) { SSL_CTX_add_client_CA(c, read_certificate("root").get()); },
       [](Peers& p) {
         return text("%d", sk_X509_NAME_num(SSL_get_client_CA_list(p.server.get())));
       }},
      {"default_passwd_cb", false,
       [](SSL_CTX* c) {
         SSL_CTX_set_default_passwd_cb(c, [](char*, int, int, void*) { return 0; });
       },
       client([](SSL* s) { return SSL_get_default_passwd_cb(s) != nullptr; })}};
}

std::vector<Setting> in_handshakes() {
  return {
      {"ciphersuites", false,
       [](SSL_CTX* c) {
         SSL_CTX_set_ciphersuites(c, "TLS_AES_128_CCM_SHA256:TLS_AES_128_GCM_SHA256");
       },
       suite},
      {"ciphersuites of the server", true,
       [](SSL_CTX* c) { SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256"); }, suite},
      {"groups", false, [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "P-384"); }, group},
      {"groups of the server", true, [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "P-521"); },
       group},
      {"sigalgs", false, [](SSL_CTX* c) { SSL_CTX_set1_sigalgs_list(c, "RSA-PSS+SHA256"); },
       own_certificate},
      {"certificate", true, [](SSL_CTX* c) { use_certificate(c, "server-p256"); }, own_certificate},
      {"certificate replaced", true, [](SSL_CTX* c) { use_certificate(c, "server-self-signed"); },
       own_certificate},
      {"trusted roots", false, [](SSL_CTX* c) { trust(c, "other-root"); },
       [](Peers& p) {
         use_certificate(p.server_context.get(), "server-stranger");
         SSL_use_certificate(p.server.get(), read_certificate("server-stranger").get());
         SSL_use_PrivateKey(p.server.get(), read_key("server-stranger").get());
         return after_handshake(p);
       }},
      {"cert_store replaced", false,
       [](SSL_CTX* c) { SSL_CTX_set_cert_store(c, X509_STORE_new()); }, after_handshake},
      {"alpn_protos", false, offer_h2,
       [](Peers& p) {
         SSL_CTX_set_alpn_select_cb(p.server_context.get(), accept_first, nullptr);
         return alpn(p);
       }},
      {"alpn_select_cb", true,
       [](SSL_CTX* c) { SSL_CTX_set_alpn_select_cb(c, accept_first, nullptr); },
       [](Peers& p) {
         SSL_set_alpn_protos(p.client.get(), reinterpret_cast<const unsigned char*>("\2h2"), 3);
         return alpn(p);
       }},
      {"max_send_fragment", false, [](SSL_CTX* c) { SSL_CTX_set_max_send_fragment(c, 512); },
       record_size},
      {"split_send_fragment", false, [](SSL_CTX* c) { SSL_CTX_set_split_send_fragment(c, 512); },
       record_size},
      {"block_padding", false, [](SSL_CTX* c) { SSL_CTX_set_block_padding(c, 1024); }, record_size},
      {"record_padding_callback", false,
       [](SSL_CTX* c) {
         SSL_CTX_set_record_padding_callback(c, [](SSL*, int, size_t, void*) { return size_t{9}; });
       },
       record_size},
      {"custom extension", true,
       [](SSL_CTX* c) {
         SSL_CTX_add_custom_ext(
             c, 4711, SSL_EXT_CLIENT_HELLO, nullptr, nullptr, nullptr,
             [](SSL*, unsigned, unsigned, const unsigned char*, size_t, X509*, size_t, int*,
                void*) {
               calls++;
               return 1;
             },
             nullptr);
       },
       [](Peers& p) {
         SSL_CTX_add_custom_ext(
             p.client_context.get(), 4711, SSL_EXT_CLIENT_HELLO,
             [](SSL*, unsigned, unsigned, const unsigned char**, size_t* size, X509*, size_t, int*,
                void*) {
               *size = 0;
               return 1;
             },
             nullptr, nullptr, nullptr, nullptr);
         p.client.reset(SSL_new(p.client_context.get()));
         SSL_set_connect_state(p.client.get());
         return calls_in_handshake(p);
       }}};
}

std::vector<Setting> callbacks() {
  return {
      {"info_callback", false,
       [](SSL_CTX* c) { SSL_CTX_set_info_callback(c, [](const SSL*, int, int) { calls = 1; }); },
       calls_in_handshake},
      {"msg_callback", false,
       [](SSL_CTX* c) {
         SSL_CTX_set_msg_callback(
             c, [](int, int, int, const void*, size_t, SSL*, void*) { calls = 1; });
       },
       calls_in_handshake},
      {"keylog_callback", false,
       [](SSL_CTX* c) { SSL_CTX_set_keylog_callback(c, [](const SSL*, const char*) { calls++; }); },
       calls_in_handshake},
      {"verify_callback", false,
       [](SSL_CTX* c) {
         SSL_CTX_set_verify(c, SSL_VERIFY_PEER, [](int good, X509_STORE_CTX*) {
           calls++;
           return good;
         });
       },
       calls_in_handshake},
      {"cert_verify_callback", false,
       [](SSL_CTX* c) {
         SSL_CTX_set_cert_verify_callback(
             c, [](X509_STORE_CTX*, void*) { return ++calls; }, nullptr);
       },
       calls_in_handshake},
      {"servername_callback", true,
       [](SSL_CTX* c) {
         SSL_CTX_set_tlsext_servername_callback(
             c, +[](SSL*, int*, void*) {
               calls++;
               return SSL_TLSEXT_ERR_OK;
             });
       },
       calls_in_handshake},
      {"client_hello_cb", true,
       [](SSL_CTX* c) {
         SSL_CTX_set_client_hello_cb(
             c, [](SSL*, int*, void*) { return ++calls; }, nullptr);
       },
       calls_in_handshake},
      {"cert_cb", true,
       [](SSL_CTX* c) {
         SSL_CTX_set_cert_cb(
             c, [](SSL*, void*) { return ++calls; }, nullptr);
       },
       calls_in_handshake},
      {"client_cert_cb", false,
       [](SSL_CTX* c) {
         SSL_CTX_set_client_cert_cb(c, [](SSL*, X509**, EVP_PKEY**) {
           calls++;
           return 0;
         });
       },
       [](Peers& p) {
         SSL_set_verify(p.server.get(), SSL_VERIFY_PEER, nullptr);
         return calls_in_handshake(p);
       }},
      {"status_cb of the server", true,
       [](SSL_CTX* c) {
         SSL_CTX_set_tlsext_status_cb(
             c, +[](SSL*, void*) {
               calls++;
               return SSL_TLSEXT_ERR_NOACK;
             });
       },
       [](Peers& p) {
         SSL_set_tlsext_status_type(p.client.get(), TLSEXT_STATUSTYPE_ocsp);
         return calls_in_handshake(p);
       }},
      {"status_cb of the client", false,
       [](SSL_CTX* c) {
         SSL_CTX_set_tlsext_status_cb(
             c, +[](SSL*, void*) { return ++calls; });
       },
       [](Peers& p) {
         SSL_set_tlsext_status_type(p.client.get(), TLSEXT_STATUSTYPE_ocsp);
         return calls_in_handshake(p);
       }},
      {"security_callback", false,
       [](SSL_CTX* c) {
         SSL_CTX_set_security_callback(
             c, [](const SSL*, const SSL_CTX*, int, int, int, void*, void*) { return calls = 1; });
       },
       calls_in_handshake}};
}

void table(const Setting& setting) {
  constexpr const char* kWhen[] = {"before SSL_new", "after SSL_new", "never"};
  for (int when = 0; when < 3; when++) {
    auto change = [&](SSL_CTX* c) {
      if (when == 0) setting.change(c);
    };
    Setup setup;
    (setting.server ? setup.server_context : setup.client_context) = change;
    Peers peers = make_peers(setup);
    if (when == 1) {
      setting.change((setting.server ? peers.server_context : peers.client_context).get());
    }
    std::string effect = setting.effect(peers);
    out("%s: %s", kWhen[when], effect.c_str());
    errors();
  }
}

void connection_does_not_change_the_context() {
  Peers peers = make_peers();
  SSL* client = peers.client.get();
  SSL_CTX* context = peers.client_context.get();
  SSL_set_options(client, SSL_OP_PRIORITIZE_CHACHA);
  SSL_set_ciphersuites(client, "TLS_AES_128_CCM_SHA256");
  SSL_set_verify_depth(client, 3);
  SSL_set_verify(client, SSL_VERIFY_NONE, nullptr);
  SSL_set_quiet_shutdown(client, 1);
  SSL_set_num_tickets(client, 9);
  SSL_set_security_level(client, 0);
  out("options %d, depth %d, mode %d, quiet %d, tickets %zu, level %d, first suite %s",
      (SSL_CTX_get_options(context) & SSL_OP_PRIORITIZE_CHACHA) != 0,
      SSL_CTX_get_verify_depth(context), SSL_CTX_get_verify_mode(context),
      SSL_CTX_get_quiet_shutdown(context), SSL_CTX_get_num_tickets(context),
      SSL_CTX_get_security_level(context),
      SSL_CIPHER_get_name(sk_SSL_CIPHER_value(SSL_CTX_get_ciphers(context), 0)));
}

// SSL_set_SSL_CTX: what comes from the new context.
void set_ssl_ctx() {
  Owned<SSL_CTX> second = new_context();
  use_certificate(second.get(), "server-p256");
  SSL_CTX_set_options(second.get(), SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_verify(second.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_ciphersuites(second.get(), "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_alpn_select_cb(second.get(), accept_first, nullptr);
  Peers peers = make_peers({.client_context = offer_h2});
  SSL* server = peers.server.get();
  out("returned the new one: %d", SSL_set_SSL_CTX(server, second.get()) == second.get());
  out("same again: %d", SSL_set_SSL_CTX(server, second.get()) == second.get());
  out("option %d, verify mode %d", (SSL_get_options(server) & SSL_OP_PRIORITIZE_CHACHA) != 0,
      SSL_get_verify_mode(server));
  out("%s", own_certificate(peers).c_str());
  const unsigned char* data = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(server, &data, &size);
  out("%s, alpn %u bytes", SSL_get_cipher_name(server), size);
  out("null goes back: %d", SSL_set_SSL_CTX(server, nullptr) == peers.server_context.get());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Case> cases;
  for (auto* group : {numbers, in_handshakes, callbacks}) {
    const char* prefix = group == numbers ? "value" : group == callbacks ? "callback" : "handshake";
    for (const Setting& setting : group()) {
      std::string name = text("%s.%s", prefix, setting.name);
      std::replace(name.begin(), name.end(), ' ', '-');
      cases.push_back({name, [=] { table(setting); }});
    }
  }
  cases.push_back(
      {"connection-does-not-change-the-context", connection_does_not_change_the_context});
  cases.push_back({"SSL_set_SSL_CTX", set_ssl_ctx});
  return run(cases, argc, argv);
}
