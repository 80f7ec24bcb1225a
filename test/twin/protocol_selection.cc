// ALPN and NPN: what the callbacks of both sides answer, with and without each other, at TLS 1.2
// and 1.3; SSL_select_next_proto(3) and its results as choices.
#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
constexpr int kAnswers[] = {SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_ALERT_WARNING,
                            SSL_TLSEXT_ERR_ALERT_FATAL, SSL_TLSEXT_ERR_NOACK, 77};

const unsigned char* bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string list_of(std::initializer_list<const char*> names) {
  std::string list;
  for (std::string name : names) list += static_cast<char>(name.size()) + name;
  return list;
}

std::string shown(const unsigned char* data, unsigned size) {
  if (!data) return text("null %u", size);
  return text("%u ", size) + std::string(reinterpret_cast<const char*>(data), size);
}

std::string chosen(SSL* ssl) {
  const unsigned char *alpn = nullptr, *npn = nullptr;
  unsigned alpn_size = 99, npn_size = 99;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  SSL_get0_next_proto_negotiated(ssl, &npn, &npn_size);
  return "alpn " + shown(alpn, alpn_size) + ", npn " + shown(npn, npn_size);
}

void told(Peers& peers, const char* title) {
  link_memory(peers);
  tell_with_alerts(peers, title);
  out("  client %s", chosen(peers.client.get()).c_str());
  out("  server %s", chosen(peers.server.get()).c_str());
}

/// What the callbacks do.
struct Plan {
  int answer = SSL_TLSEXT_ERR_OK;
  std::string choice{"h2"}, advertised{};
  int advertise = SSL_TLSEXT_ERR_OK;
  bool select = false;  ///< by SSL_select_next_proto from `advertised`
};
Plan plan;

int on_alpn(SSL* ssl, const unsigned char** picked, unsigned char* size,
            const unsigned char* offered, unsigned length, void* argument) {
  out("  alpn callback: %s, argument %d, name %s", shown(offered, length).c_str(),
      argument != nullptr, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) ? "there" : "none");
  if (plan.select) {
    unsigned char* place = nullptr;
    int found =
        SSL_select_next_proto(&place, size, bytes(plan.advertised),
                              static_cast<unsigned>(plan.advertised.size()), offered, length);
    out("    found %d: %s", found, shown(place, *size).c_str());
    *picked = place;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : plan.answer;
  }
  *picked = bytes(plan.choice);
  *size = static_cast<unsigned char>(plan.choice.size());
  return plan.answer;
}

int on_advertise(SSL*, const unsigned char** list, unsigned* size, void* argument) {
  out("  npn list asked for, argument %d", argument != nullptr);
  *list = bytes(plan.advertised);
  *size = static_cast<unsigned>(plan.advertised.size());
  return plan.advertise;
}

int on_npn(SSL*, unsigned char** picked, unsigned char* size, const unsigned char* offered,
           unsigned length, void* argument) {
  out("  npn callback: %s, argument %d", shown(offered, length).c_str(), argument != nullptr);
  if (plan.select) {
    std::string own = list_of({"http/1.1", "h2"});
    int found = SSL_select_next_proto(picked, size, offered, length, bytes(own),
                                      static_cast<unsigned>(own.size()));
    out("    found %d: %s", found, shown(*picked, *size).c_str());
    static std::string kept;
    kept.assign(reinterpret_cast<char*>(*picked), *size);
    *picked = const_cast<unsigned char*>(bytes(kept));
  } else {
    *picked = const_cast<unsigned char*>(bytes(plan.choice));
    *size = static_cast<unsigned char>(plan.choice.size());
  }
  return plan.answer;
}

int argument;

void with_alpn(SSL_CTX* c) {
  SSL_CTX_set_alpn_select_cb(c, on_alpn, &argument);
}
void with_npn_client(SSL_CTX* c) {
  SSL_CTX_set_next_proto_select_cb(c, on_npn, &argument);
}
void with_npn_server(SSL_CTX* c) {
  SSL_CTX_set_next_protos_advertised_cb(c, on_advertise, &argument);
}

void offer(SSL* ssl, const std::string& list) {
  out("  offered %d", SSL_set_alpn_protos(ssl, bytes(list), static_cast<unsigned>(list.size())));
}

// Choices that were offered, that were not, that are too long or nothing.
void alpn_answers() {
  for (int version : kVersions) {
    for (int answer : kAnswers) {
      for (const std::string& choice : {std::string("h2"), std::string("other"), std::string()}) {
        // An empty choice with OK is looked at in callbacks_retry.
        if (choice.empty() && answer == SSL_TLSEXT_ERR_OK) continue;
        plan = {.answer = answer, .choice = choice};
        Peers peers = make_peers(at_version(version, {.server_context = with_alpn}));
        offer(peers.client.get(), list_of({"h2", "http/1.1"}));
        told(peers, text("%s, %d, \"%s\"", version_text(version), answer, choice.c_str()).c_str());
      }
    }
  }
}

