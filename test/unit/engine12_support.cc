#include "engine12_support.h"

#include <algorithm>

#include "connection/connection.h"
#include "crypto/prf.h"
#include "message/handshake_header.h"
#include "record/record_keys.h"

namespace handfast::engine_test {

namespace {

// Installs the keys under which the client or the server of `ssl`'s connection writes.
template <class Side>
void install(Side& side, SSL* ssl, bool of_server) {
  const Negotiated& negotiated = ssl->negotiated;
  ASSERT_NE(negotiated.suite, nullptr);
  ASSERT_NE(ssl->session, nullptr);
  const CipherSuite& suite = *negotiated.suite;
  RecordKeyLengths lengths = record_key_lengths(algorithms(), suite, negotiated.version);
  Octets block(2 * (lengths.mac_key + lengths.key + lengths.iv));
  ASSERT_TRUE(prf(algorithms(), handshake_hash(suite, negotiated.version),
                  ssl->session->master_key.view(), "key expansion",
                  {View(negotiated.server_random), View(negotiated.client_random)}, block));
  View all(block);
  size_t at = of_server ? 1 : 0;
  RecordKeys keys;
  keys.mac_key = all.subspan(at * lengths.mac_key, lengths.mac_key);
  keys.key = all.subspan(2 * lengths.mac_key + at * lengths.key, lengths.key);
  keys.iv = all.subspan(2 * (lengths.mac_key + lengths.key) + at * lengths.iv, lengths.iv);
  ASSERT_TRUE(
      side.change_keys(algorithms(), suite, negotiated.version, keys, negotiated.encrypt_then_mac)
          .ok());
}

// A reader that knows no version yet takes a change_cipher_spec for that of TLS 1.3.
void expect_change(RecordReader& reader, const Octets& records, int version) {
  if (records.empty() || records[0] != SSL3_RT_CHANGE_CIPHER_SPEC) return;
  reader.set_version(static_cast<uint16_t>(version));
}

Octets take_all(BIO* bio) {
  Octets result;
  uint8_t buffer[4096];
  for (int length; (length = BIO_read(bio, buffer, sizeof buffer)) > 0;) {
    result.insert(result.end(), buffer, buffer + length);
  }
  return result;
}

void configure(SSL_CTX* context, const Script12& script) {
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, script.version);
  SSL_CTX_set_max_proto_version(context, script.version);
  EXPECT_EQ(SSL_CTX_set_cipher_list(context, (script.suite + ":@SECLEVEL=0").c_str()), 1);
  SSL_CTX_set_dh_auto(context, 1);
  twin::trust(context);
}

void expect_dead(Forger& forger) {
  SSL* ssl = forger.tested();
  char byte = 0;
  ERR_clear_error();
  size_t before = forger.sent().size();
  EXPECT_LE(SSL_do_handshake(ssl), 0);
  EXPECT_LE(SSL_read(ssl, &byte, 1), 0);
  EXPECT_LE(SSL_peek(ssl, &byte, 1), 0);
  EXPECT_LE(SSL_write(ssl, &byte, 1), 0);
  EXPECT_LE(SSL_shutdown(ssl), 0);
  ERR_clear_error();
  EXPECT_EQ(forger.sent().size(), before) << "a record after the failure";
}

std::string text(const Outcome& outcome) {
  std::string result = std::to_string(outcome.returned) + " error " + std::to_string(outcome.error);
  for (int reason : outcome.reasons) {
    const char* string = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
    result += std::string(" / ") + (string != nullptr ? string : "?");
  }
  return result;
}

}  // namespace

Contexts12::Contexts12(const Script12& script)
    : client(twin::new_context()), server(twin::new_context()) {
  configure(client.get(), script);
  configure(server.get(), script);
  SSL_CTX_set_verify(client.get(), SSL_VERIFY_PEER, nullptr);
  if (!script.certificate.empty()) twin::use_certificate(server.get(), script.certificate);
  if (script.request_certificate) SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER, nullptr);
  if (script.request_certificate && !script.client_certificate.empty()) {
    twin::use_certificate(client.get(), script.client_certificate);
  }
}

Forger::Forger(bool test_server, Script12 script)
    : Forger(test_server, script, Contexts12(script)) {}

Forger::Forger(bool test_server, Script12 script, const Contexts12& contexts)
    : script_(std::move(script)),
      server_tested_(test_server),
      tested_(SSL_new((test_server ? contexts.server : contexts.client).get())),
      genuine_(SSL_new((test_server ? contexts.client : contexts.server).get())),
      to_tested_(BIO_new(BIO_s_mem())),
      from_tested_(BIO_new(BIO_s_mem())),
      to_genuine_(BIO_new(BIO_s_mem())),
      from_genuine_(BIO_new(BIO_s_mem())) {
  SSL_set_bio(tested(), to_tested_, from_tested_);
  SSL_set_bio(genuine(), to_genuine_, from_genuine_);
  SSL_set_accept_state(server());
  SSL_set_connect_state(client());
  if (script_.tested) script_.tested(tested());
  if (script_.genuine) script_.genuine(genuine());
}

