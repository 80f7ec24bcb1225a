// SSL_key_update(3), SSL_get_key_update_type(3): both types, both roles, amid reads.
#include "support/post_handshake.h"

namespace {
using namespace twin;

void refused() {
  {
    Peers peers = make_peers();
    asks(peers.client.get(), SSL_KEY_UPDATE_REQUESTED);
    asks(peers.server.get(), SSL_KEY_UPDATE_REQUESTED);
    link_memory(peers);
    SSL_do_handshake(peers.client.get());
    SSL_do_handshake(peers.server.get());
    errors();
    out("in the handshake");
    asks(peers.client.get(), SSL_KEY_UPDATE_REQUESTED);
    asks(peers.server.get(), SSL_KEY_UPDATE_REQUESTED);
  }
  Peers peers = connected();
  out("types");
  for (int type : {-2, SSL_KEY_UPDATE_NONE, 2, 255, 256}) asks(peers.client.get(), type);
  out("twice");
  asks(peers.client.get(), SSL_KEY_UPDATE_REQUESTED);
  asks(peers.client.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
  out("  %s", outcome_and_want(peers.client.get(), SSL_do_handshake(peers.client.get())).c_str());
  asks(peers.client.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
  Owned<SSL> fresh(SSL_new(peers.client_context.get()));
  out("no role");
  asks(fresh.get(), SSL_KEY_UPDATE_REQUESTED);
}

void refused_below_tls13() {
  Peers peers =
      connected({.certificate = "server-p256",
                 .client =
                     [](SSL* ssl) {
                       SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
                       SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
                     },
                 .server = [](SSL* ssl) { SSL_set_min_proto_version(ssl, TLS1_2_VERSION); }});
  asks(peers.client.get(), SSL_KEY_UPDATE_REQUESTED);
  asks(peers.server.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
}

/// From one end to the other, with everything that both know at each stage.
void stages(bool from_client, int type) {
  Peers peers = connected();
  SSL* from = (from_client ? peers.client : peers.server).get();
  SSL* to = (from_client ? peers.server : peers.client).get();
  Log sender, receiver;
  sender.lengths = receiver.lengths = true;
  sender.watch_messages(from);
  receiver.watch_messages(to);
  out("%s, type %d", role(from), type);
  asks(from, type);
  out("  %s", state_line(from).c_str());
  out("  do_handshake: %s", outcome_and_want(from, SSL_do_handshake(from)).c_str());
  pending(peers);
  out("  read: %s", reads(to).c_str());
  pending(peers);
  out("  %s", state_line(to).c_str());
  out("  do_handshake: %s", outcome_and_want(to, SSL_do_handshake(to)).c_str());
  out("  answer: %s", writes(to, "answer").c_str());
  pending(peers);
  out("  read: %s", reads(from).c_str());
  out("  write: %s", writes(from, "thanks").c_str());
  out("  read: %s", reads(to).c_str());
  pending(peers);
  print(role(from), sender.lines);
  print(role(to), receiver.lines);
}

void all_stages() {
  for (bool from_client : {true, false}) {
    for (int type : kUpdateTypes) stages(from_client, type);
  }
}

void info_callback() {
  for (bool from_client : {true, false}) {
    for (int type : kUpdateTypes) {
      Peers peers = connected();
      Log client, server;
      client.watch_info(peers.client.get());
      server.watch_info(peers.server.get());
      SSL* from = (from_client ? peers.client : peers.server).get();
      SSL* to = (from_client ? peers.server : peers.client).get();
      asks(from, type);
      writes(from, "a");
      reads(to);
      writes(to, "b");
      reads(from);
      print("client", client.lines);
      print("server", server.lines);
    }
  }
}

void any_call_sends_it() {
  char byte;
  for (int call = 0; call < 5; ++call) {
    for (bool from_client : {true, false}) {
      Peers peers = connected();
      SSL* from = (from_client ? peers.client : peers.server).get();
      SSL* to = (from_client ? peers.server : peers.client).get();
      asks(from, SSL_KEY_UPDATE_NOT_REQUESTED);
      int returned = call == 0   ? SSL_do_handshake(from)
                     : call == 1 ? SSL_read(from, &byte, 1)
                     : call == 2 ? SSL_peek(from, &byte, 1)
                     : call == 3 ? SSL_write(from, "x", 1)
                                 : SSL_shutdown(from);
      out("  call %d: %s", call, outcome_and_want(from, returned).c_str());
      pending(peers);
      out("  %s", state_line(from).c_str());
      out("  read: %s", reads(to).c_str());
      out("  %s", transfer(from, to, "more").c_str());
    }
  }
}

// Both sides ask at the same time, for either type.
void both_at_once() {
  for (int client_type : kUpdateTypes) {
    for (int server_type : kUpdateTypes) {
      Peers peers = connected();
      SSL *client = peers.client.get(), *server = peers.server.get();
      asks(client, client_type);
      asks(server, server_type);
      out("  %s | %s", writes(client, "up").c_str(), writes(server, "down").c_str());
      out("  %s | %s", reads(client).c_str(), reads(server).c_str());
      pending(peers);
      out("  %s", transfer(client, server, "hello").c_str());
      out("  %s", transfer(server, client, "hello").c_str());
      pending(peers);
    }
  }
}

void many_times() {
  for (const char* suite :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"}) {
    auto choose = [=](SSL_CTX* context) { SSL_CTX_set_ciphersuites(context, suite); };
    Peers peers = connected({.client_context = choose, .server_context = choose});
    SSL *client = peers.client.get(), *server = peers.server.get();
    int good = 0;
    for (int i = 0; i < 100; ++i) {
      SSL_key_update(i % 2 ? client : server, kUpdateTypes[i / 2 % 2]);
      std::string data = sample(1 + static_cast<size_t>(i) * 400, static_cast<uint32_t>(i));
      good += transfer(client, server, data) == text("%zu bytes equal", data.size());
      good += transfer(server, client, data) == text("%zu bytes equal", data.size());
    }
    out("%s: %d of 200", suite, good);
    pending(peers);
  }
}

// Without data between them, below any limit.
void several_in_a_row() {
  Peers peers = connected();
  SSL *client = peers.client.get(), *server = peers.server.get();
  for (int i = 0; i < 30; ++i) {
    require(SSL_key_update(client, SSL_KEY_UPDATE_NOT_REQUESTED) == 1, "SSL_key_update");
    require(SSL_do_handshake(client) == 1, "SSL_do_handshake");
  }
  out("read: %s", reads(server).c_str());
  out("%s", transfer(client, server, "hello").c_str());
  out("%s", transfer(server, client, "hello").c_str());
}

// RFC 8446 4.6.3: one answer is enough for all requests that came before it.
void requests_to_a_silent_side() {
  Peers peers = connected();
  SSL *client = peers.client.get(), *server = peers.server.get();
  Log log;
  log.watch_messages(client);
  for (int i = 0; i < 3; ++i) {
    asks(server, SSL_KEY_UPDATE_REQUESTED);
    out("  do_handshake: %s", outcome_and_want(server, SSL_do_handshake(server)).c_str());
    out("  read: %s", reads(client).c_str());
    pending(peers);
  }
  auto sent = [&] {
    return std::count(log.lines.begin(), log.lines.end(), "> 0304 handshake KeyUpdate");
  };
  out("client has sent %td", sent());
  out("write: %s", writes(client, "answer").c_str());
  out("client has sent %td", sent());
  out("read: %s", reads(server).c_str());
  pending(peers);
}

void secrets_of_the_handshake_stay() {
  Peers peers = connected();
  auto exported = [](SSL* ssl) {
    std::string result(16, '\0');
    SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(result.data()), result.size(),
                               "EXPORTER-x", 10, nullptr, 0, 0);
    char finished[64];
    return result + std::string(finished, SSL_get_finished(ssl, finished, sizeof finished));
  };
  std::string client = exported(peers.client.get()), server = exported(peers.server.get());
  SSL_key_update(peers.client.get(), SSL_KEY_UPDATE_REQUESTED);
  transfer(peers.client.get(), peers.server.get(), "a");
  transfer(peers.server.get(), peers.client.get(), "b");
  out("client the same %d, server the same %d", client == exported(peers.client.get()),
      server == exported(peers.server.get()));
}

void data_before_and_behind() {
  Peers peers = connected();
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL_set_read_ahead(server, 1);
  writes(client, "before");
  asks(client, SSL_KEY_UPDATE_REQUESTED);
  writes(client, "behind");
  char buffer[10];
  out("two bytes: %s, pending %d, %d",
      outcome_and_want(server, SSL_read(server, buffer, 2)).c_str(), SSL_pending(server),
      SSL_has_pending(server));
  pending(peers);
  out("peek: %s, pending %d", outcome_and_want(server, SSL_peek(server, buffer, 10)).c_str(),
      SSL_pending(server));
  out("four bytes: %s, pending %d, %d",
      outcome_and_want(server, SSL_read(server, buffer, 4)).c_str(), SSL_pending(server),
      SSL_has_pending(server));
  pending(peers);
  out("peek: %s, pending %d", outcome_and_want(server, SSL_peek(server, buffer, 10)).c_str(),
      SSL_pending(server));
  pending(peers);
  out("read: %s", reads(server).c_str());
}

// A side with data left to read asks for new keys.
void with_data_left() {
  Peers peers = connected();
  SSL *client = peers.client.get(), *server = peers.server.get();
  writes(client, "some data");
  char buffer[10];
  out("two bytes: %s", outcome_and_want(server, SSL_read(server, buffer, 2)).c_str());
  asks(server, SSL_KEY_UPDATE_REQUESTED);
  out("read: %s", reads(server).c_str());
  pending(peers);
  out("client: %s", reads(client).c_str());
  pending(peers);
  out("%s", transfer(client, server, "hello").c_str());
}

void without_auto_retry() {
  for (int type : kUpdateTypes) {
    Peers peers = connected();
    SSL *client = peers.client.get(), *server = peers.server.get();
    SSL_clear_mode(server, SSL_MODE_AUTO_RETRY);
    asks(client, type);
    writes(client, "data");
    out("  %s", reads(server).c_str());
    out("  %s", reads(server).c_str());
    asks(server, type);
    out("  %s", reads(server).c_str());
    pending(peers);
  }
}

void around_close_notify() {
  for (bool from_client : {true, false}) {
    Peers peers = connected();
    SSL* from = (from_client ? peers.client : peers.server).get();
    SSL* to = (from_client ? peers.server : peers.client).get();
    out("shutdown: %s", outcome(from, SSL_shutdown(from)).c_str());
    asks(to, SSL_KEY_UPDATE_REQUESTED);
    out("  do_handshake: %s", outcome_and_want(to, SSL_do_handshake(to)).c_str());
    out("  read: %s", reads(to).c_str());
    out("  read: %s", reads(from).c_str());
    pending(peers);
    out("  data: %s", writes(to, "late").c_str());
    out("  read: %s", reads(from).c_str());
    out("  shutdown: %s", outcome(to, SSL_shutdown(to)).c_str());
    out("  shutdown: %s", outcome(from, SSL_shutdown(from)).c_str());
    pending(peers);
  }
}

void cleared() {
  Peers peers = connected();
  asks(peers.client.get(), SSL_KEY_UPDATE_REQUESTED);
  out("SSL_clear: %d %d", SSL_clear(peers.client.get()), SSL_clear(peers.server.get()));
  pending(peers);
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
  out("%s", transfer(peers.client.get(), peers.server.get(), "hello").c_str());
  pending(peers);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"refused", refused},
              {"refused.below-tls13", refused_below_tls13},
              {"stages", all_stages},
              {"info-callback", info_callback},
              {"any-call-sends-it", any_call_sends_it},
              {"both-at-once", both_at_once},
              {"many-times", many_times},
              {"several-in-a-row", several_in_a_row},
              {"requests-to-a-silent-side", requests_to_a_silent_side},
              {"secrets-of-the-handshake-stay", secrets_of_the_handshake_stay},
              {"data-before-and-behind", data_before_and_behind},
              {"with-data-left", with_data_left},
              {"without-auto-retry", without_auto_retry},
              {"around-close-notify", around_close_notify},
              {"cleared", cleared}},
             argc, argv);
}
