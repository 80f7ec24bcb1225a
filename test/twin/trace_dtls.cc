// SSL_trace of DTLS: headers of records and of messages, the messages and fields that only DTLS
// has, whole and cut off, and what both ends see of their handshakes.
#include "support/dtls_cookies.h"
#include "support/dtls_time.h"
#include "support/trace.h"

namespace {
using namespace twin;

// --- Without a handshake ---

struct Ends {
  Owned<SSL_CTX> context;
  Owned<SSL> client, server;
  explicit Ends(const SSL_METHOD* method) : context(SSL_CTX_new(method)) {
    client.reset(SSL_new(context.get()));
    server.reset(SSL_new(context.get()));
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
  }
};

constexpr std::pair<const char*, const SSL_METHOD* (*)()> kMethods[] = {
    {"any", DTLS_method}, {"1.2", DTLSv1_2_method}, {"1.0", DTLSv1_method}};

std::string fragment(int type, size_t length, size_t offset, const std::string& part) {
  return number(type, 1) + number(length, 3) + number(0x1234, 2) + number(offset, 3) +
         number(part.size(), 3) + part;
}

std::string whole(int type, const std::string& body) {
  return fragment(type, body.size(), 0, body);
}

std::string client_hello(int version, const std::string& cookie) {
  std::string extensions = extension(14, vector16(all_of({1, 2, 7, 8}, 2)) + vector8("mki")) +
                           extension(10, vector16(number(29, 2))) + extension(22, "");
  return whole(SSL3_MT_CLIENT_HELLO, number(static_cast<size_t>(version), 2) + sample(32, 3) +
                                         vector8(sample(32)) + vector8(cookie) +
                                         vector16(all_of({0xc02b, 0x002f}, 2)) + vector8("\1") +
                                         vector16(extensions));
}

std::vector<Sample> messages() {
  std::string certificate = vector24(vector24(certificate_der()));
  std::string signature = number(0x0804, 2) + vector16(sample(64));
  return {
      {"HelloRequest", whole(SSL3_MT_HELLO_REQUEST, "")},
      {"HelloVerifyRequest", whole(3, number(0xfeff, 2) + vector8("cookie"))},
      {"HelloVerifyRequest of 1.2", whole(3, number(0xfefd, 2) + vector8(""))},
      {"HelloVerifyRequest and more", whole(3, number(0x0100, 2) + vector8("cookie") + "more")},
      {"ClientHello without cookie", client_hello(0xfefd, "")},
      {"ClientHello with cookie", client_hello(0xfeff, sample(255))},
      {"ClientHello of an unknown version", client_hello(0xfefc, "cookie")},
      {"ServerHello", whole(SSL3_MT_SERVER_HELLO, number(0xfefd, 2) + sample(32, 3) +
                                                      vector8(sample(32)) + number(0xc02b, 2) +
                                                      number(0, 1) + vector16(extension(23, "")))},
      {"Certificate", whole(SSL3_MT_CERTIFICATE, certificate)},
      {"first fragment", fragment(SSL3_MT_CERTIFICATE, 1000, 0, certificate.substr(0, 100))},
      {"last fragment", fragment(SSL3_MT_CERTIFICATE, 1000, 900, certificate.substr(0, 100))},
      {"fragment of nothing", fragment(SSL3_MT_SERVER_DONE, 0, 0, "")},
      {"CertificateRequest",
       whole(SSL3_MT_CERTIFICATE_REQUEST,
             vector8(all_of({1, 64}, 1)) + vector16(all_of({0x0403, 0x0804}, 2)) + vector16(""))},
      {"CertificateRequest without schemes",
       whole(SSL3_MT_CERTIFICATE_REQUEST, vector8(all_of({1, 64}, 1)) + vector16(""))},
      {"CertificateVerify", whole(SSL3_MT_CERTIFICATE_VERIFY, signature)},
      {"NewSessionTicket", whole(SSL3_MT_NEWSESSION_TICKET, number(7200, 4) + vector16("ticket"))},
      {"Finished", whole(SSL3_MT_FINISHED, sample(12))},
      {"unknown", whole(99, "what is it?")},
  };
}

void whole_messages() {
  for (auto [name, method] : kMethods) {
    Ends ends(method());
    for (const Sample& one : messages()) {
      out("-- %s, method %s", one.name, name);
      std::string sent = traced(ends.client.get(), true, SSL3_RT_HANDSHAKE, one.bytes);
      out("%s", sent.c_str());
      out("the other says the same: %d",
          traced(ends.server.get(), false, SSL3_RT_HANDSHAKE, one.bytes) == sent);
    }
  }
}

// Here the length of a beginning is in the header twice.
void cut_off() {
  Ends ends(DTLS_method());
  for (const Sample& one : messages()) {
    // A certificate that is cut off fails in libcrypto's parser.
    if (one.bytes[0] == SSL3_MT_CERTIFICATE) continue;
    for (size_t size = 0; size < one.bytes.size(); size++) {
      std::string bytes = one.bytes.substr(0, size);
      std::string text = traced(ends.client.get(), true, SSL3_RT_HANDSHAKE, bytes);
      if (size >= 12) {
        bytes.replace(1, 3, number(size - 12, 3)).replace(9, 3, number(size - 12, 3));
        text += traced(ends.client.get(), true, SSL3_RT_HANDSHAKE, bytes);
      }
      out("%s of %zu: %zu %08x", one.name, size, text.size(), fingerprint(text));
    }
  }
}

void records() {
  Ends ends(DTLS_method());
  SSL* ssl = ends.client.get();
  for (bool sent : {true, false}) {
    for (int version : {0xfeff, 0xfefd, 0x0100, 0xfefc, 0x0303}) {
      std::string header = number(22, 1) + number(static_cast<size_t>(version), 2) +
                           number(0xfffe, 2) + number(0x0123456789ab, 6) + number(1000, 2);
      out("%s", traced(ssl, sent, SSL3_RT_HEADER, header).c_str());
    }
    std::string header =
        number(23, 1) + number(0xfefd, 2) + number(1, 2) + number(7, 6) + number(16384, 2);
    for (size_t size = 0; size <= header.size(); size++) {
      out("%s", traced(ssl, sent, SSL3_RT_HEADER, header.substr(0, size)).c_str());
    }
    out("%s", traced(ssl, sent, SSL3_RT_CHANGE_CIPHER_SPEC, number(1, 1)).c_str());
    out("%s", traced(ssl, sent, SSL3_RT_ALERT, number(0x0100, 2)).c_str());
  }
}

// --- Handshakes ---

/// What both ends see of a handshake, with data and the end of the connection.
void trace_handshake(Peers& peers) {
  Traces traces(peers);
  out("%s", handshake(peers).said().c_str());
  out("%s", transfer(peers.client.get(), peers.server.get(), "a datagram").c_str());
  SSL_shutdown(peers.client.get());
  SSL_shutdown(peers.server.get());
  traces.print();
}

Setup with_suite(const char* suite, bool cookie = false) {
  auto both = [=](SSL_CTX* context) { SSL_CTX_set_cipher_list(context, suite); };
  return {.client_context = both, .server_context = [=](SSL_CTX* context) {
            both(context);
            if (cookie) exchange_cookies(context);
          }};
}

void versions() {
  Net net;
  for (int version : {0, DTLS1_2_VERSION, DTLS1_VERSION}) {
    out("-- %s", version_text(version));
    Peers peers = dtls_peers(net, version, with_suite("AES128-SHA"));
    trace_handshake(peers);
    net.clear();
  }
}

void key_exchanges() {
  for (const char* suite : {"ECDHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES128-SHA"}) {
    Net net;
    out("-- %s", suite);
    Setup setup = with_suite(suite);
    setup.server = [](SSL* ssl) { SSL_set_dh_auto(ssl, 1); };
    Peers peers = dtls_peers(net, DTLS1_2_VERSION, setup);
    trace_handshake(peers);
  }
}

void cookie() {
  Net net;
  Peers peers = dtls_peers(net, DTLS1_2_VERSION, with_suite("AES128-SHA", true));
  trace_handshake(peers);
}

void client_certificate() {
  for (int version : {DTLS1_2_VERSION, DTLS1_VERSION}) {
    Net net;
    Peers peers = dtls_peers(net, version, with_suite("AES128-SHA"));
    out("-- %s", version_text(version));
    SSL_set_verify(peers.server.get(), SSL_VERIFY_PEER, nullptr);
    SSL_use_certificate(peers.client.get(), read_certificate("client-rsa").get());
    SSL_use_PrivateKey(peers.client.get(), read_key("client-rsa").get());
    trace_handshake(peers);
  }
}

// The message is shown once, whole.
void fragments() {
  Net net;
  Setup setup = with_suite("ADH-AES128-SHA:@SECLEVEL=0");
  setup.server = [](SSL* ssl) { SSL_set_dh_auto(ssl, 1); };
  Peers peers = dtls_peers(net, DTLS1_2_VERSION, setup);
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(ssl, 300);
  }
  trace_handshake(peers);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"whole_messages", whole_messages},
              {"cut_off", cut_off},
              {"records", records},
              {"versions", versions},
              {"key_exchanges", key_exchanges},
              {"cookie", cookie},
              {"client_certificate", client_certificate},
              {"fragments", fragments}},
             argc, argv);
}
