// Renegotiation that is not allowed, not secure or not wanted: options, alerts, TLS 1.3.
#include "support/renegotiation.h"

namespace {
using namespace twin;

void start_and_see(Peers& peers, bool by_client) {
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  SSL* ssl = by_client ? peers.client.get() : peers.server.get();
  int returned = SSL_renegotiate(ssl);
  out("  SSL_renegotiate: %s, pending %d", outcome(ssl, returned).c_str(),
      SSL_renegotiate_pending(ssl));
  returned = SSL_do_handshake(ssl);
  out("  SSL_do_handshake: %s, pending %d", outcome_and_want(ssl, returned).c_str(),
      SSL_renegotiate_pending(ssl));
  read_in_turn(peers);
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  tell_counts(peers);
  tell_data(peers);
  SSL_set_info_callback(peers.client.get(), nullptr);
  SSL_set_info_callback(peers.server.get(), nullptr);
}

void options(int version) {
  constexpr uint64_t kClient[] = {0, SSL_OP_NO_RENEGOTIATION};
  constexpr uint64_t kServer[] = {
      0, SSL_OP_ALLOW_CLIENT_RENEGOTIATION, SSL_OP_NO_RENEGOTIATION,
      SSL_OP_ALLOW_CLIENT_RENEGOTIATION | SSL_OP_NO_RENEGOTIATION,
      SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION | SSL_OP_ALLOW_CLIENT_RENEGOTIATION};
  for (uint64_t client : kClient) {
    for (uint64_t server : kServer) {
      for (bool by_client : {true, false}) {
        Peers peers =
            renegotiable({.version = version, .client_options = client, .server_options = server});
        out("%s, client %#lx, server %#lx:", by_client ? "client" : "server", client, server);
        start_and_see(peers, by_client);
      }
    }
  }
}

// The option can come and go while the connection lives.
void option_on_the_connection() {
  Peers peers = renegotiable({});
  for (int round = 0; round < 2; round++) {
    out("round %d:", round);
    SSL_set_options(peers.client.get(), SSL_OP_NO_RENEGOTIATION);
    start_and_see(peers, true);
    SSL_clear_options(peers.client.get(), SSL_OP_NO_RENEGOTIATION);
    start_and_see(peers, true);
  }
}

void no_resumption_on_renegotiation() {
  for (uint64_t options : {uint64_t{0}, uint64_t{SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION}}) {
    for (bool tickets : {false, true}) {
      Peers peers = renegotiable({.resumable = true,
                                  .tickets = tickets,
                                  .server_options = options | SSL_OP_ALLOW_CLIENT_RENEGOTIATION});
      out("options %#lx, tickets %d:", options, tickets);
      for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
        int returned = SSL_renegotiate_abbreviated(ssl);
        out("  SSL_renegotiate_abbreviated: %s", outcome(ssl, returned).c_str());
        returned = SSL_do_handshake(ssl);
        out("  SSL_do_handshake: %s", outcome_and_want(ssl, returned).c_str());
        read_in_turn(peers);
        tell_counts(peers);
      }
    }
  }
}

void tls13() {
  for (bool by_client : {true, false}) {
    Peers peers = connected();
    SSL* ssl = by_client ? peers.client.get() : peers.server.get();
    out("%s:", by_client ? "client" : "server");
    out("  SSL_renegotiate: %s", answer(SSL_renegotiate(ssl)).c_str());
    out("  SSL_renegotiate_abbreviated: %s", answer(SSL_renegotiate_abbreviated(ssl)).c_str());
    out("  pending %d", SSL_renegotiate_pending(ssl));
    out("  SSL_do_handshake: %s", outcome(ssl, SSL_do_handshake(ssl)).c_str());
    tell_counts(peers);
    tell_data(peers);
  }
}

// What becomes of the handshake then is not told: the system's library fails in it.
void before_the_handshake() {
  Peers peers = make_peers(at_version(TLS1_2_VERSION));
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    out("SSL_renegotiate: %s, pending %d", answer(SSL_renegotiate(ssl)).c_str(),
        SSL_renegotiate_pending(ssl));
  }
}

void while_it_runs() {
  Peers peers = renegotiable({});
  for (int i = 0; i < 3; i++) {
    out("SSL_renegotiate: %s, pending %d",
        outcome(peers.client.get(), SSL_renegotiate(peers.client.get())).c_str(),
        SSL_renegotiate_pending(peers.client.get()));
    int returned = SSL_do_handshake(peers.client.get());
    out("SSL_do_handshake: %s", outcome(peers.client.get(), returned).c_str());
  }
}

// Both start at the same moment: the HelloRequest meets the ClientHello.
void both_at_once() {
  for (bool client_first : {true, false}) {
    Peers peers = renegotiable({});
    SSL* first = client_first ? peers.client.get() : peers.server.get();
    SSL* second = client_first ? peers.server.get() : peers.client.get();
    for (SSL* ssl : {first, second}) {
      out("SSL_renegotiate: %s", outcome(ssl, SSL_renegotiate(ssl)).c_str());
    }
    for (SSL* ssl : {first, second}) {
      out("SSL_do_handshake: %s", outcome(ssl, SSL_do_handshake(ssl)).c_str());
    }
    read_in_turn(peers);
    tell_counts(peers);
    tell_data(peers);
  }
}

