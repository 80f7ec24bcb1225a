// The peer's keys, messages and flows.
#include <algorithm>

#include "engine_support.h"
#include "extension/extension.h"
#include "message/client_hello.h"
#include "message/handshake_header.h"
#include "message/server_hello.h"

namespace handfast::engine_test {

namespace {

Octets build_client(const HelloParts& parts) {
  Octets body = u16(parts.legacy_version) + parts.random + vector8(parts.session_id) +
                vector16(parts.suites) + vector8(parts.compression);
  return parts.has_extensions ? body + build(parts.extensions) : body;
}

Octets build_server(const HelloParts& parts) {
  Octets body = u16(parts.legacy_version) + parts.random + vector8(parts.session_id) +
                parts.suites + parts.compression;
  return parts.has_extensions ? body + build(parts.extensions) : body;
}

Octets body_of(const Octets& message) {
  return {message.begin() + 4, message.end()};
}

Octets der(const std::string& fixture) {
  twin::Owned<X509> certificate = twin::read_certificate(fixture);
  unsigned char* out = nullptr;
  int length = i2d_X509(certificate.get(), &out);
  EXPECT_GT(length, 0) << fixture;
  Octets result(out, out + length);
  OPENSSL_free(out);
  return result;
}

}  // namespace

Peer::Peer(twin::Owned<SSL> ssl, Script script)
    : ssl_(std::move(ssl)), script_(std::move(script)), server_(SSL_is_server(ssl_.get()) == 0) {
  to_ssl_ = BIO_new(BIO_s_mem());
  from_ssl_ = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl_.get(), to_ssl_, from_ssl_);
  reader_.allow_change_cipher_spec(true);
  reader_.allow_plaintext_alert(true);
}

// --- The SSL's side ---

const Outcome& Peer::drive() {
  ERR_clear_error();
  outcome_ = {};
  if (!SSL_is_init_finished(ssl())) {
    outcome_.returned = script_.call ? script_.call(ssl()) : SSL_do_handshake(ssl());
  } else {
    char buffer[20000];
    while ((outcome_.returned = SSL_read(ssl(), buffer, sizeof buffer)) > 0) {
      data_.append(buffer, static_cast<size_t>(outcome_.returned));
    }
  }
  outcome_.error = SSL_get_error(ssl(), outcome_.returned);
  while (unsigned long code = ERR_get_error()) {
    if (ERR_GET_LIB(code) == ERR_LIB_SSL) outcome_.reasons.push_back(ERR_GET_REASON(code));
  }
  return outcome_;
}

bool Peer::take_record(Arrived& out) {
  uint8_t buffer[4096];
  for (int length; (length = BIO_read(from_ssl_, buffer, sizeof buffer)) > 0;) {
    input_.insert(input_.end(), buffer, buffer + length);
  }
  while (true) {
    uint8_t outer = input_.empty() ? 0 : input_[0];
    Opened opened = reader_.open(input_);
    if (opened.kind == Opened::Kind::need) return false;
    if (opened.kind == Opened::Kind::failed) {
      ADD_FAILURE() << "a record of the SSL does not open: " << opened.verdict.reason << " at "
                    << opened.verdict.line;
      return false;
    }
    out = {outer, opened.type, octets(opened.content)};
    input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(opened.consumed));
    if (opened.kind == Opened::Kind::skip) continue;
    if (opened.type == ContentType::alert) {
      EXPECT_EQ(out.content.size(), 2U);
      alerts_.push_back({out.content.at(0), out.content.at(1), outer != SSL3_RT_ALERT});
    }
    return true;
  }
}

Octets Peer::take_message() {
  for (;;) {
    HandshakeHeader header;
    if (read_header(handshake_input_, header) && handshake_input_.size() >= 4 + header.length) {
      auto end = handshake_input_.begin() + 4 + header.length;
      Octets whole(handshake_input_.begin(), end);
      handshake_input_.erase(handshake_input_.begin(), end);
      EXPECT_TRUE(transcript_.add(whole));
      return whole;
    }
    Arrived arrived;
    if (!take_record(arrived)) return {};
    if (arrived.type == ContentType::handshake) {
      handshake_input_ = handshake_input_ + arrived.content;
    } else if (arrived.type == ContentType::application_data) {
      early_.append(arrived.content.begin(), arrived.content.end());
    }
  }
}

void Peer::drain() {
  Arrived arrived;
  while (take_record(arrived)) {
  }
}

// --- Sending ---

void Peer::send_raw(const Octets& bytes) {
  sent_ = sent_ + bytes;
  if (!bytes.empty()) BIO_write(to_ssl_, bytes.data(), static_cast<int>(bytes.size()));
}

