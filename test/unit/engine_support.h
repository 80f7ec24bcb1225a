// An adversarial TLS 1.3 peer made from the library's own parts: over memory BIOs it does a correct
// handshake with an SSL, except where a test's script says otherwise.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "crypto/cipher_suite.h"
#include "crypto/key_schedule.h"
#include "crypto/key_share.h"
#include "crypto/signature_scheme.h"
#include "crypto/transcript.h"
#include "record/record_reader.h"
#include "record/record_writer.h"
#include "support/peers.h"

namespace handfast::engine_test {

using Octets = std::vector<uint8_t>;
inline Octets octets(View view) {
  return {view.begin(), view.end()};
}
// Bytes that differ from place to place, the same in every run.
Octets pattern(size_t size, uint8_t seed);
const Algorithms& algorithms();

struct Extension {
  uint16_t type;
  Octets body;
};
using Extensions = std::vector<Extension>;

Extension* find(Extensions& extensions, uint16_t type);
void remove(Extensions& extensions, uint16_t type);
// Replaces the body of an extension, or adds the extension at the end.
void set(Extensions& extensions, uint16_t type, Octets body);

// Vectors with a length of 1, 2 or 3 bytes, and big-endian numbers.
Octets u16(uint16_t value);
Octets vector8(const Octets& body);
Octets vector16(const Octets& body);
Octets vector24(const Octets& body);
Octets operator+(Octets a, const Octets& b);
// A block of extensions with its length.
Octets build(const Extensions& extensions);
// The extensions of a block without its length.
Extensions split(View block);
// A handshake message with its header.
Octets message(uint8_t type, const Octets& body);

struct HelloParts {
  uint16_t legacy_version = TLS1_2_VERSION;
  Octets random, session_id;
  Octets suites;       // ClientHello: the list; ServerHello: one
  Octets compression;  // ClientHello: the list; ServerHello: one
  Extensions extensions;
  bool has_extensions = true;
};

// A pre-shared key of TLS 1.3 that the peer and the SSL have.
struct SharedKey {
  Octets identity, key;
  uint32_t age = 0;  // obfuscated_ticket_age
  bool external = false;
  uint16_t suite = 0x1301;  // names its hash; early data has it
};

// A NewSessionTicket.
struct Ticket13 {
  uint32_t lifetime = 3600, age_add = 0x01020304;
  Octets nonce = {1}, ticket = pattern(40, 1);
  Extensions extensions{};
  [[nodiscard]] Octets message() const;
};

class Peer;

// What the peer does; a hook may change what it is about to send. Empty hooks change nothing.
struct Script {
  bool retry = false;                // HelloRetryRequest first
  bool request_certificate = false;  // server
  std::string certificate;           // fixture; empty: server's or client's default
  uint16_t suite = 0x1301;
  uint16_t scheme = 0x0807;      // ed25519
  bool show_certificate = true;  // client, when asked
  // Client: offers them all. Server: chooses the first that the SSL offers.
  std::vector<SharedKey> keys{};
  bool accept_early_data = false;  // server
  // Server: when its flight is out and the keys of its application data are there.
  std::function<void(Peer&)> half_rtt{};
  // Client: early data is announced, and this sends it when its keys are there.
  std::function<void(Peer&)> early_data{};
  // Client: the right binders, which may be changed but not in their lengths.
  std::function<void(std::vector<Octets>& binders)> binders{};
  // What the application calls until the handshake is finished, instead of SSL_do_handshake.
  std::function<int(SSL*)> call{};
  std::function<void(HelloParts&, int attempt)> client_hello{};
  std::function<void(HelloParts&, bool retry)> server_hello{};
  std::function<void(Extensions&)> encrypted_extensions{}, certificate_request{},
      certificate_extensions{};
  // Any whole message before it is sent: may be changed, or emptied to leave it out.
  std::function<void(uint8_t type, Octets& message)> message{};
  // After the message went out (and, for a ServerHello or Finished, before the keys change).
  std::function<void(uint8_t type)> after{};
};

// A record from the SSL, decrypted.
struct Arrived {
  uint8_t outer;
  ContentType type;
  Octets content;
};

// What a call of the SSL said.
struct Outcome {
  int returned = -1;
  int error = SSL_ERROR_NONE;
  std::vector<int> reasons;  // of ERR_LIB_SSL, oldest first
  [[nodiscard]] bool has(int reason) const;
};

class Peer {
 public:
  // Takes over `ssl`, whose role is set, and gives it memory BIOs.
  Peer(twin::Owned<SSL> ssl, Script script);

