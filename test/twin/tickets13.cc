// Tickets of TLS 1.3: whose keys, the callbacks of every kind and each of their answers.
#include "support/resumption13.h"
#include "support/ticket_keys.h"

namespace {
using namespace twin;

/// How many tickets came on the connection that `how` describes.
void resume(Peers& peers, const char* title, SSL_SESSION* session) {
  Log client;
  connect13(peers, title,
            {.offer = session, .before = [&](SSL* ssl, SSL*) { client.watch_messages(ssl); }});
  long tickets = std::count_if(client.lines.begin(), client.lines.end(), [](auto& line) {
    return line.find("NewSessionTicket") != std::string::npos;
  });
  out("  %ld tickets", tickets);
}

void key_callbacks() {
  for (bool legacy : {false, true}) {
    for (int answer : {-1, 0, 1, 2}) {
      Keys keys;
      Peers peers = tickets_peers();
      legacy ? keys.attach_legacy(peers.server_context.get())
             : keys.attach_evp(peers.server_context.get());
      Owned<SSL_SESSION> session = first_session(peers);
      keys.tell();
      keys.answer_decrypt = answer;
      out("decrypt answers %d", answer);
      resume(peers, "resumed", session.get());
      keys.tell();
    }
  }
}

void key_callback_fails_to_encrypt() {
  Keys keys;
  Peers peers = tickets_peers();
  keys.attach_evp(peers.server_context.get());
  keys.answer_encrypt = -1;
  connect13(peers, "encrypt answers -1");
  keys.tell();
}

void set_keys() {
  Peers peers = tickets_peers();
  SSL_CTX* server = peers.server_context.get();
  std::vector<unsigned char> keys(
      static_cast<size_t>(SSL_CTX_set_tlsext_ticket_keys(server, nullptr, 0)));
  out("keys of %zu bytes, got %ld", keys.size(),
      SSL_CTX_get_tlsext_ticket_keys(server, keys.data(), keys.size()));
  Owned<SSL_SESSION> session = first_session(peers);
  resume(peers, "own keys", session.get());
  std::vector<unsigned char> others(keys.size(), 7);
  out("set %ld", SSL_CTX_set_tlsext_ticket_keys(server, others.data(), others.size()));
  resume(peers, "other keys", session.get());
  out("set %ld", SSL_CTX_set_tlsext_ticket_keys(server, keys.data(), keys.size()));
  resume(peers, "the first keys", session.get());
}

struct TicketCallback {
  int generate = 1;
  SSL_TICKET_RETURN answer = SSL_TICKET_RETURN_USE;
  void attach(SSL_CTX* context) {
    SSL_CTX_set_session_ticket_cb(
        context,
        [](SSL* ssl, void* self) {
          SSL_SESSION* session = SSL_get_session(ssl);
          out("  generate in %s: %s", SSL_state_string(ssl), about(session).c_str());
          SSL_SESSION_set1_ticket_appdata(session, "application", 11);
          return static_cast<TicketCallback*>(self)->generate;
        },
        [](SSL* ssl, SSL_SESSION* session, const unsigned char*, size_t name,
           SSL_TICKET_STATUS status, void* self) {
          void* data = nullptr;
          size_t length = 0;
          if (session) SSL_SESSION_get0_ticket_appdata(session, &data, &length);
          out("  decrypt in %s: session %d, name of %zu bytes, status %d, data %.*s",
              SSL_state_string(ssl), session != nullptr, name, status, static_cast<int>(length),
              static_cast<const char*>(data));
          return static_cast<TicketCallback*>(self)->answer;
        },
        this);
  }
};

void ticket_callbacks() {
  for (SSL_TICKET_RETURN answer :
       {SSL_TICKET_RETURN_ABORT, SSL_TICKET_RETURN_IGNORE, SSL_TICKET_RETURN_IGNORE_RENEW,
        SSL_TICKET_RETURN_USE, SSL_TICKET_RETURN_USE_RENEW}) {
    TicketCallback callback;
    Peers peers = tickets_peers();
    callback.attach(peers.server_context.get());
    Owned<SSL_SESSION> session = first_session(peers);
    callback.answer = answer;
    out("answer %d", answer);
    resume(peers, "resumed", session.get());
  }
  TicketCallback refuses{.generate = 0};
  Peers peers = tickets_peers();
  refuses.attach(peers.server_context.get());
  connect13(peers, "generate answers 0");
}

/// The ticket's bytes, changed in the session's DER.
void broken_tickets() {
  Peers peers = tickets_peers();
  Owned<SSL_SESSION> session = first_session(peers);
  for (size_t at : {size_t{0}, size_t{20}, size_t{60}, size_t{0} - 1}) {
    const unsigned char* ticket = nullptr;
    size_t length = 0;
    SSL_SESSION_get0_ticket(session.get(), &ticket, &length);
    unsigned char* der = nullptr;
    int size = i2d_SSL_SESSION(session.get(), &der);
    std::string whole(reinterpret_cast<char*>(der), static_cast<size_t>(size));
    OPENSSL_free(der);
    size_t where = whole.find(std::string(reinterpret_cast<const char*>(ticket), length));
    whole[where + std::min(at, length - 1)] ^= 1;
    auto* in = reinterpret_cast<const unsigned char*>(whole.data());
    Owned<SSL_SESSION> broken(d2i_SSL_SESSION(nullptr, &in, size));
    resume(peers, "broken", broken.get());
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"key-callbacks", key_callbacks},
              {"key-callback-fails-to-encrypt", key_callback_fails_to_encrypt},
              {"set-keys", set_keys},
              {"ticket-callbacks", ticket_callbacks},
              {"broken-tickets", broken_tickets}},
             argc, argv);
}