void Peer::send(ContentType type, const Octets& content) {
  output_.clear();
  EXPECT_TRUE(writer_.seal(type, content, output_).ok());
  send_raw(octets(output_.view()));
}

void Peer::send_plain(uint8_t type, const Octets& content, uint16_t version) {
  send_raw(Octets{type} + u16(version) + vector16(content));
}

Octets Peer::seal_inner(const Octets& inner, uint8_t outer, uint16_t version) {
  Protection& protection = writer_.protection();
  size_t length = inner.size() - 1 + protection.overhead();
  Octets record = Octets{outer} + u16(version) + u16(static_cast<uint16_t>(length));
  record.resize(record.size() + length);
  EXPECT_TRUE(protection
                  .seal(View(record).first(5), View(inner).first(inner.size() - 1),
                        static_cast<ContentType>(inner.back()), 0, record.data() + 5)
                  .ok());
  return record;
}

void Peer::send_inner(const Octets& inner, uint8_t outer, uint16_t version) {
  send_raw(seal_inner(inner, outer, version));
}

void Peer::send_forged(const Octets& inner) {
  Octets record = seal_inner(inner);
  record.back() ^= 1;
  send_raw(record);
}

void Peer::end_of_file() {
  BIO_set_mem_eof_return(to_ssl_, 0);
}

void Peer::send_in_records(const Octets& whole) {
  for (size_t at = 0; at < whole.size(); at += kMaxPlaintextLength) {
    size_t length = std::min(kMaxPlaintextLength, whole.size() - at);
    auto begin = whole.begin() + static_cast<ptrdiff_t>(at);
    send(ContentType::handshake, Octets(begin, begin + static_cast<ptrdiff_t>(length)));
  }
}

void Peer::send_message(uint8_t type, const Octets& body) {
  Octets whole = message(type, body);
  if (script_.message) script_.message(type, whole);
  if (type == SSL3_MT_CLIENT_HELLO) hello_ = whole;
  if (!whole.empty()) {
    EXPECT_TRUE(transcript_.add(whole));
    if (!holds_) send_in_records(whole);
  }
  if (script_.after) script_.after(type);
}

// --- Keys ---

Digest Peer::hash() const {
  Digest digest;
  EXPECT_TRUE(transcript_.hash(digest));
  return digest;
}

void Peer::set_write(const TrafficSecret& secret) {
  own_secret_ = secret;
  EXPECT_TRUE(writer_.change_keys(algorithms(), *suite_, secret).ok());
}

void Peer::set_read(const TrafficSecret& secret) {
  ssl_secret_ = secret;
  EXPECT_TRUE(reader_.change_keys(algorithms(), *suite_, secret).ok());
}

void Peer::update_write_keys() {
  EXPECT_TRUE(own_secret_.update());
  set_write(own_secret_);
}

void Peer::update_read_keys() {
  EXPECT_TRUE(ssl_secret_.update());
  set_read(ssl_secret_);
}

void Peer::choose_suite(uint16_t id) {
  if (suite_ != nullptr) return;
  suite_ = find_cipher_suite(id);
  ASSERT_NE(suite_, nullptr);
  md_ = algorithms().hash(suite_->hash);
  EXPECT_TRUE(transcript_.start(md_));
}

void Peer::derive_handshake(const Octets& shared) {
  EarlySecret early;
  Digest digest = hash();
  View psk = chosen_ != nullptr ? View(chosen_->key) : View();
  EXPECT_TRUE(early.start(md_, psk) && std::move(early).next(shared, handshake_secret_) &&
              handshake_secret_.client_handshake_traffic(digest.view(), client_handshake_) &&
              handshake_secret_.server_handshake_traffic(digest.view(), server_handshake_));
  // Early data that is accepted goes on with its own keys.
  if (server_ || !script_.early_data) set_write(server_ ? server_handshake_ : client_handshake_);
  // An SSL that refuses the ServerHello has no keys; its alert comes in the clear and passes.
  if (!server_ || !script_.accept_early_data) {
    set_read(server_ ? client_handshake_ : server_handshake_);
  }
}

void Peer::derive_application() {
  Digest digest = hash();
  EXPECT_TRUE(std::move(handshake_secret_).next(master_) &&
              master_.client_application_traffic(digest.view(), client_data_) &&
              master_.server_application_traffic(digest.view(), server_data_));
}

// --- The flows ---

bool Peer::handshake() {
  if (!(server_ ? as_server() : as_client())) return false;
  keep_resumption_secret();
  return handshake_transcript_.copy_from(transcript_);
}