const Outcome& Forger::drive() {
  ERR_clear_error();
  outcome_ = {};
  if (!SSL_is_init_finished(tested())) {
    outcome_.returned = SSL_do_handshake(tested());
  } else {
    char buffer[20000];
    while ((outcome_.returned = SSL_read(tested(), buffer, sizeof buffer)) > 0) {
      data_.append(buffer, static_cast<size_t>(outcome_.returned));
    }
  }
  outcome_.error = SSL_get_error(tested(), outcome_.returned);
  while (unsigned long code = ERR_get_error()) {
    if (ERR_GET_LIB(code) == ERR_LIB_SSL) outcome_.reasons.push_back(ERR_GET_REASON(code));
  }
  return outcome_;
}

bool Forger::handshake() {
  for (int round = 0; round < 20; ++round) {
    relay();
    do {
      deliver();
      drive();
    } while (!undelivered_.empty() && outcome_.error == SSL_ERROR_WANT_READ);
    collect();
    if (outcome_.error == SSL_ERROR_SSL || outcome_.error == SSL_ERROR_SYSCALL) return false;
    if (SSL_is_init_finished(tested()) && SSL_is_init_finished(genuine())) return true;
  }
  return false;
}

void Forger::relay() {
  collect();
  ERR_clear_error();
  if (!SSL_is_init_finished(genuine())) {
    SSL_do_handshake(genuine());
  } else {
    char buffer[2000];
    SSL_read(genuine(), buffer, sizeof buffer);
  }
  ERR_clear_error();
  forward();
}

void Forger::collect() {
  Octets bytes = take_all(from_tested_);
  if (bytes.empty()) return;
  tested_output_ = tested_output_ + bytes;
  BIO_write(to_genuine_, bytes.data(), static_cast<int>(bytes.size()));
}

// Records of the genuine side are opened and passed on one by one.
void Forger::forward() {
  genuine_output_ = genuine_output_ + take_all(from_genuine_);
  for (;;) {
    expect_change(genuine_reader_, genuine_output_, script_.version);
    Opened opened = genuine_reader_.open(genuine_output_);
    if (opened.kind == Opened::Kind::need) break;
    ASSERT_EQ(opened.kind, Opened::Kind::record);
    writer_.set_record_version(static_cast<uint16_t>(genuine_output_[1] << 8 | genuine_output_[2]));
    Octets content = octets(opened.content);
    ContentType type = opened.type;
    genuine_output_.erase(genuine_output_.begin(),
                          genuine_output_.begin() + static_cast<ptrdiff_t>(opened.consumed));
    if (type != ContentType::handshake) {
      pass({type, content});
      if (type != ContentType::change_cipher_spec) continue;
      flush();
      install(genuine_reader_, genuine(), !server_tested_);
      install(writer_, genuine(), !server_tested_);
      continue;
    }
    handshake_ = handshake_ + content;
    HandshakeHeader header;
    while (read_header(handshake_, header) && handshake_.size() >= 4 + header.length) {
      auto end = handshake_.begin() + 4 + header.length;
      Octets whole(handshake_.begin(), end);
      handshake_.erase(handshake_.begin(), end);
      pass({type, whole});
    }
  }
  flush();
}

void Forger::pass(Passing passing) {
  Passings all = {std::move(passing)};
  if (script_.edit) script_.edit(all);
  for (const Passing& one : all) put(one);
}

void Forger::put(const Passing& passing) {
  if (script_.cut && passing.type == ContentType::handshake && !passing.raw) {
    pending_ = pending_ + passing.content;
    return;
  }
  flush();
  if (passing.raw) {
    undelivered_ = undelivered_ + passing.content;
    return;
  }
  Bytes sealed;
  size_t at = 0;
  do {
    size_t length = std::min(kMaxPlaintextLength, passing.content.size() - at);
    EXPECT_TRUE(writer_.seal(passing.type, View(passing.content).subspan(at, length), sealed).ok());
    at += length;
  } while (at < passing.content.size());
  undelivered_ = undelivered_ + octets(sealed.view());
}

void Forger::flush() {
  Bytes sealed;
  for (size_t at = 0; at < pending_.size();) {
    size_t length = std::clamp<size_t>(script_.cut(pending_.size() - at), 1,
                                       std::min(kMaxPlaintextLength, pending_.size() - at));
    View piece = View(pending_).subspan(at, length);
    EXPECT_TRUE(writer_.seal(ContentType::handshake, piece, sealed).ok());
    at += length;
  }
  pending_.clear();
  undelivered_ = undelivered_ + octets(sealed.view());
}

