// Tickets of RFC 5077: whose keys, the callbacks of both kinds, tickets that do not open.
#include "support/resumption12.h"
#include "support/ticket_keys.h"

namespace {
using namespace twin;

size_t ticket_size(SSL_SESSION* session) {
  size_t length = 0;
  SSL_SESSION_get0_ticket(session, nullptr, &length);
  return length;
}

void callbacks(bool legacy) {
  for (int encrypt : {1, 0, 2, -1}) {
    for (int decrypt : {1, 0, 2, -1}) {
      Keys keys;
      keys.answer_encrypt = encrypt;
      Peers peers = resumable_peers();
      legacy ? keys.attach_legacy(peers.server_context.get())
             : keys.attach_evp(peers.server_context.get());
      out("encrypt %d, decrypt %d", encrypt, decrypt);
      Owned<SSL_SESSION> session = connect(peers, "full");
      keys.answer_encrypt = 1;
      keys.answer_decrypt = decrypt;
      Owned<SSL_SESSION> next = connect(peers, "resumed", {.offer = session.get()});
      out("the same session %d", next == session);
      connect(peers, "again", {.offer = next.get()});
      keys.tell();
      print_statistics(peers);
    }
  }
}

/// A renewal that ends in no ticket.
void renewal_without_ticket() {
  Keys keys;
  Peers peers = resumable_peers();
  keys.attach_evp(peers.server_context.get());
  Owned<SSL_SESSION> session = connect(peers, "full");
  keys.answer_decrypt = 2;
  keys.answer_encrypt = 0;
  Owned<SSL_SESSION> next = connect(peers, "resumed", {.offer = session.get()});
  out("the same session %d", next == session);
  connect(peers, "again", {.offer = next.get()});
  keys.tell();
  print_statistics(peers);
}

void other_algorithms() {
  struct {
    const EVP_CIPHER* cipher;
    const char* digest;
  } choices[] = {{EVP_aes_128_cbc(), "SHA1"},
                 {EVP_aes_192_cbc(), "SHA512"},
                 {EVP_camellia_256_cbc(), "SHA384"},
                 {EVP_des_ede3_cbc(), "SHA256"}};
  for (const auto& choice : choices) {
    for (bool legacy : {false, true}) {
      Keys keys;
      keys.cipher = choice.cipher;
      keys.digest = choice.digest;
      Peers peers = resumable_peers();
      legacy ? keys.attach_legacy(peers.server_context.get())
             : keys.attach_evp(peers.server_context.get());
      out("%s %s", EVP_CIPHER_get0_name(choice.cipher), choice.digest);
      Owned<SSL_SESSION> session = connect(peers, "full");
      connect(peers, "resumed", {.offer = session.get()});
      // The keys of another time.
      keys.name = 'o';
      connect(peers, "after a change of keys", {.offer = session.get()});
      keys.tell();
    }
  }
}

/// A callback that forgets what it is for.
void nothing_set_up() {
  for (bool decrypt : {false, true}) {
    Peers peers = resumable_peers();
    Owned<SSL_SESSION> session;
    if (decrypt) session = connect(peers, "full");
    SSL_CTX_set_tlsext_ticket_key_evp_cb(
        peers.server_context.get(),
        [](SSL*, unsigned char*, unsigned char*, EVP_CIPHER_CTX*, EVP_MAC_CTX*, int) { return 1; });
    renew(peers);
    link_memory(peers);
    if (session) SSL_set_session(peers.client.get(), session.get());
    Result result = handshake(peers);
    out("decrypt %d: good %d", decrypt, result.good());
  }
}

void own_keys() {
  Peers peers = resumable_peers();
  unsigned char keys[80];
  long size = SSL_CTX_get_tlsext_ticket_keys(peers.server_context.get(), nullptr, 0);
  out("size %ld", size);
  Owned<SSL_SESSION> session = connect(peers, "full");
  SSL_CTX_get_tlsext_ticket_keys(peers.server_context.get(), keys, sizeof keys);
  Peers others = resumable_peers();
  connect(others, "another server", {.offer = session.get()});
  SSL_CTX_set_tlsext_ticket_keys(others.server_context.get(), keys, sizeof keys);
  connect(others, "with the same keys", {.offer = session.get()});
  for (int part = 0; part < 80; part += 16) {
    unsigned char changed[80];
    std::memcpy(changed, keys, sizeof keys);
    changed[part] ^= 1;
    SSL_CTX_set_tlsext_ticket_keys(others.server_context.get(), changed, sizeof changed);
    connect(others, text("byte %d changed", part).c_str(), {.offer = session.get()});
  }
  print_statistics(others);
}

/// Every byte matters, and every length.
void broken_tickets() {
  Peers peers = resumable_peers();
  Owned<SSL_SESSION> session = connect(peers, "full");
  const unsigned char* ticket = nullptr;
  size_t length = 0;
  SSL_SESSION_get0_ticket(session.get(), &ticket, &length);
  std::string whole(reinterpret_cast<const char*>(ticket), length);
  int opened = 0, renewed = 0, failed = 0;
  auto offer = [&](std::string changed) {
    connect(peers, "",
            {.before =
                 [&](SSL* client, SSL*) {
                   SSL_set_session_ticket_ext(client, changed.data(),
                                              static_cast<int>(changed.size()));
                 },
             .after =
                 [&](SSL* client, SSL* server) {
                   opened += SSL_session_reused(server);
                   renewed += SSL_SESSION_has_ticket(SSL_get_session(client));
                   failed += !SSL_is_init_finished(server);
                 },
             .quiet = true});
  };
  for (size_t size : {1, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 80}) {
    offer(whole.substr(0, size));
    offer(std::string(size, 'x'));
  }
  offer(whole.substr(0, length - 1));
  offer(whole + "x");
  offer(whole + std::string(16, 'x'));
  for (size_t at = 0; at < length; at += 13) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    offer(changed);
  }
  out("opened %d, without a new ticket %d, failed %d", opened, renewed == 0, failed);
  print_statistics(peers);
}

