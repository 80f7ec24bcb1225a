// The profiles of SRTP as settings: those of contexts and connections, of DTLS and of streams.
#include <openssl/srtp.h>

#include "support/older.h"

namespace {

using namespace twin;

std::string names(SSL* ssl) {
  STACK_OF(SRTP_PROTECTION_PROFILE)* profiles = SSL_get_srtp_profiles(ssl);
  if (profiles == nullptr) return "none";
  std::string all;
  for (int i = 0; i < sk_SRTP_PROTECTION_PROFILE_num(profiles); ++i) {
    const SRTP_PROTECTION_PROFILE* profile = sk_SRTP_PROTECTION_PROFILE_value(profiles, i);
    all += text("%s=%lu ", profile->name, profile->id);
  }
  return all;
}

const char* const kLists[] = {
    "SRTP_AES128_CM_SHA1_80",
    "SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_32:SRTP_AEAD_AES_128_GCM",
    "SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_80",
    "SRTP_AES128_CM_SHA1_80:",
    ":SRTP_AES128_CM_SHA1_80",
    "SRTP_AES128_CM_SHA1",
    "SRTP_AES128_CM_SHA1_800",
    "srtp_aes128_cm_sha1_80",
    "",
};

void lists() {
  Owned<SSL_CTX> context = new_context();
  Owned<SSL> before(SSL_new(context.get()));
  for (const char* list : kLists) {
    int result = SSL_CTX_set_tlsext_use_srtp(context.get(), list);
    out("context \"%s\": %d %s", list, result, errors().c_str());
    Owned<SSL> ssl(SSL_new(context.get()));
    out("  before %s, after %s", names(before.get()).c_str(), names(ssl.get()).c_str());
  }
}

void connections() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX_set_tlsext_use_srtp(context.get(), "SRTP_AEAD_AES_128_GCM");
  Owned<SSL> ssl(SSL_new(context.get()));
  for (const char* list : kLists) {
    int result = SSL_set_tlsext_use_srtp(ssl.get(), list);
    out("connection \"%s\": %d %s", list, result, errors().c_str());
    out("  %s", names(ssl.get()).c_str());
  }
  Owned<SSL> copy(SSL_dup(ssl.get()));
  out("copy %s", names(copy.get()).c_str());
  out("none %d", SSL_get_srtp_profiles(nullptr) == nullptr);
}

void streams() {
  auto use = [](SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_tlsext_use_srtp(context, kLists[1]);
  };
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Peers peers = make_peers({.client_context = use, .server_context = use});
    SSL_set_max_proto_version(peers.client.get(), version);
    link_memory(peers);
    out("%s", handshake(peers).said().c_str());
    out("selected %d %d %s", SSL_get_selected_srtp_profile(peers.client.get()) != nullptr,
        SSL_get_selected_srtp_profile(peers.server.get()) != nullptr, errors().c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"lists", lists}, {"connections", connections}, {"streams", streams}}, argc,
                   argv);
}
