// Extensions of TLS 1.2 and below: stapled certificate status, NPN, ALPN, server names, maximum
// fragment length, encrypt-then-MAC, extended master secret, point formats.
#include "support/older.h"

namespace {
using namespace twin;

/// The extensions that one end has received, in their order.
struct Extensions {
  Lines lines;

  void watch(SSL* ssl) {
    SSL_set_tlsext_debug_arg(ssl, this);
    SSL_set_tlsext_debug_callback(ssl, received);
  }

  static void received(SSL*, int, int type, const unsigned char* data, int size, void* self) {
    std::string line = text("%d, %d bytes:", type, size);
    for (int i = 0; size < 24 && i < size; i++) line += text(" %02x", data[i]);
    static_cast<Extensions*>(self)->lines.push_back(line);
  }
};

struct StatusAnswer {
  const char* response;
  int server_returns, client_returns;
};

int give_status(SSL* ssl, void* argument) {
  const auto* answer = static_cast<const StatusAnswer*>(argument);
  out("  server called: %s, type %ld", state_line(ssl).c_str(), SSL_get_tlsext_status_type(ssl));
  if (answer->response) {
    char* copy = OPENSSL_strdup(answer->response);
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<int>(std::strlen(copy)));
  }
  return answer->server_returns;
}

int take_status(SSL* ssl, void* argument) {
  const unsigned char* response = nullptr;
  long size = SSL_get_tlsext_status_ocsp_resp(ssl, &response);
  out("  client called: %s, response %ld %.*s", state_line(ssl).c_str(), size,
      static_cast<int>(size > 0 ? size : 0), reinterpret_cast<const char*>(response));
  return static_cast<const StatusAnswer*>(argument)->client_returns;
}

void status_request(int version) {
  constexpr StatusAnswer kAnswers[] = {
      {"a response", SSL_TLSEXT_ERR_OK, 1},    {"a response", SSL_TLSEXT_ERR_OK, 0},
      {"a response", SSL_TLSEXT_ERR_OK, -1},   {nullptr, SSL_TLSEXT_ERR_OK, 1},
      {nullptr, SSL_TLSEXT_ERR_NOACK, 1},      {"a response", SSL_TLSEXT_ERR_NOACK, 0},
      {nullptr, SSL_TLSEXT_ERR_ALERT_FATAL, 1}};
  for (const StatusAnswer& chosen : kAnswers) {
    for (const char* suite : {"ECDHE-RSA-AES128-SHA", "AES128-SHA"}) {
      auto* answer = const_cast<StatusAnswer*>(&chosen);
      Peers peers = make_peers(
          at_version(version, {.client_context =
                                   [=](SSL_CTX* c) {
                                     SSL_CTX_set_cipher_list(c, suite);
                                     SSL_CTX_set_tlsext_status_type(c, TLSEXT_STATUSTYPE_ocsp);
                                     SSL_CTX_set_tlsext_status_cb(c, take_status);
                                     SSL_CTX_set_tlsext_status_arg(c, answer);
                                   },
                               .server_context =
                                   [=](SSL_CTX* c) {
                                     SSL_CTX_set_tlsext_status_cb(c, give_status);
                                     SSL_CTX_set_tlsext_status_arg(c, answer);
                                   }}));
      link_memory(peers);
      out("%s, response %s, server %d, client %d:", suite,
          chosen.response ? chosen.response : "none", chosen.server_returns, chosen.client_returns);
      Log log;
      log.watch_messages(peers.client.get());
      tell_with_alerts(peers, "  handshake");
      print("  client's messages", log.lines);
    }
  }
}

// The callback is also called in a resumed handshake, without a response.
void status_request_resumed() {
  static const StatusAnswer kAnswer = {"a response", SSL_TLSEXT_ERR_OK, 1};
  auto* answer = const_cast<StatusAnswer*>(&kAnswer);
  auto side = [=](SSL_CTX* c, int (*callback)(SSL*, void*)) {
    allow_resumption(c, true);
    SSL_CTX_set_tlsext_status_cb(c, callback);
    SSL_CTX_set_tlsext_status_arg(c, answer);
  };
  Peers peers = make_peers(
      at_version(TLS1_2_VERSION, {.client_context =
                                      [=](SSL_CTX* c) {
                                        side(c, take_status);
                                        SSL_CTX_set_tlsext_status_type(c, TLSEXT_STATUSTYPE_ocsp);
                                      },
                                  .server_context = [=](SSL_CTX* c) { side(c, give_status); }}));
  for (const char* title : {"full", "resumed"}) {
    link_memory(peers);
    tell_handshake(peers, title);
    renew_with_session(peers);
  }
}

