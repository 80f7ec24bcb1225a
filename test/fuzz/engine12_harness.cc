#include "fuzz/engine12_harness.h"

#include <openssl/rand.h>

#include <algorithm>
#include <string>

#include "connection/connection.h"
#include "crypto/prf.h"
#include "fuzz/engine_harness.h"
#include "handfast/control.h"
#include "message/handshake_header.h"
#include "record/record_keys.h"

namespace handfast::fuzz {

namespace {

uint32_t* random_state = nullptr;

int fixed_bytes(unsigned char* out, int length) {
  static uint32_t nobody = 7;
  uint32_t& state = random_state != nullptr ? *random_state : nobody;
  for (int i = 0; i < length; ++i) {
    state = state * 1664525U + 1013904223U;
    out[i] = static_cast<unsigned char>(state >> 24);
  }
  return 1;
}

int fixed_status() {
  return 1;
}

// Whose random bytes are drawn meanwhile.
class Drawing {
 public:
  explicit Drawing(uint32_t& state) { random_state = &state; }
  ~Drawing() { random_state = nullptr; }
};

std::string fixture(const std::string& name) {
  return std::string(HANDFAST_SOURCE_DIR) + "/test/support/fixtures/" + name;
}

int select_first(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in,
                 unsigned int, void*) {
  *out = in + 1;
  *length = in[0];
  return SSL_TLSEXT_ERR_OK;
}

int advertise(SSL*, const unsigned char** out, unsigned* length, void*) {
  *out = reinterpret_cast<const unsigned char*>("\2h2");
  *length = 3;
  return SSL_TLSEXT_ERR_OK;
}

int select_next(SSL*, unsigned char** out, unsigned char* length, const unsigned char* in,
                unsigned int in_length, void*) {
  if (in_length < 1 || in[0] >= in_length) return SSL_TLSEXT_ERR_NOACK;
  *out = const_cast<unsigned char*>(in) + 1;
  *length = in[0];
  return SSL_TLSEXT_ERR_OK;
}

unsigned psk_of_client(SSL*, const char*, char* identity, unsigned, unsigned char* psk, unsigned) {
  std::copy_n("name", 5, identity);
  std::fill_n(psk, 16, 5);
  return 16;
}

unsigned psk_of_server(SSL*, const char*, unsigned char* psk, unsigned) {
  std::fill_n(psk, 16, 5);
  return 16;
}

void use_certificate(SSL_CTX* context, const char* name) {
  require(SSL_CTX_use_certificate_file(context, fixture(std::string(name) + ".pem").c_str(),
                                       SSL_FILETYPE_PEM) == 1 &&
          SSL_CTX_use_PrivateKey_file(context, fixture(std::string(name) + ".key").c_str(),
                                      SSL_FILETYPE_PEM) == 1);
}

constexpr uint16_t kVersions[] = {TLS1_2_VERSION, TLS1_1_VERSION, TLS1_VERSION};
constexpr const char* kSuites[] = {
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-SHA",
    "AES128-SHA",
    "DHE-RSA-CHACHA20-POLY1305",
    "AECDH-AES128-SHA",
    "PSK-AES128-CBC-SHA256",
    "ECDHE-PSK-AES128-CBC-SHA",
    "RSA-PSK-AES128-CBC-SHA",
    "ECDHE-ECDSA-AES128-CCM8",
    "DHE-PSK-AES128-CBC-SHA",
    "NULL-SHA",
    "ALL:COMPLEMENTOFALL",
};

SSL_CTX* make_context(bool server, size_t suite) {
  SSL_CTX* made = SSL_CTX_new(TLS_method());
  require(made != nullptr);
  // The last two are for versions that have none of the others.
  std::string suites = kSuites[suite] + std::string(":ECDHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0");
  require(SSL_CTX_set_cipher_list(made, suites.c_str()) == 1);
  SSL_CTX_set_min_proto_version(made, TLS1_VERSION);
  if (server) use_certificate(made, "server-p256");
  use_certificate(made, server ? "server-rsa" : "client-p256");
  require(SSL_CTX_load_verify_file(made, fixture("root.pem").c_str()) == 1);
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(made, reinterpret_cast<const uint8_t*>("x"), 1);
  SSL_CTX_set_dh_auto(made, 1);
  SSL_CTX_set_options(made, SSL_OP_ALLOW_CLIENT_RENEGOTIATION | SSL_OP_LEGACY_SERVER_CONNECT);
  unsigned char keys[80] = {1, 2, 3};
  if (server) {
    require(SSL_CTX_set_tlsext_ticket_keys(made, keys, sizeof keys) == 1);
    SSL_CTX_set_alpn_select_cb(made, select_first, nullptr);
    SSL_CTX_set_next_protos_advertised_cb(made, advertise, nullptr);
    SSL_CTX_set_psk_server_callback(made, psk_of_server);
    HANDFAST_CTX_set_server_gated_cryptography(made, 1);
  } else {
    SSL_CTX_set_next_proto_select_cb(made, select_next, nullptr);
    SSL_CTX_set_psk_client_callback(made, psk_of_client);
  }
  return made;
}

SSL_CTX* context(bool server, const Choice12& choice) {
  static SSL_CTX* made[2][std::size(kSuites)];
  size_t suite = choice.version / std::size(kVersions) % std::size(kSuites);
  SSL_CTX*& mine = made[server ? 1 : 0][suite];
  if (mine == nullptr) mine = make_context(server, suite);
  return mine;
}

void configure(SSL* ssl, const Choice12& choice, uint16_t version) {
  uint8_t options = choice.options;
  SSL_set_max_proto_version(ssl, version);
  if ((options & 1) != 0) SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  if ((options & 2) != 0) SSL_set1_groups_list(ssl, "P-256");
  if ((options & 4) != 0) SSL_set_read_ahead(ssl, 1);
  if ((options & 8) != 0) SSL_set_options(ssl, SSL_OP_NO_ENCRYPT_THEN_MAC);
  if ((options & 16) != 0) SSL_set_options(ssl, SSL_OP_NO_TICKET);
  if ((options & 32) != 0) SSL_set_options(ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  if ((options & 64) != 0) SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
  if (SSL_is_server(ssl) != 0) return;
  SSL_set_tlsext_host_name(ssl, "localhost");
  if ((options & 128) != 0) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const uint8_t*>("\2h2\3foo"), 7);
    SSL_set_tlsext_max_fragment_length(ssl, TLSEXT_max_fragment_length_512);
    SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
  }
}

SSL* make(bool server, const Choice12& choice, uint16_t version, BIO* in, BIO* out) {
  SSL* ssl = SSL_new(context(server, choice));
  require(ssl != nullptr);
  server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
  SSL_set_bio(ssl, in, out);
  configure(ssl, choice, version);
  return ssl;
}

}  // namespace

