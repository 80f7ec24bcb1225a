// Resumption in TLS <= 1.2 by id and by ticket: what both ends say, in which order, and what stays.
#include <openssl/sha.h>

#include "support/resumption12.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION};

std::string secret(SSL* ssl) {
  unsigned char exported[8];
  if (SSL_export_keying_material(ssl, exported, sizeof exported, "twin", 4, nullptr, 0, 0) != 1) {
    return "none";
  }
  std::string result;
  for (unsigned char byte : exported) result += text("%02x", byte);
  return result;
}

void facts(SSL* client, SSL* server) {
  out("  %s %s, exporters equal %d, verify %ld", SSL_get_version(client),
      SSL_get_cipher_name(client), secret(client) == secret(server), SSL_get_verify_result(client));
  SSL_SESSION *ours = SSL_get_session(client), *theirs = SSL_get_session(server);
  unsigned char left[48], right[48];
  size_t length = SSL_SESSION_get_master_key(ours, left, sizeof left);
  SSL_SESSION_get_master_key(theirs, right, sizeof right);
  out("  master secrets of %zu bytes equal %d, extended %ld", length,
      std::memcmp(left, right, sizeof left) == 0, SSL_get_extms_support(client));
  X509* peer = SSL_get0_peer_certificate(client);
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(client);
  out("  peer's certificate %d, chain %d, group %ld", peer != nullptr,
      chain ? sk_X509_num(chain) : -1, static_cast<long>(SSL_get_negotiated_group(client)));
}

void versions(By by) {
  for (int version : kVersions) {
    Peers peers = resumable_peers(version, by);
    out("%#x by %s", version, by_name(by));
    Owned<SSL_SESSION> first = connect(peers, "full", {.after = facts});
    Owned<SSL_SESSION> second = connect(peers, "resumed", {.offer = first.get(), .after = facts});
    out("  the same session %d", first == second);
    Owned<SSL_SESSION> third = connect(peers, "again", {.offer = second.get(), .after = facts});
    out("  the same session %d", third == second);
    print_statistics(peers);
  }
}

void messages(By by) {
  Peers peers = resumable_peers(TLS1_2_VERSION, by);
  Owned<SSL_SESSION> first = connect(peers, "full");
  Log client, server, client_info, server_info;
  connect(peers, "resumed", {.offer = first.get(), .before = [&](SSL* c, SSL* s) {
                               client.watch_messages(c);
                               server.watch_messages(s);
                               client_info.watch_info(c);
                               server_info.watch_info(s);
                             }});
  print("client", client.lines);
  print("server", server.lines);
  print("client's info", client_info.lines);
  print("server's info", server_info.lines);
}

/// RFC 5077 3.4: the id by which a client offers its ticket.
void ticket_id() {
  Peers peers = resumable_peers();
  Owned<SSL_SESSION> session = connect(peers, "full");
  const unsigned char* ticket = nullptr;
  size_t length = 0;
  unsigned int id_length = 0;
  SSL_SESSION_get0_ticket(session.get(), &ticket, &length);
  const unsigned char* id = SSL_SESSION_get_id(session.get(), &id_length);
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(ticket, length, hash);
  out("ticket of at least 16 bytes %d, id is its hash %d", length >= 16,
      id_length == sizeof hash && std::memcmp(hash, id, sizeof hash) == 0);
}

void no_ticket_options() {
  for (int i = 0; i < 4; i++) {
    Peers peers = resumable_peers();
    if (i & 1) SSL_CTX_set_options(peers.client_context.get(), SSL_OP_NO_TICKET);
    if (i & 2) SSL_CTX_set_options(peers.server_context.get(), SSL_OP_NO_TICKET);
    out("NO_TICKET client %d, server %d", i & 1, i >> 1);
    Owned<SSL_SESSION> session = connect(peers, "full");
    connect(peers, "resumed", {.offer = session.get()});
    print_statistics(peers);
  }
}

/// One side changes its mind about tickets between two connections.
void changed_mind() {
  for (bool server : {false, true}) {
    Peers peers = resumable_peers();
    Owned<SSL_SESSION> session = connect(peers, "full");
    SSL_CTX_set_options((server ? peers.server_context : peers.client_context).get(),
                        SSL_OP_NO_TICKET);
    Owned<SSL_SESSION> next = connect(peers, "without tickets", {.offer = session.get()});
    SSL_CTX_clear_options((server ? peers.server_context : peers.client_context).get(),
                          SSL_OP_NO_TICKET);
    connect(peers, "with tickets again", {.offer = next.get()});
    print_statistics(peers);
  }
}