std::string protocol_said(SSL* ssl) {
  const unsigned char *next = nullptr, *chosen = nullptr;
  unsigned next_size = 0, size = 0;
  SSL_get0_next_proto_negotiated(ssl, &next, &next_size);
  SSL_get0_alpn_selected(ssl, &chosen, &size);
  return text("next %.*s, ALPN %.*s", static_cast<int>(next_size),
              reinterpret_cast<const char*>(next), static_cast<int>(size),
              reinterpret_cast<const char*>(chosen));
}

struct NextProtocol {
  const char *advertised, *wanted;
  int server_returns, client_returns;
};

int advertise(SSL*, const unsigned char** data, unsigned* size, void* argument) {
  const auto* chosen = static_cast<const NextProtocol*>(argument);
  *data = reinterpret_cast<const unsigned char*>(chosen->advertised);
  *size = static_cast<unsigned>(std::strlen(chosen->advertised));
  return chosen->server_returns;
}

int select_next(SSL*, unsigned char** data, unsigned char* size, const unsigned char* offered,
                unsigned offered_size, void* argument) {
  const auto* chosen = static_cast<const NextProtocol*>(argument);
  int found = SSL_select_next_proto(data, size, offered, offered_size,
                                    reinterpret_cast<const unsigned char*>(chosen->wanted),
                                    static_cast<unsigned>(std::strlen(chosen->wanted)));
  out("  client is offered %.*s: SSL_select_next_proto %d", static_cast<int>(offered_size),
      reinterpret_cast<const char*>(offered), found);
  return chosen->client_returns;
}

void npn(int version, bool resume) {
  constexpr NextProtocol kChoices[] = {
      {"\x02h2\x08http/1.1", "\x08http/1.1", SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_OK},
      {"\x02h2\x08http/1.1", "\x04spdy", SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_OK},
      {"", "\x02h2", SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_OK},
      {"\x02h2", "\x02h2", SSL_TLSEXT_ERR_NOACK, SSL_TLSEXT_ERR_OK},
      {"\x02h2", "\x02h2", SSL_TLSEXT_ERR_ALERT_FATAL, SSL_TLSEXT_ERR_OK},
      {"\x02h2", "\x02h2", SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_NOACK},
      {"\x09h2", "\x02h2", SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_OK}};
  for (const NextProtocol& choice : kChoices) {
    auto* argument = const_cast<NextProtocol*>(&choice);
    Peers peers = make_peers(
        at_version(version, {.client_context =
                                 [=](SSL_CTX* c) {
                                   if (resume) allow_resumption(c, true);
                                   SSL_CTX_set_next_proto_select_cb(c, select_next, argument);
                                 },
                             .server_context =
                                 [=](SSL_CTX* c) {
                                   if (resume) allow_resumption(c, true);
                                   SSL_CTX_set_next_protos_advertised_cb(c, advertise, argument);
                                 }}));
    for (int round = 0; round <= resume; round++) {
      link_memory(peers);
      out("advertised %s (%d), wanted %s (%d):", choice.advertised + !!*choice.advertised,
          choice.server_returns, choice.wanted + 1, choice.client_returns);
      Log log;
      log.watch_messages(peers.server.get());
      if (!tell_with_alerts(peers, "  handshake").good()) break;
      if (!resume) print("  server's messages", log.lines);
      out("  client %s | server %s", protocol_said(peers.client.get()).c_str(),
          protocol_said(peers.server.get()).c_str());
      renew_with_session(peers);
    }
  }
}

int select_alpn(SSL*, const unsigned char** data, unsigned char* size, const unsigned char*,
                unsigned, void* argument) {
  int returns = *static_cast<int*>(argument);
  *data = reinterpret_cast<const unsigned char*>("h2");
  *size = 2;
  return returns;
}

// ALPN wins over NPN.
void alpn(int version) {
  for (int returns : {SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_NOACK, SSL_TLSEXT_ERR_ALERT_FATAL}) {
    for (bool both : {false, true}) {
      static NextProtocol next = {"\x04spdy", "\x04spdy", SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_OK};
      static int answer;
      answer = returns;
      Peers peers = make_peers(at_version(
          version, {.client_context =
                        [=](SSL_CTX* c) {
                          SSL_CTX_set_alpn_protos(
                              c, reinterpret_cast<const unsigned char*>("\x02h2\x01x"), 5);
                          if (both) SSL_CTX_set_next_proto_select_cb(c, select_next, &next);
                        },
                    .server_context =
                        [=](SSL_CTX* c) {
                          SSL_CTX_set_alpn_select_cb(c, select_alpn, &answer);
                          if (both) SSL_CTX_set_next_protos_advertised_cb(c, advertise, &next);
                        }}));
      link_memory(peers);
      tell_with_alerts(peers, text("callback says %d, NPN %d", returns, both).c_str());
      out("  client %s | server %s", protocol_said(peers.client.get()).c_str(),
          protocol_said(peers.server.get()).c_str());
    }
  }
}

