// Handshakes of DTLS whose datagrams come late, twice, in another order, in other pieces, or not.
#include "support/dtls_records.h"
#include "support/dtls_time.h"

namespace {
using namespace twin;

struct Flavour {
  const char* name;
  int version;
  const char* certificate;
  bool client_auth, resumed;
};
const Flavour kFlavours[] = {{"full", DTLS1_2_VERSION, "server-rsa", false, false},
                             {"old", DTLS1_VERSION, "server-rsa", true, false},
                             {"resumed", DTLS1_2_VERSION, "server-rsa", false, true}};

Peers prepared(Net& net, const Flavour& flavour) {
  auto both = [=](SSL_CTX* c) {
    if (flavour.resumed) allow_resumption(c, false);
  };
  Setup setup = {.certificate = flavour.certificate,
                 .client_context =
                     [=](SSL_CTX* c) {
                       both(c);
                       if (flavour.client_auth) use_certificate(c, "client-rsa");
                     },
                 .server_context =
                     [=](SSL_CTX* c) {
                       both(c);
                       if (flavour.client_auth) SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                     }};
  Peers peers = dtls_peers(net, flavour.version, setup);
  if (!flavour.resumed) return peers;
  require(handshake(peers).good(), "first handshake");
  renew_with_session(peers);
  net.clear();
  link_datagrams(peers, net);
  return peers;
}

using Disturb = std::function<void(Way&)>;

/// A handshake with `disturb` on what each call has sent; what the second side sees of it.
void disturbed(const Flavour& flavour, const Disturb& disturb, bool wire) {
  Net net;
  Peers peers = prepared(net, flavour);
  auto after = [&](const Side& side) {
    disturb(SSL_is_server(side.ssl) ? net.to_client : net.to_server);
  };
  Result result = handshake(peers, after);
  int timeouts = 0;
  while (!result.good() && !result.client.fatal() && !result.server.fatal() && timeouts < 9) {
    timeouts++;
    run_out(peers);
    char none[1];
    if (result.client.good()) SSL_read(peers.client.get(), none, sizeof none);
    if (result.server.good()) SSL_read(peers.server.get(), none, sizeof none);
    result = handshake(peers);
  }
  out("%s, timeouts %d: %s", flavour.name, timeouts, result.said().c_str());
  if (wire) tell_sent(net, false);
  net.clear();
  if (result.good()) tell_agreed(peers);
}

void each(const Disturb& disturb, bool wire = true) {
  for (const Flavour& flavour : kFlavours) disturbed(flavour, disturb, wire);
}

void reversed() {
  each([](Way& way) { std::reverse(way.arrived.begin(), way.arrived.end()); });
}

void twice() {
  each([](Way& way) {
    std::deque<std::string> doubled;
    for (const std::string& one : way.arrived) doubled.insert(doubled.end(), {one, one});
    way.arrived = doubled;
  });
}

/// One record a datagram.
void apart(Way& way) {
  std::deque<std::string> records;
  for (const std::string& datagram : way.arrived) {
    for (const std::string& one : records_of(datagram)) records.push_back(one);
  }
  way.arrived = records;
}

void together(Way& way) {
  std::string all;
  for (const std::string& datagram : way.arrived) all += datagram;
  way.arrived.clear();
  if (!all.empty()) way.arrived.push_back(all);
}

void rotated(Way& way) {
  apart(way);
  if (!way.arrived.empty()) {
    std::rotate(way.arrived.begin(), way.arrived.begin() + 1, way.arrived.end());
  }
}

void apart_and_reversed(Way& way) {
  apart(way);
  std::reverse(way.arrived.begin(), way.arrived.end());
}

/// The datagrams of a flight come again with those of the next one.
void late_repeats() {
  for (const Flavour& flavour : kFlavours) {
    std::map<Way*, std::deque<std::string>> before;
    disturbed(
        flavour,
        [&](Way& way) {
          std::deque<std::string> now = way.arrived;
          way.arrived.insert(way.arrived.begin(), before[&way].begin(), before[&way].end());
          if (!now.empty()) before[&way] = now;
        },
        true);
  }
}

struct Cut {
  const char* name;
  size_t size, step;
  int order;  ///< 0 as they are, 1 from the last, 2 odd ones first, 3 each twice
};
const Cut kCuts[] = {{"small", 100, 100, 0},
                     {"small, reversed", 100, 100, 1},
                     {"overlapping", 150, 100, 0},
                     {"overlapping, reversed", 150, 70, 1},
                     {"overlapping, odd", 90, 60, 2},
                     {"twice", 200, 200, 3},
                     {"bytes", 1, 1, 0}};

/// Cuts the messages of epoch 0 into other fragments.
void cut(Way& way, const Cut& how, Numbering& numbering) {
  Datagrams rest, pieces;
  Datagrams flight(way.arrived.begin(), way.arrived.end());
  for (const Message& message : messages_of(flight, rest)) {
    size_t step = message.body.size() > 400 ? std::max<size_t>(how.step, 20) : how.step;
    size_t size = std::max(step, how.size);
    size_t at = 0;
    do {
      size_t length = std::min(size, message.body.size() - at);
      pieces.push_back(record(SSL3_RT_HANDSHAKE, message.version, 0, 0,
                              fragment(message.type, message.sequence, message.body, at, length)));
      at += step;
    } while (at < message.body.size());
  }
  if (how.order == 1) std::reverse(pieces.begin(), pieces.end());
  if (how.order == 2) {
    Datagrams odd, even;
    for (size_t i = 0; i < pieces.size(); i++) (i % 2 ? odd : even).push_back(pieces[i]);
    odd.insert(odd.end(), even.begin(), even.end());
    pieces = odd;
  }
  way.arrived.assign(pieces.begin(), pieces.end());
  if (how.order == 3) {
    way.arrived.clear();
    for (const std::string& piece : pieces) way.arrived.insert(way.arrived.end(), {piece, piece});
  }
  for (const std::string& one : rest) way.arrived.push_back(one);
  numbering.renumber(way.arrived);
}

void other_fragments() {
  for (const Cut& how : kCuts) {
    std::map<Way*, Numbering> numbering;
    out("%s", how.name);
    disturbed(
        kFlavours[1], [&](Way& way) { cut(way, how, numbering[&way]); }, false);
  }
}

/// A chain of 31 kB, whose datagrams come in other orders.
void large_chain() {
  Flavour flavour = {"large", DTLS1_2_VERSION, "server-large", false, false};
  disturbed(
      flavour, [](Way&) {}, false);
  disturbed(
      flavour, [](Way& way) { std::reverse(way.arrived.begin(), way.arrived.end()); }, false);
  disturbed(
      flavour,
      [](Way& way) {
        uint32_t seed = 5;
        for (size_t i = way.arrived.size(); i > 1; i--) {
          seed = seed * 1664525 + 1013904223;
          std::swap(way.arrived[i - 1], way.arrived[(seed >> 16) % i]);
        }
      },
      false);
}

/// Loses a fourth of all datagrams, in both directions, whatever they are.
void lossy() {
  for (uint32_t seed = 1; seed <= 12; seed++) {
    for (const Flavour& flavour : kFlavours) {
      Net net;
      Peers peers = prepared(net, flavour);
      uint32_t random = seed;
      net.to_client.fate = net.to_server.fate = [&](size_t, const std::string& datagram) {
        random = random * 1664525 + 1013904223;
        return random >> 30 == 0 ? Datagrams{} : Datagrams{datagram};
      };
      Result result = handshake_in_time(peers);
      out("seed %u, %s: %s", seed, flavour.name, result.said().c_str());
      net.to_client.fate = net.to_server.fate = nullptr;
      if (result.good()) tell_agreed(peers);
    }
  }
}

/// Messages of a later flight and of later epochs before those of an earlier one.
void next_epoch_first() {
  Net net;
  Peers peers = dtls_peers(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL_do_handshake(client);
  SSL_do_handshake(server);
  SSL_do_handshake(client);
  apart(net.to_server);
  require(net.to_server.arrived.size() == 3, "a flight of three records");
  std::swap(net.to_server.arrived[0], net.to_server.arrived[2]);
  std::swap(net.to_server.arrived[1], net.to_server.arrived[2]);
  out("server, Finished first: %s", outcome(server, SSL_do_handshake(server)).c_str());
  out("%s", state_line(server).c_str());
  require(SSL_write(server, "data", 4) == 4, "write");
  std::reverse(net.to_client.arrived.begin(), net.to_client.arrived.end());
  out("client, data first: %s", outcome(client, SSL_do_handshake(client)).c_str());
  out("pending %d, has pending %d", SSL_pending(client), SSL_has_pending(client));
  out("read %s", read_said(client).c_str());
  tell_agreed(peers);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"reversed", reversed},
              {"twice", twice},
              {"apart", [] { each(apart, false); }},
              {"together", [] { each(together, false); }},
              {"rotated", [] { each(rotated); }},
              {"apart-and-reversed", [] { each(apart_and_reversed); }},
              {"late-repeats", late_repeats},
              {"other-fragments", other_fragments},
              {"large-chain", large_chain},
              {"lossy", lossy},
              {"next-epoch-first", next_epoch_first}},
             argc, argv);
}