void Peer::read_client_hello(const Octets& hello) {
  ClientHello parsed;
  Octets body = body_of(hello);
  EXPECT_TRUE(parse(body, parsed).ok());
  session_id_ = octets(parsed.session_id);
  hello_extensions_ = split(parsed.extensions);
  View share, list, key;
  EXPECT_TRUE(find_extension(parsed.extensions, TLSEXT_TYPE_key_share, share));
  Reader reader(share);
  EXPECT_TRUE(reader.vector16(list));
  Reader shares(list);
  EXPECT_TRUE(shares.u16(group_) && shares.vector16(key));
  peer_share_ = octets(key);
}

void Peer::send_server_hello(bool retry) {
  HelloParts parts;
  parts.random = retry ? octets(kHelloRetryRequestRandom) : pattern(32, 9);
  parts.session_id = session_id_;
  parts.suites = u16(script_.suite);
  parts.compression = {0};
  set(parts.extensions, TLSEXT_TYPE_supported_versions, u16(TLS1_3_VERSION));
  Octets shared;
  if (retry) {
    set(parts.extensions, TLSEXT_TYPE_key_share, u16(kP256));
  } else {
    const Group& group = *find_group(group_);
    Bytes secret;
    EXPECT_TRUE(share_.generate(algorithms(), group).ok());
    EXPECT_TRUE(share_.derive(algorithms(), peer_share_, secret).ok());
    shared = octets(secret.view());
    set(parts.extensions, TLSEXT_TYPE_key_share,
        u16(group.id) + vector16(octets(share_.public_bytes())));
    choose_key(parts.extensions);
  }
  if (script_.server_hello) script_.server_hello(parts, retry);
  if (!retry) note_choice(parts.extensions);
  // RFC 8446 4.2.9: psk_ke.
  if (find(parts.extensions, TLSEXT_TYPE_key_share) == nullptr) shared.clear();
  send_message(SSL3_MT_SERVER_HELLO, build_server(parts));
  if (!retry) derive_handshake(shared);
}

void Peer::send_certificate(const Octets& context) {
  Extensions extensions;
  if (script_.certificate_extensions) script_.certificate_extensions(extensions);
  std::string name = script_.certificate;
  if (name.empty()) name = server_ ? "server-ed25519" : "client-ed25519";
  Octets list;
  if (server_ || script_.show_certificate) list = vector24(der(name)) + build(extensions);
  send_message(SSL3_MT_CERTIFICATE, vector8(context) + vector24(list));
}

void Peer::send_certificate_verify() {
  std::string name = script_.certificate;
  if (name.empty()) name = server_ ? "server-ed25519" : "client-ed25519";
  twin::Owned<EVP_PKEY> key = twin::read_key(name);
  const SignatureScheme* scheme = find_signature_scheme(script_.scheme);
  ASSERT_NE(scheme, nullptr);
  Bytes content, signature;
  EXPECT_TRUE(certificate_verify_content(server_, hash().view(), content));
  EXPECT_TRUE(sign(algorithms(), *scheme, key.get(), content.view(), signature).ok());
  send_message(SSL3_MT_CERTIFICATE_VERIFY, u16(scheme->id) + vector16(octets(signature.view())));
}

void Peer::send_finished() {
  Secret verify_data;
  const TrafficSecret& secret = server_ ? server_handshake_ : client_handshake_;
  EXPECT_TRUE(secret.verify_data(hash().view(), verify_data));
  send_message(SSL3_MT_FINISHED, octets(verify_data.view()));
}

void Peer::send_server_flight() {
  Extensions extensions;
  if (script_.accept_early_data) set(extensions, TLSEXT_TYPE_early_data, {});
  if (script_.encrypted_extensions) script_.encrypted_extensions(extensions);
  send_message(SSL3_MT_ENCRYPTED_EXTENSIONS, build(extensions));
  if (script_.request_certificate) {
    Extensions asked;
    set(asked, TLSEXT_TYPE_signature_algorithms, vector16(u16(0x0807) + u16(0x0403)));
    if (script_.certificate_request) script_.certificate_request(asked);
    send_message(SSL3_MT_CERTIFICATE_REQUEST, vector8({}) + build(asked));
  }
  if (!resumed()) {
    send_certificate({});
    send_certificate_verify();
  }
  send_finished();
}

// The binders are over what was in the transcript before the hello.
bool Peer::take_client_hello() {
  Transcript before;
  if (transcript_.started()) EXPECT_TRUE(before.copy_from(transcript_));
  Octets hello = take_message();
  if (hello.empty()) return false;
  hello_ = hello;
  choose_suite(script_.suite);
  read_client_hello(hello);
  check_offer(hello, before);
  return true;
}