// By SSL_select_next_proto: the server's order, and what it gives where nothing fits.
void alpn_selected() {
  for (int version : kVersions) {
    for (const std::string& own :
         {list_of({"http/1.1", "h2"}), list_of({"h3", "spdy"}), std::string()}) {
      for (int answer : {SSL_TLSEXT_ERR_NOACK, SSL_TLSEXT_ERR_ALERT_FATAL}) {
        plan = {.answer = answer, .advertised = own, .select = true};
        Peers peers = make_peers(at_version(version, {.server_context = with_alpn}));
        offer(peers.client.get(), list_of({"h2", "http/1.1"}));
        told(peers,
             text("%s, own of %zu, else %d", version_text(version), own.size(), answer).c_str());
      }
    }
  }
}

void no_alpn() {
  for (int version : kVersions) {
    plan = {};
    Peers silent = make_peers(at_version(version, {.server_context = with_alpn}));
    told(silent, text("%s, not offered", version_text(version)).c_str());
    Peers deaf = make_peers(at_version(version));
    offer(deaf.client.get(), list_of({"h2"}));
    told(deaf, text("%s, no callback", version_text(version)).c_str());
    Peers taken_back = make_peers(at_version(version, {.server_context = with_alpn}));
    offer(taken_back.client.get(), list_of({"h2"}));
    offer(taken_back.client.get(), "");
    told(taken_back, text("%s, taken back", version_text(version)).c_str());
  }
}

// TLS 1.2: each answer of the list's callback and of the client's.
void npn_answers() {
  for (int advertise : kAnswers) {
    for (int answer : kAnswers) {
      if (advertise != SSL_TLSEXT_ERR_OK && answer != SSL_TLSEXT_ERR_OK) continue;
      plan = {.answer = answer, .advertised = list_of({"h2", "http/1.1"}), .advertise = advertise};
      Peers peers = make_peers(at_version(
          TLS1_2_VERSION, {.client_context = with_npn_client, .server_context = with_npn_server}));
      told(peers, text("list %d, choice %d", advertise, answer).c_str());
    }
  }
}

// Lists that are empty or malformed.
void npn_lists() {
  for (const std::string& list :
       {std::string(), list_of({"h2"}), std::string("\0", 1), std::string("\3h2", 3),
        list_of({"h3"}), list_of({"h2", "http/1.1", "spdy"})}) {
    plan = {.advertised = list, .select = true};
    Peers peers = make_peers(at_version(
        TLS1_2_VERSION, {.client_context = with_npn_client, .server_context = with_npn_server}));
    told(peers, text("list of %zu", list.size()).c_str());
  }
}

void npn_one_side() {
  plan = {.advertised = list_of({"h2"})};
  Peers client = make_peers(at_version(TLS1_2_VERSION, {.client_context = with_npn_client}));
  told(client, "client only");
  Peers server = make_peers(at_version(TLS1_2_VERSION, {.server_context = with_npn_server}));
  told(server, "server only");
  Peers later = make_peers({.client_context = with_npn_client, .server_context = with_npn_server});
  told(later, "TLS 1.3");
}

// A server that has both takes ALPN, unless that was declined.
void both() {
  for (int answer : {SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_NOACK}) {
    plan = {.answer = answer, .advertised = list_of({"h2"})};
    Peers peers = make_peers(at_version(
        TLS1_2_VERSION, {.client_context = with_npn_client, .server_context = [](SSL_CTX* c) {
                           with_alpn(c);
                           with_npn_server(c);
                         }}));
    offer(peers.client.get(), list_of({"h2"}));
    told(peers, text("alpn answer %d", answer).c_str());
  }
}

// The protocol is the connection's, not the session's: it is chosen again.
void resumed() {
  for (By by : {By::id, By::ticket}) {
    plan = {.advertised = list_of({"h2", "http/1.1"})};
    Peers peers = resumable_peers(TLS1_2_VERSION, by, {.server_context = with_alpn});
    offer(peers.client.get(), list_of({"h2", "http/1.1"}));
    told(peers, by_name(by));
    plan.choice = "http/1.1";
    renew_with_session(peers);
    offer(peers.client.get(), list_of({"h2", "http/1.1"}));
    told(peers, "resumed");
    const unsigned char* data = nullptr;
    size_t size = 99;
    SSL_SESSION_get0_alpn_selected(SSL_get_session(peers.client.get()), &data, &size);
    out("  session's %s, reused %d", shown(data, static_cast<unsigned>(size)).c_str(),
        SSL_session_reused(peers.client.get()));
  }
}

// Names of the greatest length, and a list of the greatest length.
void long_names() {
  std::string name(255, 'n'), list;
  for (int i = 0; i < 200; i++) list += '\xff' + name;
  for (int version : kVersions) {
    plan = {.choice = name};
    Peers peers = make_peers(at_version(version, {.server_context = with_alpn}));
    std::string one = '\xff' + name;
    out("  set %d",
        SSL_set_alpn_protos(peers.client.get(), bytes(one), static_cast<unsigned>(one.size())));
    told(peers, "one");
  }
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  for (size_t size : {size_t{51200}, size_t{51199}}) {
    out("%zu: %s", size,
        answer(SSL_CTX_set_alpn_protos(context.get(), bytes(list), static_cast<unsigned>(size)))
            .c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"alpn_answers", alpn_answers},
              {"alpn_selected", alpn_selected},
              {"no_alpn", no_alpn},
              {"npn_answers", npn_answers},
              {"npn_lists", npn_lists},
              {"npn_one_side", npn_one_side},
              {"both", both},
              {"resumed", resumed},
              {"long_names", long_names}},
             argc, argv);
}