/// What the application of SSL_CTX_set_session_ticket_cb answers and sees.
struct Application {
  int generate = 1;
  SSL_TICKET_RETURN decrypt = SSL_TICKET_RETURN_USE;
  std::string data = "data of the application";
  Lines lines{};

  static int generate_ticket(SSL* ssl, void* argument) {
    auto* self = static_cast<Application*>(argument);
    SSL_SESSION* session = SSL_get_session(ssl);
    self->lines.push_back(
        text("generate in %s, reused %d", SSL_state_string(ssl), SSL_session_reused(ssl)));
    SSL_SESSION_set1_ticket_appdata(session, self->data.data(), self->data.size());
    return self->generate;
  }
  static SSL_TICKET_RETURN decrypt_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char*,
                                          size_t name_length, SSL_TICKET_STATUS status,
                                          void* argument) {
    auto* self = static_cast<Application*>(argument);
    void* data = nullptr;
    size_t length = 0;
    if (session) SSL_SESSION_get0_ticket_appdata(session, &data, &length);
    self->lines.push_back(text("decrypt in %s, session %d, name of %zu, status %d, data '%.*s'",
                               SSL_state_string(ssl), session != nullptr, name_length, status,
                               static_cast<int>(length),
                               data ? static_cast<const char*>(data) : ""));
    return self->decrypt;
  }
};

void application_data() {
  for (int generate : {1, 0}) {
    for (SSL_TICKET_RETURN decrypt :
         {SSL_TICKET_RETURN_ABORT, SSL_TICKET_RETURN_IGNORE, SSL_TICKET_RETURN_IGNORE_RENEW,
          SSL_TICKET_RETURN_USE, SSL_TICKET_RETURN_USE_RENEW, 17}) {
      if (!generate && decrypt != SSL_TICKET_RETURN_IGNORE_RENEW) continue;
      Application application;
      application.generate = generate;
      application.decrypt = SSL_TICKET_RETURN_IGNORE_RENEW;
      Peers peers = resumable_peers();
      SSL_CTX_set_session_ticket_cb(peers.server_context.get(), Application::generate_ticket,
                                    Application::decrypt_ticket, &application);
      out("generate %d, decrypt %d", generate, decrypt);
      Owned<SSL_SESSION> session = connect(peers, "full");
      application.decrypt = decrypt;
      connect(peers, "resumed", {.offer = session.get()});
      unsigned char keys[80] = {};
      SSL_CTX_set_tlsext_ticket_keys(peers.server_context.get(), keys, sizeof keys);
      connect(peers, "does not open", {.offer = session.get()});
      connect(peers, "without a ticket");
      print("application", application.lines);
      print_statistics(peers);
    }
  }
}