  // The whole handshake; false when the SSL failed or stopped on the way.
  bool handshake();
  // One call of the SSL: SSL_do_handshake while it is not finished, SSL_read afterwards.
  const Outcome& drive();
  [[nodiscard]] const Outcome& outcome() const { return outcome_; }
  [[nodiscard]] SSL* ssl() { return ssl_.get(); }

  // Sends. A handshake message goes through the script and into the transcript.
  void send_message(uint8_t type, const Octets& body);
  void send(ContentType type, const Octets& content);  // one record with the current keys
  // A handshake message of any length; neither script nor transcript hear of it.
  void send_in_records(const Octets& whole);
  void send_plain(uint8_t type, const Octets& content, uint16_t version = 0x0303);
  void send_raw(const Octets& bytes);
  // All that was sent so far.
  [[nodiscard]] const Octets& sent() const { return sent_; }
  // One protected record whose TLSInnerPlaintext is exactly `inner`.
  void send_inner(const Octets& inner, uint8_t outer = SSL3_RT_APPLICATION_DATA,
                  uint16_t version = 0x0303);
  Octets seal_inner(const Octets& inner, uint8_t outer = SSL3_RT_APPLICATION_DATA,
                    uint16_t version = 0x0303);
  // As send_inner, with one bit of the tag wrong.
  void send_forged(const Octets& inner);
  void end_of_file();
  // The flight that follows the ClientHello ends in an end of file.
  void end_of_file_after_hello() { ends_ = true; }
  void update_write_keys();
  void update_read_keys();

  // --- After the handshake (engine_peer_after.cc) ---
  // RFC 8446 4.4: what follows is hashed on top of the handshake alone.
  void rewind_transcript();
  void hash_message(const Octets& whole);  // into the transcript, without sending it
  [[nodiscard]] Digest transcript_hash() const { return hash(); }
  // verify_data of a Finished over the transcript so far, of the peer or of the SSL.
  Octets verify_data(bool own) const;
  // Server: a CertificateRequest for signatures with Ed25519 or P-256; `change` may alter its
  // extensions.
  void request_authentication(const Octets& context,
                              const std::function<void(Extensions&)>& change = nullptr);
  // Client: the answer to a CertificateRequest of this context, through the script.
  void answer_request(const Octets& context);
  // The same with a Finished that has the key of the handshake's.
  void answer_request_with_old_finished(const Octets& context);
  // Messages go into the transcript, but no further.
  void hold(bool yes) { holds_ = yes; }
  [[nodiscard]] Protection& write_protection() { return writer_.protection(); }
  [[nodiscard]] Protection& read_protection() { return reader_.protection(); }

  // What the SSL sent, record by record.
  bool take_record(Arrived& out);
  // Next handshake message of the SSL, now a part of the transcript; empty when there is none.
  Octets take_message();
  // All records that are left; alerts are kept for alert().
  void drain();
  struct AlertSeen {
    uint8_t level, description;
    bool encrypted;
  };
  [[nodiscard]] const std::vector<AlertSeen>& alerts() const { return alerts_; }
  [[nodiscard]] std::string decrypted() const { return data_; }
  [[nodiscard]] const Octets& session_id() const { return session_id_; }

