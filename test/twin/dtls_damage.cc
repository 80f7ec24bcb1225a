// Records and fragments that are not as they should be, amid handshakes of DTLS: which are passed
// over, which end the connection, and with what.
#include "support/dtls_records.h"
#include "support/dtls_time.h"

namespace {
using namespace twin;

/// Where the handshake stands when the record comes.
enum class At { server_begin, client_hello, client_certificate, server_key, client_finished };

struct Place {
  const char* name;
  At at;
};
constexpr Place kPlaces[] = {{"ClientHello", At::server_begin},
                             {"ServerHello", At::client_hello},
                             {"Certificate", At::client_certificate},
                             {"ClientKeyExchange", At::server_key},
                             {"change_cipher_spec of the server", At::client_finished}};

struct Scene {
  Net net;
  Peers peers;
  SSL* victim = nullptr;
  Way* way = nullptr;   ///< to the victim
  size_t version = 0;   ///< on the wire, as the victim expects it
  size_t sequence = 0;  ///< a record number that is free
  size_t message = 0;   ///< the number of the message that is awaited
};

void step(SSL* ssl) {
  require(SSL_do_handshake(ssl) <= 0, "a handshake that goes on");
  ERR_clear_error();
}

/// Brings a handshake to `at`; the datagrams of the other side are held back.
std::deque<std::string> prepare(Scene& scene, At at, int version) {
  scene.peers = dtls_peers(scene.net, version);
  SSL *client = scene.peers.client.get(), *server = scene.peers.server.get();
  bool at_server = at == At::server_begin || at == At::server_key;
  scene.victim = at_server ? server : client;
  scene.way = at_server ? &scene.net.to_server : &scene.net.to_client;
  scene.version = static_cast<size_t>(at == At::server_begin ? DTLS1_VERSION : version);
  scene.sequence = 20;
  step(client);
  if (at != At::server_begin) step(server);
  if (at == At::client_certificate) {
    Datagrams records;
    for (const std::string& datagram : scene.net.to_client.arrived) {
      for (const std::string& one : records_of(datagram)) records.push_back(one);
    }
    scene.net.to_client.arrived = {records[0]};
    step(client);
    scene.message = 1;
    return {records.begin() + 1, records.end()};
  }
  if (at == At::server_key || at == At::client_finished) step(client);
  if (at == At::client_finished) {
    require(SSL_do_handshake(server) == 1, "the server's handshake");
    scene.message = 4;
  }
  if (at == At::server_key) scene.message = 1;
  return std::exchange(scene.way->arrived, {});
}

using Make = std::function<Datagrams(const Scene&)>;

struct Damage {
  const char* name;
  Make make;
};

std::string plain(const Scene& scene, int type, const std::string& body, size_t epoch = 0,
                  size_t ahead = 0) {
  return record(type, scene.version, epoch, scene.sequence + ahead, body);
}

/// One record of any kind with this body.
Make of_type(int type, const std::string& body) {
  return [=](const Scene& scene) { return Datagrams{plain(scene, type, body)}; };
}

/// The head of a handshake message and then `body`, as they are told.
Make handshake_record(int type, ptrdiff_t ahead, size_t length, size_t offset, size_t fragment,
                      const std::string& body) {
  return [=](const Scene& scene) {
    size_t sequence = scene.message + static_cast<size_t>(ahead);
    return Datagrams{plain(scene, SSL3_RT_HANDSHAKE,
                           static_cast<char>(type) + big_endian(length, 3) +
                               big_endian(sequence, 2) + big_endian(offset, 3) +
                               big_endian(fragment, 3) + body)};
  };
}

/// What becomes of a handshake that meets the damage at `place`.
std::string suffer(const Damage& damage, const Place& place) {
  Scene scene;
  std::deque<std::string> rest = prepare(scene, place.at, DTLS1_2_VERSION);
  Alerts alerts;
  alerts.watch(scene.victim);
  for (const std::string& datagram : damage.make(scene)) scene.way->arrived.push_back(datagram);
  int returned = SSL_do_handshake(scene.victim);
  std::string said = outcome(scene.victim, returned);
  size_t left = scene.way->arrived.size();
  for (const std::string& datagram : rest) scene.way->arrived.push_back(datagram);
  Result result = handshake_in_time(scene.peers, 3);
  return text("%s, alerts %s, left %zu; then %s", said.c_str(), alerts.text_or_none(), left,
              result.good() ? "good" : "no handshake");
}

void suffer_all(const std::vector<Damage>& damages, std::vector<At> places = {}) {
  for (const Damage& damage : damages) {
    out("%s, before", damage.name);
    std::map<std::string, std::string> results;
    for (const Place& place : kPlaces) {
      bool wanted = places.empty();
      for (At at : places) wanted |= at == place.at;
      if (!wanted) continue;
      std::string& where = results[suffer(damage, place)];
      where += (where.empty() ? "" : ", ") + std::string(place.name);
    }
    for (const auto& [result, where] : results) out("  %s: %s", where.c_str(), result.c_str());
  }
}

void records() {
  auto raw = [](const std::string& bytes) {
    return [=](const Scene&) { return Datagrams{bytes}; };
  };
  suffer_all({{"one byte", raw("x")},
              {"garbage", raw("garbage that is longer than a header")},
              {"a record of TLS", raw(std::string("\x16\x03\x01\x00\x05hello", 10))},
              {"unknown type", of_type(99, "body")},
              {"heartbeat", of_type(24, "body")},
              {"no body", of_type(SSL3_RT_HANDSHAKE, "")},
              {"an alert without body", of_type(SSL3_RT_ALERT, "")},
              {"next epoch",
               [](const Scene& scene) {
                 return Datagrams{plain(scene, SSL3_RT_HANDSHAKE, std::string(40, 'x'), 1)};
               }},
              {"epoch 2",
               [](const Scene& scene) {
                 return Datagrams{plain(scene, SSL3_RT_ALERT, {2, 40}, 2)};
               }},
              {"version of TLS",
               [](const Scene& scene) {
                 return Datagrams{record(SSL3_RT_ALERT, 0x0303, 0, scene.sequence, {2, 40})};
               }},
              {"cut",
               [](const Scene& scene) {
                 std::string one = plain(scene, SSL3_RT_ALERT, {2, 40});
                 return Datagrams{one.substr(0, one.size() - 1)};
               }},
              {"too long", [](const Scene& scene) {
                 std::string one = plain(scene, SSL3_RT_HANDSHAKE, std::string(100, 'x'));
                 return Datagrams{one.replace(11, 2, "\xff\xff")};
               }}});
}

void alerts() {
  suffer_all({{"fatal", of_type(SSL3_RT_ALERT, {2, 40})},
              {"close_notify", of_type(SSL3_RT_ALERT, {1, 0})},
              {"no_renegotiation", of_type(SSL3_RT_ALERT, {1, 100})},
              {"unknown level", of_type(SSL3_RT_ALERT, {3, 40})},
              {"one byte", of_type(SSL3_RT_ALERT, {2})},
              {"three bytes", of_type(SSL3_RT_ALERT, {2, 40, 0})},
              {"five warnings", [](const Scene& scene) {
                 std::string all;
                 for (size_t i = 0; i < 5; i++) all += plain(scene, SSL3_RT_ALERT, {1, 90}, 0, i);
                 return Datagrams{all};
               }}});
}

void other_protocols() {
  suffer_all({{"application data", of_type(SSL3_RT_APPLICATION_DATA, "data")}},
             {At::client_certificate, At::server_key, At::client_finished});
  suffer_all({{"change_cipher_spec", of_type(SSL3_RT_CHANGE_CIPHER_SPEC, {1})}},
             {At::client_hello, At::client_certificate, At::server_key});
  suffer_all({{"change_cipher_spec of 2", of_type(SSL3_RT_CHANGE_CIPHER_SPEC, {2})}},
             {At::client_finished});
}

void fragments() {
  std::string body(40, 'x');
  suffer_all({{"no whole header", of_type(SSL3_RT_HANDSHAKE, std::string(11, '\0'))},
              {"longer than its record", handshake_record(1, 0, 100, 0, 41, body)},
              {"a message far ahead", handshake_record(11, 11, 40, 0, 40, body)},
              {"a message ahead", handshake_record(11, 10, 40, 0, 40, body)},
              {"a message again", handshake_record(2, -1, 40, 0, 40, body)},
              {"Finished", handshake_record(20, 0, 12, 0, 12, std::string(12, 'x'))},
              {"ServerHelloDone with a body", handshake_record(14, 0, 40, 0, 40, body)},
              {"unknown message", handshake_record(77, 0, 40, 0, 40, body)},
              {"HelloRequest with a body", handshake_record(0, 0, 4, 0, 4, "body")}});
  suffer_all({{"HelloRequest", handshake_record(0, 0, 0, 0, 0, "")}},
             {At::server_begin, At::server_key});
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"records", records},
              {"alerts", alerts},
              {"other-protocols", other_protocols},
              {"fragments", fragments}},
             argc, argv);
}