/// An ignored ticket leaves the session id to be looked up.
void ignored_but_cached() {
  Application application;
  application.decrypt = SSL_TICKET_RETURN_IGNORE;
  Peers peers = resumable_peers(TLS1_2_VERSION, By::id);
  Owned<SSL_SESSION> session = connect(peers, "full");
  SSL_CTX_clear_options(peers.server_context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_session_ticket_cb(peers.server_context.get(), Application::generate_ticket,
                                Application::decrypt_ticket, &application);
  SSL_CTX_clear_options(peers.client_context.get(), SSL_OP_NO_TICKET);
  connect(peers, "by id, asking for a ticket", {.offer = session.get()});
  application.decrypt = SSL_TICKET_RETURN_IGNORE_RENEW;
  Owned<SSL_SESSION> next =
      connect(peers, "by id, with a ticket to come", {.offer = session.get()});
  out("the same session %d", next == session);
  connect(peers, "by the new ticket", {.offer = next.get()});
  print("application", application.lines);
  print_statistics(peers);
}

void message_order() {
  {
    Peers peers = resumable_peers(TLS1_2_VERSION, By::id);
    Log client, server;
    connect(peers, "full by id", {.before = [&](SSL* c, SSL* s) {
              client.watch_info(c);
              server.watch_info(s);
            }});
    print("client", client.lines);
    print("server", server.lines);
  }
  Keys keys;
  Peers peers = resumable_peers();
  keys.attach_evp(peers.server_context.get());
  Log client, server;
  auto watch = [&](SSL* c, SSL* s) {
    client.watch_info(c);
    server.watch_info(s);
  };
  Owned<SSL_SESSION> session = connect(peers, "full", {.before = watch});
  keys.answer_decrypt = 2;
  connect(peers, "renewed", {.offer = session.get(), .before = watch});
  print("client", client.lines);
  print("server", server.lines);
}

/// The security callback has a word about tickets.
void security() {
  for (bool server : {false, true}) {
    Peers peers = resumable_peers();
    SSL_CTX_set_security_callback((server ? peers.server_context : peers.client_context).get(),
                                  [](const SSL*, const SSL_CTX*, int operation, int, int, void*,
                                     void*) { return operation == SSL_SECOP_TICKET ? 0 : 1; });
    out("refused by the %s", server ? "server" : "client");
    Owned<SSL_SESSION> session = connect(peers, "full");
    connect(peers, "resumed", {.offer = session.get()});
    print_statistics(peers);
  }
}

void lifetimes() {
  for (long timeout : {1L, 300L, 604800L, 1000000L, 0x7fffffffL}) {
    Peers peers = resumable_peers();
    SSL_CTX_set_timeout(peers.server_context.get(), timeout);
    Owned<SSL_SESSION> session = connect(peers, "full");
    out("timeout %ld, hint %lu, ticket %d", timeout,
        SSL_SESSION_get_ticket_lifetime_hint(session.get()), ticket_size(session.get()) > 64);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"evp-callback", [] { callbacks(false); }},
              {"legacy-callback", [] { callbacks(true); }},
              {"renewal-without-ticket", renewal_without_ticket},
              {"other-algorithms", other_algorithms},
              {"nothing-set-up", nothing_set_up},
              {"own-keys", own_keys},
              {"broken-tickets", broken_tickets},
              {"application-data", application_data},
              {"ignored-but-cached", ignored_but_cached},
              {"message-order", message_order},
              {"security", security},
              {"lifetimes", lifetimes}},
             argc, argv);
}