void Forger::deliver() {
  size_t length = undelivered_.size();
  if (script_.bytes_at_once > 0) length = std::min(length, script_.bytes_at_once);
  if (length == 0) return;
  BIO_write(to_tested_, undelivered_.data(), static_cast<int>(length));
  undelivered_.erase(undelivered_.begin(), undelivered_.begin() + static_cast<ptrdiff_t>(length));
}

void Forger::send(ContentType type, const Octets& content) {
  Bytes sealed;
  EXPECT_TRUE(writer_.seal(type, content, sealed).ok());
  send_raw(octets(sealed.view()));
}

void Forger::send_plain(uint8_t type, const Octets& content, uint16_t version) {
  send_raw(Octets{type} + u16(version) + vector16(content));
}

void Forger::send_raw(const Octets& bytes) {
  undelivered_ = undelivered_ + bytes;
  while (!undelivered_.empty()) deliver();
}

const std::vector<Forger::Sent>& Forger::sent() {
  collect();
  for (;;) {
    expect_change(tested_reader_, tested_output_, script_.version);
    Opened opened = tested_reader_.open(tested_output_);
    if (opened.kind == Opened::Kind::need) return sent_;
    if (opened.kind != Opened::Kind::record) {
      ADD_FAILURE() << "a record of the SSL does not open: " << opened.verdict.reason;
      return sent_;
    }
    sent_.push_back({opened.type, octets(opened.content), tested_protects_});
    tested_output_.erase(tested_output_.begin(),
                         tested_output_.begin() + static_cast<ptrdiff_t>(opened.consumed));
    if (opened.type == ContentType::change_cipher_spec) {
      install(tested_reader_, tested(), server_tested_);
      tested_protects_ = true;
    }
  }
}

std::vector<Peer::AlertSeen> Forger::alerts() {
  std::vector<Peer::AlertSeen> result;
  for (const Sent& record : sent()) {
    if (record.type != ContentType::alert) continue;
    EXPECT_EQ(record.content.size(), 2U);
    result.push_back({record.content.at(0), record.content.at(1), record.encrypted});
  }
  return result;
}

// --- What the tests say ---

std::function<void(Passings&)> changing12(uint8_t type, std::function<void(Octets&)> change) {
  return [=](Passings& all) {
    if (all[0].type == ContentType::handshake && all[0].content[0] == type) change(all[0].content);
    std::erase_if(all, [](const Passing& one) { return one.content.empty(); });
  };
}

std::function<void(Passings&)> before12(uint8_t type, const Passings& more) {
  return [=, done = false](Passings& all) mutable {
    if (done || all[0].type != ContentType::handshake || all[0].content[0] != type) return;
    done = true;
    all.insert(all.begin(), more.begin(), more.end());
  };
}

std::function<void(Passings&)> instead_of_change(const Passings& other) {
  return [=](Passings& all) {
    if (all[0].type == ContentType::change_cipher_spec) all = other;
  };
}

void set_length(Octets& whole, size_t body) {
  whole.resize(4 + body);
  whole[1] = static_cast<uint8_t>(body >> 16);
  whole[2] = static_cast<uint8_t>(body >> 8);
  whole[3] = static_cast<uint8_t>(body);
}

void expect_failure12(Forger& forger, const Failure& failure) {
  const Outcome& outcome = forger.outcome();
  EXPECT_LE(outcome.returned, 0);
  EXPECT_EQ(outcome.error, SSL_ERROR_SSL) << text(outcome);
  EXPECT_TRUE(outcome.has(failure.reason))
      << text(outcome) << ", expected "
      << ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, failure.reason));
  std::vector<Peer::AlertSeen> alerts = forger.alerts();
  if (failure.alert == Alert::none) {
    EXPECT_TRUE(alerts.empty());
  } else {
    ASSERT_EQ(alerts.size(), 1U) << text(outcome);
    EXPECT_EQ(alerts[0].level, SSL3_AL_FATAL);
    EXPECT_EQ(alerts[0].description, static_cast<uint8_t>(failure.alert))
        << SSL_alert_desc_string_long(alerts[0].description) << ", expected "
        << SSL_alert_desc_string_long(static_cast<int>(failure.alert)) << ", " << text(outcome);
    EXPECT_EQ(alerts[0].encrypted, failure.encrypted);
  }
  expect_dead(forger);
}

void expect_fails12(bool test_server, const Script12& script, const Failure& failure) {
  Forger forger(test_server, script);
  EXPECT_FALSE(forger.handshake());
  expect_failure12(forger, failure);
}

}  // namespace handfast::engine_test
