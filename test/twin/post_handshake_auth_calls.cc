// Post-handshake authentication as callbacks see it: states, messages, certificate and verify
// callbacks, custom extensions, SSL_trace.
#include "support/post_handshake.h"

namespace {
using namespace twin;

void logged(const Setup& setup, bool messages) {
  Peers peers = connected(setup);
  Log client, server;
  messages ? client.watch_messages(peers.client.get()) : client.watch_info(peers.client.get());
  messages ? server.watch_messages(peers.server.get()) : server.watch_info(peers.server.get());
  authenticate(peers);
  out("%s", transfer(peers.client.get(), peers.server.get(), "hello").c_str());
  print("client", client.lines);
  print("server", server.lines);
}

constexpr const char* kKinds[] = {"client-ed25519", "client-stranger", ""};

void info_callback() {
  for (const char* name : kKinds) {
    out("%s", name);
    logged(later_authentication(name), false);
  }
}

void message_callback() {
  for (const char* name : kKinds) {
    out("%s", name);
    logged(later_authentication(name), true);
  }
}

void message_lengths() {
  Peers peers = connected(later_authentication());
  Log client, server;
  client.lengths = server.lengths = true;
  client.watch_messages(peers.client.get());
  server.watch_messages(peers.server.get());
  authenticate(peers);
  print("client", client.lines);
  print("server", server.lines);
}

void states() {
  Peers peers = connected(later_authentication());
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL_verify_client_post_handshake(server);
  out("asked: %s", state_line(server).c_str());
  SSL_do_handshake(server);
  out("sent: %s", state_line(server).c_str());
  reads(client);
  out("answered: %s", state_line(client).c_str());
  reads(server);
  out("verified: %s", state_line(server).c_str());
}

/// Calls both ends in turn over BIOs that pass one byte at a time; each new state is told once.
void states_byte_by_byte() {
  Faults client, server;
  Peers peers = make_peers(later_authentication());
  link_memory(peers, &client, &server);
  require(handshake(peers).good(), "handshake");
  client.read = client.write = server.read = server.write = {.piece = 1, .retry_between = true};
  out("ask: %d", SSL_verify_client_post_handshake(peers.server.get()));
  Lines client_states, server_states;
  auto keep = [](Lines& lines, SSL* ssl, int returned) {
    char byte;
    if (SSL_is_init_finished(ssl)) returned = SSL_read(ssl, &byte, 1);
    std::string line =
        text("%s: %s", error_name(SSL_get_error(ssl, returned)), state_line(ssl).c_str());
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  };
  for (int idle = 0; idle < 6;) {
    uint64_t before = traffic(peers);
    keep(server_states, peers.server.get(), SSL_do_handshake(peers.server.get()));
    keep(client_states, peers.client.get(), SSL_do_handshake(peers.client.get()));
    idle = traffic(peers) == before ? idle + 1 : 0;
  }
  print("client", client_states);
  print("server", server_states);
  out("%s", peer_line(peers.server.get()).c_str());
}

int calls;

void certificate_callback_waits() {
  calls = 0;
  Setup setup = later_authentication("");
  setup.client = [](SSL* ssl) {
    SSL_set_cert_cb(
        ssl,
        [](SSL* self, void*) {
          out("    callback %d, %s, peer %s", ++calls, SSL_state_string_long(self),
              subject(SSL_get0_peer_certificate(self)).c_str());
          if (calls % 3 != 0) return -1;
          SSL_use_certificate_file(self, fixture("client-rsa.pem").c_str(), SSL_FILETYPE_PEM);
          SSL_use_PrivateKey_file(self, fixture("client-rsa.key").c_str(), SSL_FILETYPE_PEM);
          return 1;
        },
        nullptr);
  };
  Peers peers = connected(setup);
  SSL *client = peers.client.get(), *server = peers.server.get();
  for (int i = 0; i < 2; ++i) {
    ask(server);
    out("  read: %s", reads(client).c_str());
    out("  %s", state_line(client).c_str());
    size_t count = 0;
    int returned = SSL_write_ex(client, "early", 5, &count);
    out("  write: %s", outcome_and_want(client, returned).c_str());
    out("  do_handshake: %s", outcome_and_want(client, SSL_do_handshake(client)).c_str());
    out("  server: %s", reads(server).c_str());
    out("  server: %s", peer_line(server).c_str());
    out("  %s", transfer(client, server, "hello").c_str());
  }
}

void certificate_callback_fails() {
  Setup setup = later_authentication();
  setup.client = [](SSL* ssl) {
    SSL_set_cert_cb(
        ssl, [](SSL*, void*) { return 0; }, nullptr);
  };
  Peers peers = connected(setup);
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  authenticate(peers);
  out("alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
}

// SSL_CTX_set_client_cert_cb(3).
void client_certificate_callback() {
  for (int wanted : {1, 0}) {
    static int answer;
    answer = wanted;
    calls = 0;
    Setup setup = later_authentication("");
    setup.client = [](SSL* ssl) {
      SSL_CTX_set_client_cert_cb(SSL_get_SSL_CTX(ssl), [](SSL*, X509** x, EVP_PKEY** key) {
        out("    callback %d", ++calls);
        if (calls == 1) return -1;
        if (answer == 0) return 0;
        *x = read_certificate("client-p256").release();
        *key = read_key("client-p256").release();
        return 1;
      });
    };
    Peers peers = connected(setup);
    ask(peers.server.get());
    out("  read: %s", reads(peers.client.get()).c_str());
    out("  again: %s", reads(peers.client.get()).c_str());
    out("  server: %s", reads(peers.server.get()).c_str());
    out("  server: %s", peer_line(peers.server.get()).c_str());
    authenticate(peers);
  }
}

void verify_callback() {
  for (int answer : {1, 0}) {
    static int wanted;
    wanted = answer;
    for (const char* name : {"client-ed25519", "client-stranger"}) {
      out("%s, answer %d", name, answer);
      Setup setup = later_authentication("client-rsa", SSL_VERIFY_PEER);
      Peers peers = connected(setup);
      SSL_set_verify(peers.server.get(), kAskLater, [](int good, X509_STORE_CTX* store) {
        auto* ssl = static_cast<SSL*>(
            X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
        out("    good %d, depth %d, %s, state %s, connection's %s", good,
            X509_STORE_CTX_get_error_depth(store),
            X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)),
            SSL_state_string_long(ssl), peer_line(ssl).c_str());
        return wanted;
      });
      SSL_certs_clear(peers.client.get());
      SSL_use_certificate_file(peers.client.get(), fixture(text("%s.pem", name)).c_str(),
                               SSL_FILETYPE_PEM);
      SSL_use_PrivateKey_file(peers.client.get(), fixture(text("%s.key", name)).c_str(),
                              SSL_FILETYPE_PEM);
      authenticate(peers);
    }
  }
}

// The same in the handshake: what the connection knows while it verifies.
void verify_callback_in_the_handshake() {
  for (int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    Setup setup = later_authentication("client-rsa", SSL_VERIFY_PEER);
    setup.certificate = "server-p256";
    setup.client = [=](SSL* ssl) {
      SSL_set_min_proto_version(ssl, version);
      SSL_set_max_proto_version(ssl, version);
    };
    auto see = [](int good, X509_STORE_CTX* store) {
      auto* ssl = static_cast<SSL*>(
          X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
      out("    %s: %s", SSL_is_server(ssl) ? "server" : "client", peer_line(ssl).c_str());
      return good;
    };
    setup.server = [=](SSL* ssl) {
      SSL_set_min_proto_version(ssl, version);
      SSL_set_verify(ssl, SSL_VERIFY_PEER, see);
    };
    setup.client_context = [=](SSL_CTX* context) {
      use_certificate(context, "client-rsa");
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, see);
    };
    Peers peers = make_peers(setup);
    link_memory(peers);
    out("%s", handshake(peers).said().c_str());
  }
}

void certificate_verify_callback() {
  for (int answer : {1, 0}) {
    static int wanted;
    wanted = answer;
    Setup setup = later_authentication("client-stranger");
    setup.server_context = [](SSL_CTX* context) {
      SSL_CTX_set_verify(context, kAskLater, nullptr);
      SSL_CTX_set_cert_verify_callback(
          context,
          [](X509_STORE_CTX* store, void* argument) {
            out("    %s, %s", static_cast<const char*>(argument),
                subject(X509_STORE_CTX_get0_cert(store)).c_str());
            X509_STORE_CTX_set_error(store, wanted ? X509_V_OK : X509_V_ERR_CERT_REVOKED);
            return wanted;
          },
          const_cast<char*>("mine"));
    };
    Peers peers = connected(setup);
    authenticate(peers);
  }
}

std::string names(const STACK_OF(X509_NAME) * list) {
  std::string result = text("%d", sk_X509_NAME_num(list));
  for (int i = 0; i < sk_X509_NAME_num(list); ++i) {
    char name[200] = "";
    X509_NAME_get_text_by_NID(sk_X509_NAME_value(list, i), NID_commonName, name, sizeof name);
    result += text(" %s", name);
  }
  return result;
}

void authorities() {
  Peers peers = connected(later_authentication());
  out("handshake: %s", names(SSL_get0_peer_CA_list(peers.client.get())).c_str());
  for (const char* file : {"root", "other-root", ""}) {
    Owned<X509> certificate(*file ? read_certificate(file) : nullptr);
    STACK_OF(X509_NAME)* list = sk_X509_NAME_new_null();
    if (certificate) {
      sk_X509_NAME_push(list, X509_NAME_dup(X509_get_subject_name(certificate.get())));
    }
    SSL_set0_CA_list(peers.server.get(), list);
    authenticate(peers);
    out("peer's: %s", names(SSL_get0_peer_CA_list(peers.client.get())).c_str());
    out("client's: %s", names(SSL_get_client_CA_list(peers.client.get())).c_str());
  }
}

constexpr unsigned kType = 1000;

int add_text(SSL* ssl, unsigned type, unsigned context, const unsigned char** data, size_t* length,
             X509* certificate, size_t index, int*, void*) {
  out("    %s adds %u to %#x, %s %zu", SSL_is_server(ssl) ? "server" : "client", type, context,
      subject(certificate).c_str(), index);
  *data = reinterpret_cast<const unsigned char*>("text");
  *length = 4;
  return 1;
}

int read_text(SSL* ssl, unsigned type, unsigned context, const unsigned char*, size_t length,
              X509* certificate, size_t index, int*, void*) {
  out("    %s reads %u of %zu bytes in %#x, %s %zu", SSL_is_server(ssl) ? "server" : "client", type,
      length, context, subject(certificate).c_str(), index);
  return 1;
}

void custom_extensions() {
  constexpr unsigned kPlaces = SSL_EXT_TLS1_3_CERTIFICATE_REQUEST | SSL_EXT_TLS1_3_CERTIFICATE;
  auto add = [](SSL_CTX* context) {
    SSL_CTX_add_custom_ext(context, kType, kPlaces, add_text, nullptr, nullptr, read_text, nullptr);
  };
  for (int mode : {kAskLater, SSL_VERIFY_PEER}) {
    Setup setup = later_authentication("client-rsa", mode);
    auto client_context = setup.client_context, server_context = setup.server_context;
    setup.client_context = [=](SSL_CTX* context) { client_context(context), add(context); };
    setup.server_context = [=](SSL_CTX* context) { server_context(context), add(context); };
    Peers peers = connected(setup);
    authenticate(peers);
    authenticate(peers);
  }
}

// The lengths of contexts and signatures are the same in every run with an Ed25519 key.
void trace() {
  Peers peers = connected(later_authentication());
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  SSL_set_msg_callback(peers.client.get(), SSL_trace);
  SSL_set_msg_callback_arg(peers.client.get(), memory.get());
  authenticate(peers);
  char* data = nullptr;
  long size = BIO_get_mem_data(memory.get(), &data);
  std::string said(data, static_cast<size_t>(size));
  // What is random: the context, the signature, the verify data.
  for (const char* title :
       {"context (len=32): ", "Signature (len=64): ", "verify_data (len=48): "}) {
    size_t at = said.find(title);
    for (; at != std::string::npos; at = said.find(title, at)) {
      at += std::strlen(title);
      said.erase(at, said.find('\n', at) - at);
    }
  }
  out("%s", said.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"info-callback", info_callback},
              {"message-callback", message_callback},
              {"message-lengths", message_lengths},
              {"states", states},
              {"states.byte-by-byte", states_byte_by_byte},
              {"certificate-callback.waits", certificate_callback_waits},
              {"certificate-callback.fails", certificate_callback_fails},
              {"client-certificate-callback", client_certificate_callback},
              {"verify-callback", verify_callback},
              {"verify-callback.in-the-handshake", verify_callback_in_the_handshake},
              {"certificate-verify-callback", certificate_verify_callback},
              {"authorities", authorities},
              {"custom-extensions", custom_extensions},
              {"trace", trace}},
             argc, argv);
}