int name_callback(SSL* ssl, int* alert, void* argument) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  out("  server callback: %s, type %d", name ? name : "null", SSL_get_servername_type(ssl));
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return *static_cast<int*>(argument);
}

void server_name(int version) {
  for (int returns : {SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_NOACK, SSL_TLSEXT_ERR_ALERT_WARNING,
                      SSL_TLSEXT_ERR_ALERT_FATAL}) {
    for (const char* name : {"twin.example", ""}) {
      static int answer;
      answer = returns;
      Peers peers =
          make_peers(at_version(version, {.server_context = [](SSL_CTX* c) {
                                  allow_resumption(c, true);
                                  SSL_CTX_set_tlsext_servername_callback(c, name_callback);
                                  SSL_CTX_set_tlsext_servername_arg(c, &answer);
                                }}));
      SSL_CTX_clear_options(peers.client_context.get(), SSL_OP_NO_TICKET);
      renew(peers);
      for (const char* title : {"full", "resumed"}) {
        if (*name) SSL_set_tlsext_host_name(peers.client.get(), name);
        link_memory(peers);
        out("%s, name %s, callback says %d:", title, name, returns);
        bool good = tell_with_alerts(peers, "  handshake").good();
        for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
          const char* said = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
          const char* kept = good ? SSL_SESSION_get0_hostname(SSL_get_session(ssl)) : nullptr;
          out("  name %s, in the session %s", said ? said : "null", kept ? kept : "null");
        }
        if (!good) break;
        renew_with_session(peers);
      }
    }
  }
}

// A name that the application gives to the server's own SSL.
void servers_own_name() {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const char* name : {"twin.example", ""}) {
      Peers peers = make_peers({.client_context = [=](SSL_CTX* context) {
        SSL_CTX_set_max_proto_version(context, version);
      }});
      link_memory(peers);
      SSL* server = peers.server.get();
      SSL_set_tlsext_host_name(server, "own.example");
      if (*name) SSL_set_tlsext_host_name(peers.client.get(), name);
      auto said = [&] {
        const char* told = SSL_get_servername(server, TLSEXT_NAMETYPE_host_name);
        out("  %s", told ? told : "null");
      };
      said();
      out("client's \"%s\": %s", name, handshake(peers).said().c_str());
      said();
    }
  }
}

void max_fragment_length(int version) {
  for (uint8_t mode : {0, 1, 2, 3, 4, 5}) {
    Peers peers = make_peers(at_version(
        version, {.client_context = [=](SSL_CTX* c) {
          out("mode %d: %s", mode, answer(SSL_CTX_set_tlsext_max_fragment_length(c, mode)).c_str());
        }}));
    link_memory(peers);
    Log client, server;
    if (!tell_handshake(peers, "handshake").good()) continue;
    client.lengths = server.lengths = true;
    client.watch_messages(peers.client.get());
    server.watch_messages(peers.server.get());
    out("  %s", transfer(peers.client.get(), peers.server.get(), sample(6000)).c_str());
    out("  %s", transfer(peers.server.get(), peers.client.get(), sample(6000)).c_str());
    print_runs("  client's records", client.lines);
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      out("  session says %d", SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl)));
    }
  }
}

// Encrypt-then-MAC and the extended master secret, each offered, refused or both.
void options(const char* suite, int version) {
  constexpr uint64_t kOptions[] = {0, SSL_OP_NO_ENCRYPT_THEN_MAC, SSL_OP_NO_EXTENDED_MASTER_SECRET,
                                   SSL_OP_NO_ENCRYPT_THEN_MAC | SSL_OP_NO_EXTENDED_MASTER_SECRET};
  for (uint64_t client_options : kOptions) {
    for (uint64_t server_options : kOptions) {
      auto set = [=](uint64_t chosen) {
        return [=](SSL_CTX* c) {
          SSL_CTX_set_cipher_list(c, suite);
          SSL_CTX_set_options(c, chosen);
        };
      };
      Peers peers = make_peers(at_version(
          version, {.client_context = set(client_options), .server_context = set(server_options)}));
      Extensions at_client, at_server;
      at_client.watch(peers.client.get());
      at_server.watch(peers.server.get());
      link_memory(peers);
      out("%#lx against %#lx:", client_options, server_options);
      tell_with_alerts(peers, "  handshake");
      print("  to the client", at_client.lines);
      if (client_options == server_options) print("  to the server", at_server.lines);
      Log log;
      log.lengths = true;
      log.watch_messages(peers.client.get());
      transfer(peers.client.get(), peers.server.get(), "hello");
      print("  client's records", log.lines);
    }
  }
}

