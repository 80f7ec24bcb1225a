// use_srtp (RFC 5764): which profile both sides choose, what they know of it, and what is
// malformed.
#include <openssl/srtp.h>

#include "support/dtls_cookies.h"
#include "support/dtls_records.h"
#include "support/dtls_time.h"

namespace {
using namespace twin;

const char* selected(SSL* ssl) {
  SRTP_PROTECTION_PROFILE* profile = SSL_get_selected_srtp_profile(ssl);
  return profile ? profile->name : "none";
}

std::string profiles(SSL* ssl) {
  STACK_OF(SRTP_PROTECTION_PROFILE)* all = SSL_get_srtp_profiles(ssl);
  if (!all) return "none";
  std::string names;
  for (int i = 0; i < sk_SRTP_PROTECTION_PROFILE_num(all); i++) {
    names += text("%s ", sk_SRTP_PROTECTION_PROFILE_value(all, i)->name);
  }
  return names;
}

void use(SSL_CTX* context, const char* list) {
  if (list) require(SSL_CTX_set_tlsext_use_srtp(context, list) == 0, list);
}

Peers with_profiles(Net& net, const char* client, const char* server,
                    int version = DTLS1_2_VERSION) {
  return dtls_peers(net, version,
                    {.client_context = [=](SSL_CTX* c) { use(c, client); },
                     .server_context = [=](SSL_CTX* c) { use(c, server); }});
}

/// RFC 5764 4.2: keys and salts for both directions.
void tell_keys(const Peers& peers) {
  const char* label = "EXTRACTOR-dtls_srtp";
  unsigned char left[60], right[60];
  int done = SSL_export_keying_material(peers.client.get(), left, sizeof left, label,
                                        std::strlen(label), nullptr, 0, 0);
  done += SSL_export_keying_material(peers.server.get(), right, sizeof right, label,
                                     std::strlen(label), nullptr, 0, 0);
  out("  exported %d, equal %d", done, std::memcmp(left, right, sizeof left) == 0);
}

void tell(Peers& peers, const char* title) {
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  Result result = handshake(peers);
  out("%s: %s", title, result.said().c_str());
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  if (result.good()) {
    out("  selected: client %s, server %s", selected(peers.client.get()),
        selected(peers.server.get()));
    tell_keys(peers);
  }
  SSL_set_info_callback(peers.client.get(), nullptr);
  SSL_set_info_callback(peers.server.get(), nullptr);
}

constexpr const char* k80 = "SRTP_AES128_CM_SHA1_80";
constexpr const char* k32 = "SRTP_AES128_CM_SHA1_32";
constexpr const char* kBoth = "SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80";
constexpr const char* kAll =
    "SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32:SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM";
constexpr const char* kGcm = "SRTP_AEAD_AES_256_GCM";
constexpr const char* kLists[] = {nullptr, k80, k32, kBoth, kAll, kGcm};

void chosen() {
  for (int version : {DTLS1_VERSION, DTLS1_2_VERSION}) {
    for (const char* client : kLists) {
      for (const char* server : kLists) {
        Net net;
        Peers peers = with_profiles(net, client, server, version);
        tell(peers, text("%s, %s to %s", version_text(version), client ? client : "none",
                         server ? server : "none")
                        .c_str());
      }
    }
  }
}

void lengths() {
  for (const char* list : kLists) {
    Net net;
    Peers peers = with_profiles(net, list, list);
    handshake(peers);
    out("%s", list ? list : "none");
    out("  hello %s", describe(net.to_server.sent[0]).c_str());
    out("  answer %s", describe(net.to_client.sent[0]).c_str());
  }
}

void of_the_connection() {
  Net net;
  Peers peers = with_profiles(net, k80, kAll);
  SSL *client = peers.client.get(), *server = peers.server.get();
  out("before: %s| %s| %s, %s", profiles(client).c_str(), profiles(server).c_str(),
      selected(client), selected(server));
  out("set: %d", SSL_set_tlsext_use_srtp(client, kGcm));
  out("of the client: %s", profiles(client).c_str());
  use(peers.server_context.get(), kGcm);
  out("of the server, whose context was changed: %s", profiles(server).c_str());
  tell(peers, "handshake");
  out("after: %s| %s", profiles(client).c_str(), profiles(server).c_str());
  SSL_clear(client);
  out("cleared: %s", profiles(client).c_str());
}

void resumed() {
  for (bool tickets : {false, true}) {
    Net net;
    Peers peers = with_profiles(net, kAll, k80);
    for (SSL_CTX* context : {peers.client_context.get(), peers.server_context.get()}) {
      allow_resumption(context, tickets);
    }
    renew(peers);
    link_datagrams(peers, net);
    tell(peers, "full");
    for (const char* list : {kAll, kGcm}) {
      use(peers.server_context.get(), list);
      renew_with_session(peers);
      net.clear();
      link_datagrams(peers, net);
      tell(peers, "resumed");
      out("  reused %d", SSL_session_reused(peers.client.get()));
    }
  }
}

void with_a_cookie() {
  Net net;
  Peers peers = with_profiles(net, kAll, kBoth);
  exchange_cookies(peers.server_context.get());
  renew(peers);
  link_datagrams(peers, net);
  tell(peers, "with a cookie");
}

void renegotiated() {
  Net net;
  Peers peers = with_profiles(net, kAll, kBoth);
  SSL_set_options(peers.server.get(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  tell(peers, "first");
  use(peers.server_context.get(), kGcm);
  SSL_renegotiate(peers.client.get());
  SSL_do_handshake(peers.client.get());
  char byte[1];
  for (int i = 0; i < 6; i++) {
    SSL_read(peers.server.get(), byte, 1);
    SSL_read(peers.client.get(), byte, 1);
  }
  ERR_clear_error();
  out("renegotiated %ld, selected %s, %s", SSL_num_renegotiations(peers.client.get()),
      selected(peers.client.get()), selected(peers.server.get()));
}

struct Body {
  const char* name;
  std::string bytes;
};

std::string bytes(std::initializer_list<int> values) {
  std::string result;
  for (int value : values) result += static_cast<char>(value);
  return result;
}

void malformed_hellos() {
  for (const Body& body :
       {Body{"nothing", ""}, Body{"one byte", bytes({0})},
        Body{"odd list", bytes({0, 3, 0, 1, 0, 0})}, Body{"list too long", bytes({0, 8, 0, 1, 0})},
        Body{"no MKI", bytes({0, 2, 0, 1})}, Body{"MKI too long", bytes({0, 2, 0, 1, 4, 1, 2})},
        Body{"more behind", bytes({0, 2, 0, 1, 0, 0})}}) {
    Net net;
    Peers peers = with_profiles(net, kAll, kBoth);
    net.to_server.fate = change(0, [&](std::string& datagram) {
      change_hello(datagram, TLSEXT_TYPE_use_srtp, [&](std::string& old) { old = body.bytes; });
    });
    tell(peers, body.name);
  }
}

/// Good ones, for which the transcript does not fit any more.
void other_hellos() {
  for (const Body& body : {Body{"unknown profiles", bytes({0, 4, 0x77, 1, 0x77, 2, 0})},
                           Body{"among unknown ones", bytes({0, 6, 0x77, 1, 0, 1, 0x77, 2, 0})},
                           Body{"twice", bytes({0, 4, 0, 2, 0, 2, 0})},
                           Body{"an MKI", bytes({0, 2, 0, 1, 2, 1, 2})}}) {
    Net net;
    Peers peers = with_profiles(net, kAll, kBoth);
    net.to_server.fate = change(0, [&](std::string& datagram) {
      change_hello(datagram, TLSEXT_TYPE_use_srtp, [&](std::string& old) { old = body.bytes; });
    });
    SSL_do_handshake(peers.client.get());
    std::string said = outcome(peers.server.get(), SSL_do_handshake(peers.server.get()));
    out("%s: %s, selected %s", body.name, said.c_str(), selected(peers.server.get()));
  }
}

void malformed_answers() {
  for (const Body& body :
       {Body{"nothing", ""}, Body{"no profiles", bytes({0, 0, 0})},
        Body{"two profiles", bytes({0, 4, 0, 1, 0, 2, 0})}, Body{"no MKI", bytes({0, 2, 0, 1})},
        Body{"an MKI", bytes({0, 2, 0, 1, 1, 9})}, Body{"more behind", bytes({0, 2, 0, 1, 0, 0})},
        Body{"not offered", bytes({0, 2, 0, 8, 0})}, Body{"unknown", bytes({0, 2, 0x77, 1, 0})}}) {
    Net net;
    Peers peers = with_profiles(net, kBoth, kAll);
    net.to_client.fate = change(0, [&](std::string& datagram) {
      change_hello(datagram, TLSEXT_TYPE_use_srtp, [&](std::string& old) { old = body.bytes; });
    });
    tell(peers, body.name);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"chosen", chosen},
              {"lengths", lengths},
              {"of-the-connection", of_the_connection},
              {"resumed", resumed},
              {"with-a-cookie", with_a_cookie},
              {"renegotiated", renegotiated},
              {"malformed-hellos", malformed_hellos},
              {"other-hellos", other_hellos},
              {"malformed-answers", malformed_answers}},
             argc, argv);
}
