// Every setter when memory is short: an error return with a reason, and nothing is changed.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <functional>
#include <ostream>
#include <string>

#include "support/failing_allocator.h"

namespace {

struct Objects {
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  SSL* ssl = SSL_new(ctx);
  ~Objects() {
    SSL_free(ssl);
    SSL_CTX_free(ctx);
  }
};

struct Operation {
  std::string name;
  std::function<bool(Objects&)> run;           // whether it says that it succeeded
  std::function<std::string(Objects&)> state;  // what it would change
};

// For the names of tests; their bytes would say nothing.
void PrintTo(const Operation& operation, std::ostream* out) {
  *out << operation.name;
}

std::string names(const STACK_OF(SSL_CIPHER) * list) {
  std::string result;
  for (int i = 0; i < sk_SSL_CIPHER_num(list); i++) {
    result += SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i));
    result += ':';
  }
  return result;
}

std::string nothing(Objects&) {
  return "";
}
std::string options(Objects& objects) {
  return std::to_string(SSL_get_options(objects.ssl));
}
std::string level(Objects& objects) {
  return std::to_string(SSL_get_security_level(objects.ssl)) + "/" +
         std::to_string(SSL_CTX_get_security_level(objects.ctx));
}
std::string lists(Objects& objects) {
  return names(SSL_CTX_get_ciphers(objects.ctx)) + "/" + names(SSL_get_ciphers(objects.ssl)) +
         level(objects);
}
std::string host_name(Objects& objects) {
  const char* name = SSL_get_servername(objects.ssl, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

bool conf(Objects& objects, const char* command, const char* value) {
  SSL_CONF_CTX* context = SSL_CONF_CTX_new();
  if (context == nullptr) {
    // As in OpenSSL it has no reason of its own.
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return false;
  }
  SSL_CONF_CTX_set_flags(context,
                         SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_SERVER | SSL_CONF_FLAG_SHOW_ERRORS);
  SSL_CONF_CTX_set_ssl(context, objects.ssl);
  int result = SSL_CONF_cmd(context, command, value);
  SSL_CONF_CTX_free(context);
  return result > 0;
}

const Operation kOperations[] = {
    {"SSL_CTX_new",
     [](Objects&) {
       SSL_CTX* made = SSL_CTX_new(TLS_method());
       SSL_CTX_free(made);
       return made != nullptr;
     },
     nothing},
    {"SSL_new",
     [](Objects& objects) {
       SSL* made = SSL_new(objects.ctx);
       SSL_free(made);
       return made != nullptr;
     },
     nothing},
    {"SSL_dup",
     [](Objects& objects) {
       SSL* made = SSL_dup(objects.ssl);
       SSL_free(made);
       return made != nullptr;
     },
     nothing},
    {"SSL_set_options",
     [](Objects& objects) {
       SSL_set_options(objects.ssl, SSL_OP_NO_TICKET);
       return (SSL_get_options(objects.ssl) & SSL_OP_NO_TICKET) != 0;
     },
     options},
    {"SSL_set_security_level",
     [](Objects& objects) {
       SSL_set_security_level(objects.ssl, 4);
       return SSL_get_security_level(objects.ssl) == 4;
     },
     level},
    {"SSL_CTX_set_cipher_list",
     [](Objects& objects) {
       return SSL_CTX_set_cipher_list(objects.ctx, "AES128-SHA:@SECLEVEL=1") == 1;
     },
     lists},
    {"SSL_set_cipher_list",
     [](Objects& objects) {
       return SSL_set_cipher_list(objects.ssl, "AES128-SHA:@SECLEVEL=1") == 1;
     },
     lists},
    {"SSL_CTX_set_ciphersuites",
     [](Objects& objects) {
       return SSL_CTX_set_ciphersuites(objects.ctx, "TLS_AES_128_CCM_SHA256") == 1;
     },
     lists},
    {"SSL_set_ciphersuites",
     [](Objects& objects) {
       return SSL_set_ciphersuites(objects.ssl, "TLS_AES_128_CCM_SHA256") == 1;
     },
     lists},
    {"SSL_set1_groups_list",
     [](Objects& objects) { return SSL_set1_groups_list(objects.ssl, "P-256:P-384") == 1; },
     nothing},
    {"SSL_set1_groups",
     [](Objects& objects) {
       int nids[] = {NID_X25519, NID_X448};
       return SSL_set1_groups(objects.ssl, nids, 2) == 1;
     },
     nothing},
    {"SSL_set1_sigalgs_list",
     [](Objects& objects) { return SSL_set1_sigalgs_list(objects.ssl, "RSA+SHA256") == 1; },
     nothing},
    {"SSL_set_alpn_protos",
     [](Objects& objects) {
       const unsigned char list[] = {2, 'h', '2'};
       return SSL_set_alpn_protos(objects.ssl, list, sizeof list) == 0;
     },
     nothing},
    {"SSL_use_psk_identity_hint",
     [](Objects& objects) { return SSL_use_psk_identity_hint(objects.ssl, "hint") == 1; }, nothing},
    {"SSL_set_tlsext_host_name",
     [](Objects& objects) { return SSL_set_tlsext_host_name(objects.ssl, "example.org") == 1; },
     host_name},
    {"SSL_set_session_id_context",
     [](Objects& objects) {
       return SSL_set_session_id_context(objects.ssl, reinterpret_cast<const uint8_t*>("id"), 2) ==
              1;
     },
     nothing},
    {"SSL_set_mode",
     [](Objects& objects) {
       return (SSL_set_mode(objects.ssl, SSL_MODE_RELEASE_BUFFERS) & SSL_MODE_RELEASE_BUFFERS) != 0;
     },
     nothing},
    {"SSL_set_max_proto_version",
     [](Objects& objects) { return SSL_set_max_proto_version(objects.ssl, TLS1_2_VERSION) == 1; },
     nothing},
    {"SSL_CONF_cmd Options",
     [](Objects& objects) { return conf(objects, "Options", "-SessionTicket"); }, options},
    {"SSL_CONF_cmd VerifyMode",
     [](Objects& objects) { return conf(objects, "VerifyMode", "Require"); },
     [](Objects& objects) { return std::to_string(SSL_get_verify_mode(objects.ssl)); }},
    {"SSL_CONF_cmd CipherString",
     [](Objects& objects) { return conf(objects, "CipherString", "AES128-SHA"); }, lists},
    {"SSL_certs_clear",
     [](Objects& objects) {
       SSL_certs_clear(objects.ssl);
       return ERR_peek_error() == 0;
     },
     nothing},
};

class ShortOfMemory : public testing::TestWithParam<Operation> {};

TEST_P(ShortOfMemory, IsAnErrorThatChangesNothing) {
  ASSERT_TRUE(support::allocator_installed());
  const Operation& operation = GetParam();
  constexpr size_t kMost = 200;
  for (size_t successes = 0; successes < kMost; successes++) {
    Objects objects;
    std::string before = operation.state(objects);
    ERR_clear_error();
    support::fail_allocation_after(successes);
    bool succeeded = operation.run(objects);
    if (!support::stop_failing()) {
      EXPECT_TRUE(succeeded);
      EXPECT_GT(successes, 0u) << "it never allocates";
      return;
    }
    EXPECT_FALSE(succeeded) << "allocation " << successes;
    EXPECT_NE(ERR_peek_error(), 0u) << "allocation " << successes;
    EXPECT_EQ(before, operation.state(objects)) << "allocation " << successes;
    ERR_clear_error();
    EXPECT_TRUE(operation.run(objects)) << "after allocation " << successes;
  }
  FAIL() << "no end of allocations";
}

INSTANTIATE_TEST_SUITE_P(Config, ShortOfMemory, testing::ValuesIn(kOperations),
                         [](const testing::TestParamInfo<Operation>& info) {
                           std::string name = info.param.name;
                           for (char& c : name) {
                             if (isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           }
                           return name;
                         });

}  // namespace