void cache_modes() {
  for (By by : {By::id, By::ticket}) {
    for (long mode : {SSL_SESS_CACHE_OFF, SSL_SESS_CACHE_CLIENT, SSL_SESS_CACHE_SERVER,
                      SSL_SESS_CACHE_BOTH, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL,
                      SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_LOOKUP,
                      SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_STORE,
                      SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_UPDATE_TIME}) {
      out("mode %#lx by %s", mode, by_name(by));
      Peers peers = resumable_peers(TLS1_2_VERSION, by);
      SSL_CTX_set_session_cache_mode(peers.client_context.get(), mode);
      SSL_CTX_set_session_cache_mode(peers.server_context.get(), mode);
      Owned<SSL_SESSION> session = connect(peers, "full");
      connect(peers, "resumed", {.offer = session.get()});
      print_statistics(peers);
    }
  }
}

/// A connection without close_notify must not be resumed by id; a ticket cannot be called back.
void cut_off() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    Owned<SSL_SESSION> session = connect(peers, "full", {.close = false});
    out("after: %s", about(session.get()).c_str());
    print_statistics(peers);
    connect(peers, "offered", {.offer = session.get()});
    print_statistics(peers);
  }
}

/// A fatal alert takes the session away.
void fatal_alert() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    Owned<SSL_SESSION> session =
        connect(peers, "full",
                {.after =
                     [&](SSL* client, SSL* server) {
                       static constexpr unsigned char kAlert[] = {21, 3, 3, 0, 2, 2, 40};
                       BIO_write(SSL_get_wbio(client), kAlert, sizeof kAlert);
                       char byte;
                       out("read: %s", outcome(server, SSL_read(server, &byte, 1)).c_str());
                       out("server's %s", about(SSL_get_session(server)).c_str());
                     },
                 .close = false});
    print_statistics(peers);
    connect(peers, "offered", {.offer = session.get()});
    print_statistics(peers);
  }
}

void client_certificates() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(
        TLS1_2_VERSION, by,
        {.client_context = [](SSL_CTX* c) { use_certificate(c, "client-p256"); },
         .server_context =
             [](SSL_CTX* c) {
               SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
               SSL_CTX_set_session_id_context(c, reinterpret_cast<const unsigned char*>("twin"), 4);
             }});
    auto verified = [](SSL*, SSL* server) {
      out("  client's certificate %d, chain %d, verify %ld",
          SSL_get0_peer_certificate(server) != nullptr,
          SSL_get_peer_cert_chain(server) ? sk_X509_num(SSL_get_peer_cert_chain(server)) : -1,
          SSL_get_verify_result(server));
    };
    Owned<SSL_SESSION> session = connect(peers, "full", {.after = verified});
    connect(peers, "resumed", {.offer = session.get(), .after = verified});
  }
}

/// A failed verification that the application overlooked is remembered.
void verify_result() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by, {.certificate = "server-stranger"});
    SSL_CTX_set_verify(peers.client_context.get(), SSL_VERIFY_NONE, nullptr);
    auto told = [](SSL* client, SSL* server) {
      out("  verify client %ld, server %ld", SSL_get_verify_result(client),
          SSL_get_verify_result(server));
    };
    Owned<SSL_SESSION> session = connect(peers, "full", {.after = told});
    connect(peers, "resumed", {.offer = session.get(), .after = told});
  }
}

/// The same SSL once more.
void cleared() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    link_memory(peers);
    for (int i = 0; i < 3; i++) {
      Result result = handshake(peers);
      out("%d: %s, reused %d %d", i, result.said().c_str(), SSL_session_reused(peers.client.get()),
          SSL_session_reused(peers.server.get()));
      SSL_shutdown(peers.client.get());
      SSL_shutdown(peers.server.get());
      SSL_shutdown(peers.client.get());
      out("  clear %d %d", SSL_clear(peers.client.get()), SSL_clear(peers.server.get()));
      link_memory(peers);
    }
    print_statistics(peers);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"by-id", [] { versions(By::id); }},
              {"by-ticket", [] { versions(By::ticket); }},
              {"messages-by-id", [] { messages(By::id); }},
              {"messages-by-ticket", [] { messages(By::ticket); }},
              {"ticket-id", ticket_id},
              {"no-ticket-options", no_ticket_options},
              {"changed-mind", changed_mind},
              {"cache-modes", cache_modes},
              {"cut-off", cut_off},
              {"fatal-alert", fatal_alert},
              {"client-certificates", client_certificates},
              {"verify-result", verify_result},
              {"cleared", cleared}},
             argc, argv);
}