void Harness12::use_fixed_random() {
  static const RAND_METHOD method = {nullptr, fixed_bytes, nullptr,
                                     nullptr, fixed_bytes, fixed_status};
  RAND_set_rand_method(&method);
}

Harness12::Harness12(const Choice12& choice)
    : server_(choice.server),
      version_(kVersions[choice.version % std::size(kVersions)]),
      to_tested_(BIO_new(BIO_s_mem())),
      from_tested_(BIO_new(BIO_s_mem())),
      to_genuine_(BIO_new(BIO_s_mem())),
      from_genuine_(BIO_new(BIO_s_mem())) {
  tested_ = make(server_, choice, version_, to_tested_, from_tested_);
  genuine_ = make(!server_, choice, version_, to_genuine_, from_genuine_);
  call_tested();
}

Harness12::~Harness12() {
  SSL_free(tested_);
  SSL_free(genuine_);
  ERR_clear_error();
}

void Harness12::call_tested() {
  Drawing drawing(tested_random_);
  char buffer[2000];
  ERR_clear_error();
  int result = SSL_is_init_finished(tested_) ? 1 : SSL_do_handshake(tested_);
  for (int i = 0; i < 20 && result > 0; ++i) {
    result = SSL_read(tested_, buffer, i % 2 == 0 ? sizeof buffer : 7);
  }
  int error = SSL_get_error(tested_, result);
  require(error != SSL_ERROR_SSL || ERR_peek_error() != 0);
  if (SSL_is_init_finished(tested_)) SSL_write(tested_, "hello", 5);
  ERR_clear_error();
}