  // --- Pre-shared keys (engine_peer_psk.cc) ---
  // Server: what came as early data. Client: whether the SSL accepted it.
  [[nodiscard]] const std::string& early_data() const { return early_; }
  [[nodiscard]] bool early_data_accepted() const { return early_accepted_; }
  // Whether the handshake used one of the script's keys.
  [[nodiscard]] bool resumed() const { return chosen_ != nullptr; }
  // Identities of the SSL's last ClientHello.
  [[nodiscard]] const std::vector<Octets>& offered() const { return offered_; }
  // The extensions of the SSL's last ClientHello.
  [[nodiscard]] const Extensions& hello_extensions() const { return hello_extensions_; }
  // What a ticket of this connection stands for.
  [[nodiscard]] SharedKey key_of(const Ticket13& ticket) const;
  // Client: the next NewSessionTicket of the SSL; false: none is there.
  bool take_ticket(Ticket13& out);

 private:
  bool as_server();
  bool as_client();
  void choose_suite(uint16_t id);
  void read_client_hello(const Octets& hello);
  void send_client_hello();
  void send_server_hello(bool retry);
  void send_server_flight();
  void send_certificate(const Octets& context);
  void send_certificate_verify();
  void send_finished();
  void derive_handshake(const Octets& shared);
  void derive_application();
  void set_write(const TrafficSecret& secret);
  void set_read(const TrafficSecret& secret);
  bool answer_hello(const Octets& hello);
  void send_client_flight(bool asked);
  bool take_client_hello();
  void offer_keys(HelloParts& parts) const;
  void fill_binders(const HelloParts& parts, Octets& whole) const;
  void check_offer(const Octets& hello, const Transcript& before);
  void choose_key(Extensions& extensions) const;
  void note_choice(const Extensions& extensions);
  [[nodiscard]] TrafficSecret early_secret(const SharedKey& key) const;
  void send_early_data();
  void receive_early_data();
  void restart_reader();
  void keep_resumption_secret();
  Digest hash() const;

  twin::Owned<SSL> ssl_;
  Script script_;
  bool server_;  // the peer's role
  BIO* to_ssl_;  // owned by the SSL
  BIO* from_ssl_;
  Outcome outcome_;

  RecordReader reader_;
  RecordWriter writer_;
  Octets input_, sent_;
  Bytes output_;
  Octets handshake_input_;
  std::vector<AlertSeen> alerts_;
  std::string data_;

  const CipherSuite* suite_ = nullptr;
  const EVP_MD* md_ = nullptr;
  Transcript transcript_, handshake_transcript_;
  KeyShare share_;
  Octets session_id_;
  int hellos_ = 0;
  bool ends_ = false;
  bool holds_ = false;
  HandshakeSecret handshake_secret_;
  MasterSecret master_;
  TrafficSecret client_handshake_, server_handshake_, client_data_, server_data_;
  TrafficSecret own_secret_, ssl_secret_;  // in use
  Octets peer_share_;
  uint16_t group_ = 0;  // of the client's share

  const SharedKey* chosen_ = nullptr;  // of the script
  Octets hello_;                       // the last ClientHello
  std::vector<Octets> offered_;
  Extensions hello_extensions_;
  std::string early_;
  bool early_accepted_ = false;
  Secret resumption_secret_;
};

constexpr uint16_t kX25519 = 0x001d;
constexpr uint16_t kP256 = 0x0017;

// SSLs to attack. `configure` may change the SSL before its first call.
using Configure = std::function<void(SSL*)>;
twin::Owned<SSL> new_client(const Configure& configure = nullptr);
twin::Owned<SSL> new_server(const Configure& configure = nullptr);
// The same in two steps.
twin::Owned<SSL_CTX> new_client_context();
twin::Owned<SSL_CTX> new_server_context();
twin::Owned<SSL> new_client(SSL_CTX* context, const Configure& configure = nullptr);
twin::Owned<SSL> new_server(SSL_CTX* context, const Configure& configure = nullptr);

struct Failure {
  Alert alert;  // none: no alert must come
  int reason;   // SSL_R_*
  bool encrypted = true;
};

// The last call failed so; the alert came, and nothing works afterwards.
void expect_failure(Peer& peer, const Failure& failure);
// Runs the script against a new client or server, which must fail so.
void expect_client_fails(const Script& script, const Failure& failure,
                         const Configure& configure = nullptr);
void expect_server_fails(const Script& script, const Failure& failure,
                         const Configure& configure = nullptr);

}  // namespace handfast::engine_test