// A session with an extended master secret is resumed only with one (RFC 7627 5.3).
void extended_master_secret_resumed() {
  for (bool tickets : {true, false}) {
    for (int which : {0, 1, 2, 3}) {
      Peers peers = make_peers(at_version(
          TLS1_2_VERSION, {.client_context =
                               [=](SSL_CTX* c) {
                                 allow_resumption(c, tickets);
                                 if (which == 0)
                                   SSL_CTX_set_options(c, SSL_OP_NO_EXTENDED_MASTER_SECRET);
                               },
                           .server_context =
                               [=](SSL_CTX* c) {
                                 allow_resumption(c, tickets);
                                 if (which == 1)
                                   SSL_CTX_set_options(c, SSL_OP_NO_EXTENDED_MASTER_SECRET);
                               }}));
      link_memory(peers);
      out("tickets %d, case %d:", tickets, which);
      tell_with_alerts(peers, "  first");
      renew_with_session(peers);
      auto turn = [](SSL* ssl) {
        if (SSL_get_options(ssl) & SSL_OP_NO_EXTENDED_MASTER_SECRET) {
          SSL_clear_options(ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
        } else {
          SSL_set_options(ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
        }
      };
      if (which != 3) turn(which == 2 ? peers.server.get() : peers.client.get());
      if (which == 1) turn(peers.server.get());
      link_memory(peers);
      tell_with_alerts(peers, "  then");
    }
  }
}

// What the two hellos hold at each version, by the suites that the client offers.
void hellos() {
  for (int version : {TLS1_VERSION, TLS1_2_VERSION}) {
    for (const char* suites : {"ECDHE-RSA-AES128-SHA", "AES128-SHA", "DHE-RSA-AES128-SHA", "PSK"}) {
      Peers peers = make_peers(
          at_version(version, {.client_context =
                                   [=](SSL_CTX* c) {
                                     SSL_CTX_set_cipher_list(c, suites);
                                     SSL_CTX_clear_options(c, SSL_OP_NO_TICKET);
                                   },
                               .server_context = [](SSL_CTX* c) { SSL_CTX_set_dh_auto(c, 1); }}));
      Extensions at_client, at_server;
      at_client.watch(peers.client.get());
      at_server.watch(peers.server.get());
      link_memory(peers);
      out("%s, %s: %s", version_text(version), suites, handshake(peers).said().c_str());
      print("  to the client", at_client.lines);
      print("  to the server", at_server.lines);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"status-request.1.2", [] { status_request(TLS1_2_VERSION); }},
              {"status-request.1.0", [] { status_request(TLS1_VERSION); }},
              {"status-request-resumed", status_request_resumed},
              {"npn.1.2", [] { npn(TLS1_2_VERSION, false); }},
              {"npn.1.0", [] { npn(TLS1_VERSION, false); }},
              {"npn.resumed", [] { npn(TLS1_2_VERSION, true); }},
              {"alpn.1.2", [] { alpn(TLS1_2_VERSION); }},
              {"alpn.1.1", [] { alpn(TLS1_1_VERSION); }},
              {"server-name.1.2", [] { server_name(TLS1_2_VERSION); }},
              {"server-name.1.0", [] { server_name(TLS1_VERSION); }},
              {"servers-own-name", servers_own_name},
              {"max-fragment-length.1.2", [] { max_fragment_length(TLS1_2_VERSION); }},
              {"max-fragment-length.1.1", [] { max_fragment_length(TLS1_1_VERSION); }},
              {"options.cbc.1.2", [] { options("ECDHE-RSA-AES128-SHA", TLS1_2_VERSION); }},
              {"options.cbc.1.0", [] { options("AES128-SHA", TLS1_VERSION); }},
              {"options.gcm", [] { options("AES128-GCM-SHA256", TLS1_2_VERSION); }},
              {"extended-master-secret-resumed", extended_master_secret_resumed},
              {"hellos", hellos}},
             argc, argv);
}