void Harness12::call_genuine(uint8_t action) {
  Drawing drawing(genuine_random_);
  char buffer[2000];
  if (SSL_is_init_finished(genuine_)) {
    switch (action % 6) {
      case 1:
        SSL_renegotiate(genuine_);
        SSL_do_handshake(genuine_);
        break;
      case 2:
        SSL_write(genuine_, "data", 4);
        break;
      case 3:
        SSL_renegotiate_abbreviated(genuine_);
        SSL_do_handshake(genuine_);
        break;
      case 4:
        SSL_shutdown(genuine_);
        break;
      case 5:
        SSL_renegotiate(tested_);
        break;
      default:
        break;
    }
  } else {
    SSL_do_handshake(genuine_);
  }
  if (SSL_is_init_finished(genuine_)) SSL_read(genuine_, buffer, sizeof buffer);
  ERR_clear_error();
}

// The keys under which the genuine side writes.
template <class Side>
void Harness12::install(Side& side) const {
  const Negotiated& negotiated = genuine_->negotiated;
  if (negotiated.suite == nullptr || genuine_->session == nullptr) return;
  const CipherSuite& suite = *negotiated.suite;
  RecordKeyLengths lengths = record_key_lengths(algorithms(), suite, negotiated.version);
  Octets block(2 * (lengths.mac_key + lengths.key + lengths.iv) + 1);
  require(prf(algorithms(), handshake_hash(suite, negotiated.version),
              genuine_->session->master_key.view(), "key expansion",
              {View(negotiated.server_random), View(negotiated.client_random)}, block));
  View all(block);
  size_t at = server_ ? 0 : 1;
  RecordKeys keys;
  keys.mac_key = all.subspan(at * lengths.mac_key, lengths.mac_key);
  keys.key = all.subspan(2 * lengths.mac_key + at * lengths.key, lengths.key);
  keys.iv = all.subspan(2 * (lengths.mac_key + lengths.key) + at * lengths.iv, lengths.iv);
  require(
      side.change_keys(algorithms(), suite, negotiated.version, keys, negotiated.encrypt_then_mac)
          .ok());
}

void Harness12::feed(View bytes) {
  if (bytes.empty()) return;
  BIO_write(to_tested_, bytes.data(), static_cast<int>(bytes.size()));
  call_tested();
}

void Harness12::put(ContentType type, View content) {
  Bytes sealed;
  size_t at = 0;
  do {
    size_t limit = cut_ > 0 ? cut_ : kMaxPlaintextLength;
    size_t length = std::min(limit, content.size() - at);
    require(writer_.seal(type, content.subspan(at, length), sealed).ok());
    at += length;
  } while (at < content.size());
  cut_ = 0;
  feed(sealed.view());
}

void Harness12::change(uint8_t change, ContentType type, Octets& content, Reader& input) {
  uint16_t offset = 0;
  uint8_t value = 0;
  View more;
  switch (static_cast<Change>(change % kChanges)) {
    case kXor:
      if (input.u16(offset) && input.u8(value) && !content.empty()) {
        content[offset % content.size()] ^= value;
      }
      return;
    case kInsert:
      if (input.u8(value) && input.vector8(more)) {
        put(static_cast<ContentType>(20 + value % 4), more);
      }
      return;
    case kReplace:
      if (!input.vector16(more)) return;
      content.resize(std::min<size_t>(content.size(), type == ContentType::handshake ? 1 : 0));
      if (!content.empty()) {
        for (int shift : {16, 8, 0}) content.push_back(static_cast<uint8_t>(more.size() >> shift));
      }
      content.insert(content.end(), more.begin(), more.end());
      return;
    case kTruncate:
      if (!input.u16(offset) || content.size() < 4) return;
      content.resize(4 + offset % (content.size() - 3));
      if (type != ContentType::handshake) return;
      for (size_t i = 0; i < 3; ++i) {
        content[1 + i] = static_cast<uint8_t>((content.size() - 4) >> (16 - 8 * i));
      }
      return;
    case kRaw:
      if (input.vector8(more)) feed(more);
      return;
    case kRetype:
      if (input.u8(value) && !content.empty()) content[0] = value;
      return;
    case kCut:
      if (input.u8(value)) cut_ = value;
      return;
    case kOverwrite:
      if (!input.u16(offset) || !input.vector8(more) || content.empty()) return;
      for (size_t i = 0; i < more.size(); ++i) content[(offset + i) % content.size()] = more[i];
      return;
    default:
      return;
  }
}

