// An adversary below TLS 1.3: a genuine SSL talks to the SSL under test, and every message of it
// can be changed, dropped, doubled or added to on the way, also under protection.
#pragma once

#include "engine_support.h"

namespace handfast::engine_test {

// On its way to the SSL under test; a handshake message is whole, with its header.
struct Passing {
  ContentType type;
  Octets content;
  // As the bytes of a whole record instead.
  bool raw = false;
};
using Passings = std::vector<Passing>;

struct Script12 {
  int version = TLS1_2_VERSION;
  std::string suite = "ECDHE-RSA-AES128-GCM-SHA256";
  std::string certificate = "server-rsa";         // empty: none
  std::string client_certificate = "client-rsa";  // empty: none
  bool request_certificate = false;
  std::function<void(SSL*)> tested{}, genuine{};  // further settings
  // Given one thing that the genuine side sends: what is sent instead.
  std::function<void(Passings&)> edit{};
  // Lengths of the records that handshake messages are cut into, given how much there is; all that
  // comes at once is put together first. Empty: one record a message.
  std::function<size_t(size_t)> cut{};
  size_t bytes_at_once = 0;  // what each call of the SSL finds to read; 0: all there is
};

// Contexts of both sides, which several conversations may have.
struct Contexts12 {
  twin::Owned<SSL_CTX> client, server;
  explicit Contexts12(const Script12& script);
};

class Forger {
 public:
  // The SSL under test is the server or the client.
  Forger(bool test_server, Script12 script);
  Forger(bool test_server, Script12 script, const Contexts12& contexts);

  // Until both sides are done; false when the one under test failed or nothing moves.
  bool handshake();
  // One call of the SSL: SSL_do_handshake while it is not finished, SSL_read afterwards.
  const Outcome& drive();
  [[nodiscard]] const Outcome& outcome() const { return outcome_; }
  [[nodiscard]] SSL* tested() { return tested_.get(); }
  [[nodiscard]] SSL* genuine() { return genuine_.get(); }
  [[nodiscard]] SSL* client() { return server_tested_ ? genuine() : tested(); }
  [[nodiscard]] SSL* server() { return server_tested_ ? tested() : genuine(); }

  // To the SSL under test: one record with the keys that are in use.
  void send(ContentType type, const Octets& content);
  void send_plain(uint8_t type, const Octets& content, uint16_t version = TLS1_2_VERSION);
  void send_raw(const Octets& bytes);
  void end_of_file() { BIO_set_mem_eof_return(to_tested_, 0); }
  // What the SSL under test has sent so far goes to the genuine side, which acts on it.
  void relay();

  // All records that the SSL under test has sent.
  struct Sent {
    ContentType type;
    Octets content;
    bool encrypted;
  };
  const std::vector<Sent>& sent();
  [[nodiscard]] std::vector<Peer::AlertSeen> alerts();
  [[nodiscard]] const std::string& received() const { return data_; }

 private:
  void collect();  // what the SSL under test has written
  void forward();  // what the genuine side has written
  void pass(Passing passing);
  void put(const Passing& passing);
  void flush();
  void deliver();

  Script12 script_;
  bool server_tested_;
  twin::Owned<SSL> tested_, genuine_;
  BIO *to_tested_, *from_tested_, *to_genuine_, *from_genuine_;  // owned by the SSLs
  Outcome outcome_;
  std::string data_;
  RecordReader genuine_reader_, tested_reader_;
  RecordWriter writer_;
  Octets genuine_output_, tested_output_, handshake_, pending_, undelivered_;
  std::vector<Sent> sent_;
  bool tested_protects_ = false;
};

// A handshake message, changed by `change` when it has this type.
std::function<void(Passings&)> changing12(uint8_t type, std::function<void(Octets&)> change);
// `more` goes before the first message of this type.
std::function<void(Passings&)> before12(uint8_t type, const Passings& more);
// change_cipher_spec of the genuine side, replaced.
std::function<void(Passings&)> instead_of_change(const Passings& other);
// The same message with a body of another length in its header.
void set_length(Octets& whole, size_t body);

void expect_failure12(Forger& forger, const Failure& failure);
void expect_fails12(bool test_server, const Script12& script, const Failure& failure);

}  // namespace handfast::engine_test