/// Takes what one end sent, changes it and puts it back.
void rewrite(SSL* reader, const std::function<void(std::string&)>& change) {
  BIO* wire = SSL_get_rbio(reader);
  char* data;
  long size = BIO_get_mem_data(wire, &data);
  std::string bytes(data, static_cast<size_t>(size));
  (void)BIO_reset(wire);
  change(bytes);
  BIO_write(wire, bytes.data(), static_cast<int>(bytes.size()));
}

constexpr size_t kBehindRandom = 43;  // of a record with a hello: random bytes match anything

bool replace(std::string& bytes, const std::string& old, const std::string& fresh,
             size_t from = 0) {
  size_t found = bytes.find(old, from);
  if (found != std::string::npos) bytes.replace(found, old.size(), fresh);
  return found != std::string::npos;
}

/// Takes bytes out of the first record, a hello, and mends the lengths around them.
bool remove_extension(std::string& bytes, const std::string& extension) {
  size_t found = bytes.find(extension), session_id = 43;
  if (found == std::string::npos) return false;
  size_t extensions = session_id + 1 + static_cast<unsigned char>(bytes[session_id]) + 3;
  bytes.erase(found, extension.size());
  // Record, message and extensions: all shorter than 64 KiB.
  for (size_t length : {size_t{3}, size_t{7}, extensions}) {
    int value = static_cast<unsigned char>(bytes[length]) << 8 |
                static_cast<unsigned char>(bytes[length + 1]);
    value -= static_cast<int>(extension.size());
    bytes[length] = static_cast<char>(value >> 8);
    bytes[length + 1] = static_cast<char>(value);
  }
  return true;
}

// A server without RFC 5746: its renegotiation_info does not arrive, or not as it should.
void server_is_legacy() {
  enum class Change { none, removed, too_long };
  for (uint64_t options : {uint64_t{0}, uint64_t{SSL_OP_LEGACY_SERVER_CONNECT},
                           uint64_t{SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION}}) {
    for (Change change : {Change::none, Change::removed, Change::too_long}) {
      Peers peers = make_peers(at_version(TLS1_2_VERSION, {.client_context = [=](SSL_CTX* c) {
                                            SSL_CTX_set_options(c, options);
                                          }}));
      link_memory(peers);
      Side client{peers.client.get()}, server{peers.server.get()};
      client.step();
      server.step();
      const std::string empty("\xff\x01\x00\x01\x00", 5), longer("\xff\x01\x00\x01\x01", 5);
      bool found = true;
      rewrite(peers.client.get(), [&](std::string& bytes) {
        if (change == Change::removed) found = remove_extension(bytes, empty);
        if (change == Change::too_long) found = replace(bytes, empty, longer);
      });
      out("options %#lx, change %d (found %d):", options, static_cast<int>(change), found);
      tell_with_alerts(peers, "  handshake");
      out("  client: secure %ld", SSL_get_secure_renegotiation_support(peers.client.get()));
    }
  }
}

// A client without RFC 5746: neither the SCSV nor the extension arrives.
void client_is_legacy() {
  for (uint64_t options : {uint64_t{0}, uint64_t{SSL_OP_LEGACY_SERVER_CONNECT},
                           uint64_t{SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION}}) {
    for (bool filled : {false, true}) {
      Peers peers = make_peers(at_version(
          TLS1_2_VERSION,
          {.client_context = [](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, "AES128-SHA"); },
           .server_context = [=](SSL_CTX* c) { SSL_CTX_set_options(c, options); }}));
      link_memory(peers);
      Side client{peers.client.get()};
      client.step();
      bool found = false;
      rewrite(peers.server.get(), [&](std::string& bytes) {
        found =
            replace(bytes, std::string("\x00\xff", 2), std::string("\x00\x9d", 2), kBehindRandom);
        if (filled) {
          // encrypt_then_mac becomes a renegotiation_info that is not well-formed.
          found = replace(bytes, std::string("\x00\x16\x00\x00", 4),
                          std::string("\xff\x01\x00\x00", 4));
        }
      });
      out("options %#lx, filled %d (found %d):", options, filled, found);
      tell_with_alerts(peers, "  handshake");
      out("  server: secure %ld", SSL_get_secure_renegotiation_support(peers.server.get()));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"options.1.0", [] { options(TLS1_VERSION); }},
              {"options.1.1", [] { options(TLS1_1_VERSION); }},
              {"options.1.2", [] { options(TLS1_2_VERSION); }},
              {"option-on-the-connection", option_on_the_connection},
              {"no-resumption-on-renegotiation", no_resumption_on_renegotiation},
              {"tls13", tls13},
              {"before-the-handshake", before_the_handshake},
              {"while-it-runs", while_it_runs},
              {"both-at-once", both_at_once},
              {"server-is-legacy", server_is_legacy},
              {"client-is-legacy", client_is_legacy}},
             argc, argv);
}