void Harness12::pass(ContentType type, Octets content, Reader& input) {
  uint8_t what = kPass;
  bool dropped = false;
  bool doubled = false;
  // Several changes of one thing: the high bit says that another follows.
  for (int i = 0; i < 4 && input.u8(what); ++i) {
    uint8_t kind = static_cast<uint8_t>((what & 0x7f) % kChanges);
    dropped = dropped || kind == kDrop;
    doubled = doubled || kind == kDouble;
    if (kind == kDelay && delayed_.empty()) {
      delayed_ = content;
      delayed_type_ = type;
      return;
    }
    change(kind, type, content, input);
    if ((what & 0x80) == 0) break;
  }
  if (!dropped) put(type, content);
  if (doubled) put(type, content);
  if (!delayed_.empty()) {
    Octets held;
    held.swap(delayed_);
    put(delayed_type_, held);
  }
}

void Harness12::collect() {
  uint8_t buffer[4096];
  for (int length; (length = BIO_read(from_tested_, buffer, sizeof buffer)) > 0;) {
    BIO_write(to_genuine_, buffer, length);
  }
  for (int length; (length = BIO_read(from_genuine_, buffer, sizeof buffer)) > 0;) {
    output_.insert(output_.end(), buffer, buffer + length);
  }
}

// What the genuine side has sent, message by message.
void Harness12::forward(Reader& input) {
  collect();
  for (;;) {
    if (output_.size() > 2) {
      auto version = static_cast<uint16_t>(output_[1] << 8 | output_[2]);
      writer_.set_record_version(version);
      if (output_[0] == SSL3_RT_CHANGE_CIPHER_SPEC) reader_.set_version(version);
    }
    Opened opened = reader_.open(output_);
    if (opened.kind != Opened::Kind::record) return;
    Octets content(opened.content.begin(), opened.content.end());
    ContentType type = opened.type;
    output_.erase(output_.begin(), output_.begin() + static_cast<ptrdiff_t>(opened.consumed));
    if (type != ContentType::handshake) {
      pass(type, content, input);
      if (type != ContentType::change_cipher_spec) continue;
      install(reader_);
      install(writer_);
      continue;
    }
    handshake_.insert(handshake_.end(), content.begin(), content.end());
    HandshakeHeader header;
    while (read_header(handshake_, header) && handshake_.size() >= 4 + header.length) {
      auto end = handshake_.begin() + 4 + header.length;
      Octets whole(handshake_.begin(), end);
      handshake_.erase(handshake_.begin(), end);
      pass(type, whole, input);
    }
  }
}

void Harness12::converse(View input) {
  Reader reader(input);
  for (int round = 0; round < 16; ++round) {
    uint8_t action = 0;
    if (SSL_is_init_finished(genuine_) && !reader.u8(action)) break;
    collect();
    call_genuine(action);
    forward(reader);
    call_tested();
  }
}

void Harness12::end() {
  BIO_set_mem_eof_return(to_tested_, 0);
  call_tested();
  Drawing drawing(tested_random_);
  SSL_shutdown(tested_);
  SSL_shutdown(tested_);
  char byte = 0;
  SSL_read(tested_, &byte, 1);
  SSL_clear(tested_);
}

int run12(bool server, const uint8_t* data, size_t size) {
  static const bool kPrepared = [] {
    Harness12::use_fixed_random();
    return true;
  }();
  if (!kPrepared || size < 3) return 0;
  Harness12 harness({server, data[0], data[1]});
  View rest(data + 3, size - 3);
  if ((data[2] & 1) != 0) {
    harness.converse(rest);
  } else {
    harness.feed(rest);
  }
  harness.end();
  return 0;
}

}  // namespace handfast::fuzz