bool Peer::as_server() {
  drive();
  EXPECT_TRUE(take_client_hello());
  if (find(hello_extensions_, TLSEXT_TYPE_early_data) != nullptr) receive_early_data();
  if (script_.retry) {
    restart_reader();
    EXPECT_TRUE(transcript_.replace_with_message_hash());
    send_server_hello(true);
    if (drive().error != SSL_ERROR_WANT_READ) return false;
    if (!take_client_hello()) return false;
  }
  send_server_hello(false);
  send_server_flight();
  if (ends_) end_of_file();
  derive_application();
  set_write(server_data_);
  if (script_.half_rtt) script_.half_rtt(*this);
  drive();
  if (SSL_is_init_finished(ssl()) == 0) return false;
  Octets whole;
  do {
    whole = take_message();
    if (whole.empty()) return false;
    if (whole[0] == SSL3_MT_END_OF_EARLY_DATA) set_read(client_handshake_);
  } while (whole[0] != SSL3_MT_FINISHED);
  set_read(client_data_);
  return true;
}

void Peer::send_client_hello() {
  HelloParts parts;
  parts.random = pattern(32, 5);
  parts.session_id = pattern(32, 6);
  parts.suites = u16(script_.suite);
  parts.compression = {0};
  Extensions& extensions = parts.extensions;
  set(extensions, TLSEXT_TYPE_supported_versions, vector8(u16(TLS1_3_VERSION)));
  set(extensions, TLSEXT_TYPE_supported_groups, vector16(u16(kX25519)));
  set(extensions, TLSEXT_TYPE_signature_algorithms,
      vector16(u16(0x0807) + u16(0x0403) + u16(0x0804)));
  EXPECT_TRUE(share_.generate(algorithms(), *find_group(kX25519)).ok());
  Octets share = u16(kX25519) + vector16(octets(share_.public_bytes()));
  // RFC 8446 4.2.8: an empty client_shares asks for a HelloRetryRequest.
  if (script_.retry && hellos_ == 0) share.clear();
  set(extensions, TLSEXT_TYPE_key_share, vector16(share));
  offer_keys(parts);
  if (script_.client_hello) script_.client_hello(parts, hellos_);
  ++hellos_;
  Octets whole = message(SSL3_MT_CLIENT_HELLO, build_client(parts));
  fill_binders(parts, whole);
  send_message(SSL3_MT_CLIENT_HELLO, body_of(whole));
  writer_.set_record_version(TLS1_2_VERSION);
}

bool Peer::answer_hello(const Octets& hello) {
  ServerHello parsed;
  Octets body = body_of(hello);
  EXPECT_TRUE(parse(body, parsed).ok());
  note_choice(split(parsed.extensions));
  View share, key;
  uint16_t group = 0;
  Bytes secret;
  if (find_extension(parsed.extensions, TLSEXT_TYPE_key_share, share)) {
    Reader reader(share);
    EXPECT_TRUE(reader.u16(group) && reader.vector16(key));
    EXPECT_TRUE(share_.derive(algorithms(), key, secret).ok());
  } else {
    EXPECT_TRUE(resumed());
  }
  derive_handshake(octets(secret.view()));
  return !testing::Test::HasFatalFailure();
}

void Peer::send_client_flight(bool asked) {
  if (asked) {
    send_certificate({});
    if (script_.show_certificate) send_certificate_verify();
  }
  send_finished();
}

bool Peer::as_client() {
  send_client_hello();
  if (script_.early_data) send_early_data();
  // A server that fails on early data has sent its flight before.
  bool good = drive().error == SSL_ERROR_WANT_READ;
  if (!good && !script_.early_data) return false;
  // RFC 8446 4.4.1: the first hello is replaced by its hash when it is retried.
  if (script_.retry) {
    choose_suite(script_.suite);
    EXPECT_TRUE(transcript_.replace_with_message_hash());
  }
  Octets hello = take_message();
  if (hello.empty()) return false;
  choose_suite(script_.suite);
  if (script_.retry) {
    if (!good) return false;
    writer_.drop_keys();
    send_client_hello();
    good = drive().error == SSL_ERROR_WANT_READ;
    hello = take_message();
    if (hello.empty()) return false;
  }
  if (!answer_hello(hello)) return false;
  bool asked = false;
  while (!hello.empty() && hello[0] != SSL3_MT_FINISHED) {
    hello = take_message();
    asked = asked || (!hello.empty() && hello[0] == SSL3_MT_CERTIFICATE_REQUEST);
    if (!hello.empty() && hello[0] == SSL3_MT_ENCRYPTED_EXTENSIONS) {
      Extensions answers = split(View(hello).subspan(6));
      early_accepted_ = find(answers, TLSEXT_TYPE_early_data) != nullptr;
    }
  }
  derive_application();
  set_read(server_data_);
  if (!good) return false;
  if (early_accepted_) send_message(SSL3_MT_END_OF_EARLY_DATA, {});
  if (script_.early_data) set_write(client_handshake_);
  send_client_flight(asked);
  set_write(client_data_);
  return drive().returned == 1;
}

}  // namespace handfast::engine_test
