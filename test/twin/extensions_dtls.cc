// Extensions in the hellos of DTLS: what a client-hello callback sees, padding, and the contexts of
// SSL_CTX_add_custom_ext(3).
#include "support/client_hello.h"
#include "support/dtls_cookies.h"
#include "support/dtls_time.h"

namespace {
using namespace twin;

int read_all(SSL* ssl, int*, void*) {
  tell_hello(ssl);
  return SSL_CLIENT_HELLO_SUCCESS;
}

/// A client that has something to say in many extensions.
void talkative(SSL_CTX* c) {
  SSL_CTX_set_cipher_list(
      c, "AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA:@SECLEVEL=0");
  SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>("\4coap"), 5);
  SSL_CTX_set_tlsext_status_type(c, TLSEXT_STATUSTYPE_ocsp);
  SSL_CTX_set_tlsext_max_fragment_length(c, TLSEXT_max_fragment_length_1024);
  SSL_CTX_set_tlsext_use_srtp(c, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80");
  SSL_CTX_set_post_handshake_auth(c, 1);
  SSL_CTX_clear_options(c, SSL_OP_NO_TICKET);
}

void client_hellos() {
  for (int version : {0, DTLS1_VERSION, DTLS1_2_VERSION}) {
    for (bool with_cookie : {false, true}) {
      Net net;
      out("-- %s, cookie %d", version_text(version), with_cookie);
      Peers peers =
          dtls_peers(net, version, {.client_context = talkative, .server_context = [=](SSL_CTX* c) {
                                      SSL_CTX_set_security_level(c, 0);
                                      SSL_CTX_set_client_hello_cb(c, read_all, nullptr);
                                      if (with_cookie) exchange_cookies(c);
                                    }});
      SSL_set_tlsext_host_name(peers.client.get(), "twin.example");
      out("%s", handshake(peers).said().c_str());
      out("  generated %d, verified %d", cookies().generated, cookies().verified);
    }
  }
}

// Names of growing length: the hello that padding makes 512 bytes of counts DTLS's longer header.
void padding() {
  for (bool with_cookie : {false, true}) {
    for (size_t length = 1; length < 256; length += 6) {
      Net net;
      Peers peers = dtls_peers(net, DTLS1_2_VERSION, {.server_context = [=](SSL_CTX* c) {
                                 if (with_cookie) exchange_cookies(c);
                               }});
      SSL_set_options(peers.client.get(), SSL_OP_TLSEXT_PADDING);
      SSL_set_cipher_list(peers.client.get(), "AES128-SHA");
      SSL_set_tlsext_host_name(peers.client.get(), std::string(length, 'x').c_str());
      handshake(peers);
      std::string sizes;
      for (const std::string& datagram : net.to_server.sent) {
        if (datagram[13] == SSL3_MT_CLIENT_HELLO) sizes += text(" %zu", datagram.size());
      }
      out("cookie %d, name of %zu:%s", with_cookie, length, sizes.c_str());
      errors();
    }
  }
}

// --- Contexts of the application's extensions ---

constexpr unsigned kType = 1000;

int add(SSL*, unsigned type, unsigned context, const unsigned char** data, size_t* length, X509*,
        size_t, int*, void* side) {
  out("  %s adds %u in %#x", static_cast<const char*>(side), type, context);
  *data = reinterpret_cast<const unsigned char*>("data");
  *length = 4;
  return 1;
}

int parse(SSL*, unsigned type, unsigned context, const unsigned char* data, size_t length, X509*,
          size_t, int*, void* side) {
  out("  %s reads %u in %#x: %.*s", static_cast<const char*>(side), type, context,
      static_cast<int>(length), reinterpret_cast<const char*>(data));
  return 1;
}

int add_custom(SSL_CTX* c, const char* side, unsigned places) {
  auto* argument = const_cast<char*>(side);
  return SSL_CTX_add_custom_ext(c, kType, places, add, nullptr, argument, parse, argument);
}

void contexts() {
  constexpr unsigned kBoth = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO;
  for (unsigned places :
       {kBoth, kBoth | SSL_EXT_DTLS_ONLY, kBoth | SSL_EXT_TLS_ONLY,
        kBoth | SSL_EXT_TLS_IMPLEMENTATION_ONLY, kBoth | SSL_EXT_TLS1_3_ONLY,
        kBoth | SSL_EXT_TLS1_2_AND_BELOW_ONLY, static_cast<unsigned>(SSL_EXT_CLIENT_HELLO)}) {
    Net net;
    Peers peers = dtls_peers(
        net, DTLS1_2_VERSION,
        {.client_context = [=](SSL_CTX* c) { out("added %d", add_custom(c, "client", places)); },
         .server_context = [=](SSL_CTX* c) { add_custom(c, "server", places); }});
    out("%#x: %s", places, handshake(peers).said().c_str());
  }
}

// The same extension for DTLS, between ends that use it on a stream.
void datagrams_only_on_streams() {
  constexpr unsigned kPlaces =
      SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_DTLS_ONLY;
  Peers peers = make_peers(at_version(
      TLS1_2_VERSION,
      {.client_context = [=](SSL_CTX* c) { out("added %d", add_custom(c, "client", kPlaces)); },
       .server_context = [=](SSL_CTX* c) { add_custom(c, "server", kPlaces); }}));
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
}

/// The place of use_srtp, which nobody can add.
constexpr unsigned kStandIn = 0x1267;

int add_profiles(SSL*, unsigned, unsigned, const unsigned char** data, size_t* length, X509*,
                 size_t, int*, void*) {
  *data = reinterpret_cast<const unsigned char*>("\0\2\0\1\0");
  *length = 5;
  return 1;
}

// A stream's hello with use_srtp, to servers with and without profiles.
void srtp_on_streams() {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (bool profiles : {false, true}) {
      Peers peers = make_peers(at_version(
          version, {.client_context =
                        [](SSL_CTX* c) {
                          SSL_CTX_add_custom_ext(c, kStandIn, SSL_EXT_CLIENT_HELLO, add_profiles,
                                                 nullptr, nullptr, nullptr, nullptr);
                        },
                    .server_context =
                        [=](SSL_CTX* c) {
                          if (!profiles) return;
                          SSL_CTX_set_tlsext_use_srtp(c, "SRTP_AES128_CM_SHA1_80");
                        }}));
      link_memory(peers);
      Side client{peers.client.get()}, server{peers.server.get()};
      client.step();
      char* bytes = nullptr;
      long size = BIO_get_mem_data(SSL_get_wbio(peers.client.get()), &bytes);
      std::string hello(bytes, static_cast<size_t>(size));
      size_t at = hello.find(std::string("\x12\x67\0\5\0\2\0\1\0", 9));
      require(at != std::string::npos, "no stand-in");
      bytes[at] = 0;
      bytes[at + 1] = TLSEXT_TYPE_use_srtp;
      server.step();
      out("%s, profiles %d: %s", version_text(version), profiles, server.said().c_str());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"client_hellos", client_hellos},
              {"padding", padding},
              {"contexts", contexts},
              {"datagrams_only_on_streams", datagrams_only_on_streams},
              {"srtp_on_streams", srtp_on_streams}},
             argc, argv);
}
