#include "fuzz/engine_harness.h"

#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "message/certificate.h"
#include "message/certificate_verify.h"
#include "message/finished.h"
#include "message/handshake_header.h"

namespace handfast::fuzz {

namespace {

uint32_t random_state = 1;

int fixed_bytes(unsigned char* out, int length) {
  for (int i = 0; i < length; ++i) {
    random_state = random_state * 1664525U + 1013904223U;
    out[i] = static_cast<unsigned char>(random_state >> 24);
  }
  return 1;
}

int fixed_status() {
  return 1;
}

std::string fixture(const std::string& name) {
  return std::string(HANDFAST_SOURCE_DIR) + "/test/support/fixtures/" + name;
}

EVP_PKEY* signing_key(bool server) {
  static EVP_PKEY* keys[2];
  EVP_PKEY*& key = keys[server ? 1 : 0];
  if (key != nullptr) return key;
  BIO* file =
      BIO_new_file(fixture(server ? "server-ed25519.key" : "client-ed25519.key").c_str(), "r");
  key = PEM_read_bio_PrivateKey(file, nullptr, nullptr, nullptr);
  BIO_free(file);
  require(key != nullptr);
  return key;
}

int select_first(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in,
                 unsigned int, void*) {
  *out = in + 1;
  *length = in[0];
  return SSL_TLSEXT_ERR_OK;
}

SSL_CTX* make_context(bool server) {
  SSL_CTX* made = SSL_CTX_new(TLS_method());
  require(made != nullptr);
  const char* name = server ? "server-ed25519" : "client-ed25519";
  require(SSL_CTX_use_certificate_file(made, fixture(std::string(name) + ".pem").c_str(),
                                       SSL_FILETYPE_PEM) == 1 &&
          SSL_CTX_use_PrivateKey_file(made, fixture(std::string(name) + ".key").c_str(),
                                      SSL_FILETYPE_PEM) == 1 &&
          SSL_CTX_load_verify_file(made, fixture("root.pem").c_str()) == 1);
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  require(SSL_CTX_set_session_id_context(made, kSessionIdContext, sizeof kSessionIdContext) == 1);
  if (server) SSL_CTX_set_alpn_select_cb(made, select_first, nullptr);
  return made;
}

}  // namespace

const Algorithms& algorithms() {
  static const Algorithms* fetched = [] {
    static Algorithms made;
    require(made.fetch(nullptr, nullptr));
    return &made;
  }();
  return *fetched;
}

void use_fixed_random() {
  static const RAND_METHOD method = {nullptr, fixed_bytes, nullptr,
                                     nullptr, fixed_bytes, fixed_status};
  RAND_set_rand_method(&method);
}

void restart_random() {
  random_state = 1;
}

SSL_CTX* context(bool server) {
  static SSL_CTX* made[2];
  SSL_CTX*& mine = made[server ? 1 : 0];
  if (mine == nullptr) mine = make_context(server);
  return mine;
}

void configure(SSL* ssl, bool server, uint8_t options) {
  server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
  if ((options & 1) != 0) SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  if ((options & 2) != 0) SSL_set1_groups_list(ssl, "P-256:X25519");
  if ((options & 4) != 0) SSL_set_read_ahead(ssl, 1);
  if ((options & 8) != 0) SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
  if ((options & 16) != 0) SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  if ((options & 32) != 0) SSL_clear_options(ssl, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  if ((options & 64) != 0) SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
  if ((options & 128) != 0) {
    SSL_set_post_handshake_auth(ssl, 1);
    if (server) SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_POST_HANDSHAKE, nullptr);
  }
  if (!server) {
    SSL_set_tlsext_host_name(ssl, "localhost");
    SSL_set_alpn_protos(ssl, reinterpret_cast<const uint8_t*>("\2h2\3foo"), 7);
  }
}

Harness::Harness(bool server, uint8_t options, uint8_t bits)
    : ssl_(SSL_new(context(server))),
      server_(server),
      bits_(bits),
      in_(BIO_new(BIO_s_mem())),
      out_(BIO_new(BIO_s_mem())) {
  restart_random();
  SSL_set_bio(ssl_, in_, out_);
  configure(ssl_, server, options);
  use_keys(ssl_, server, bits);
  SSL_set_app_data(ssl_, this);
  SSL_set_msg_callback(ssl_, heard);
  SSL_set_msg_callback_arg(ssl_, this);
  SSL_CTX_set_keylog_callback(context(server), logged);
  writer_.set_record_version(TLS1_2_VERSION);
  call();
}

Harness::~Harness() {
  SSL_free(ssl_);
  ERR_clear_error();
}

void Harness::heard(int written, int, int type, const void* data, size_t length, SSL*,
                    void* argument) {
  if (type != SSL3_RT_HANDSHAKE) return;
  auto* self = static_cast<Harness*>(argument);
  const auto* bytes = static_cast<const uint8_t*>(data);
  self->keep({bytes, length});
  // The SSL changes its read keys, and so does the side that the harness plays.
  if (written == 0 && length > 0 && bytes[0] == SSL3_MT_KEY_UPDATE && self->suite_ != nullptr) {
    require(self->write_secret_.update());
    self->change_keys();
  }
}

// RFC 8446 4.4: what follows a CertificateRequest after the handshake is hashed on top of the
// handshake, and without KeyUpdates and NewSessionTickets.
void Harness::keep(View message) {
  uint8_t type = message.empty() ? 0 : message[0];
  if (type == SSL3_MT_KEY_UPDATE || type == SSL3_MT_NEWSESSION_TICKET) return;
  if (handshake_ > 0 && type == SSL3_MT_CERTIFICATE_REQUEST) messages_.resize(handshake_);
  messages_.emplace_back(message.begin(), message.end());
}

void Harness::change_keys() {
  require(writer_.change_keys(algorithms(), *suite_, write_secret_).ok());
}

// The keys of the side that the harness plays, when the SSL reads with them.
void Harness::logged(const SSL* ssl, const char* line) {
  auto* self = static_cast<Harness*>(SSL_get_app_data(ssl));
  std::string text(line);
  bool first = text.starts_with(self->server_ ? "CLIENT_HANDSHAKE_TRAFFIC_SECRET "
                                              : "SERVER_HANDSHAKE_TRAFFIC_SECRET ");
  bool early = self->server_ && text.starts_with("CLIENT_EARLY_TRAFFIC_SECRET ");
  if (!first && !early &&
      !text.starts_with(self->server_ ? "CLIENT_TRAFFIC_SECRET_0 " : "SERVER_TRAFFIC_SECRET_0 ")) {
    return;
  }
  std::string hex = text.substr(text.rfind(' ') + 1);
  Secret value;
  for (uint8_t& byte : value.storage(hex.size() / 2)) {
    byte = static_cast<uint8_t>(std::stoi(hex.substr(0, 2), nullptr, 16));
    hex.erase(0, 2);
  }
  const SSL_CIPHER* cipher = SSL_get_pending_cipher(ssl);
  if (cipher == nullptr) return;
  self->suite_ = find_cipher_suite(SSL_CIPHER_get_protocol_id(cipher));
  require(self->suite_ != nullptr);
  self->write_secret_ = TrafficSecret(algorithms().hash(self->suite_->hash), value);
  if (first) self->handshake_secret_ = self->write_secret_;
  self->change_keys();
}

bool Harness::hash_messages(const EVP_MD* md, Transcript& hash) const {
  bool started = false;
  for (const Octets& message : messages_) {
    bool retry = message.size() > 38 && message[0] == SSL3_MT_SERVER_HELLO &&
                 std::memcmp(message.data() + 6, kHelloRetryRequestRandom, 32) == 0;
    if (retry && !started) {
      if (!hash.start(md) || !hash.replace_with_message_hash()) return false;
      started = true;
    }
    if (!hash.add(message)) return false;
  }
  return true;
}

bool Harness::transcript(Digest& out) const {
  const EVP_MD* md = handshake_secret_.md();
  Transcript hash;
  return md != nullptr && hash_messages(md, hash) && (hash.started() || hash.start(md)) &&
         hash.hash(out);
}

// Early data where it is on, then the handshake.
int Harness::shake_hands() {
  char buffer[100];
  size_t done = 0;
  if ((bits_ & kWithEarlyData) == 0) early_over_ = true;
  if (!server_ && !early_over_) {
    int result = SSL_write_early_data(ssl_, "early", 5, &done);
    if (result <= 0 && ERR_GET_REASON(ERR_peek_error()) != ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED) {
      return result;
    }
    early_over_ = true;
    ERR_clear_error();
  }
  while (server_ && !early_over_) {
    int status = SSL_read_early_data(ssl_, buffer, sizeof buffer, &done);
    if (status == SSL_READ_EARLY_DATA_ERROR) return 0;
    early_over_ = status == SSL_READ_EARLY_DATA_FINISH;
    if ((bits_ & kHalfRtt) == 0) continue;
    SSL_write_early_data(ssl_, "half", 4, &done);
    ERR_clear_error();
  }
  return SSL_do_handshake(ssl_);
}

void Harness::call() {
  char buffer[2000];
  ERR_clear_error();
  int result = SSL_is_init_finished(ssl_) ? 1 : shake_hands();
  if (result > 0 && handshake_ == 0) handshake_ = messages_.size();
  for (int i = 0; i < 50 && result > 0; ++i) {
    result = SSL_read(ssl_, buffer, i % 2 == 0 ? sizeof buffer : 7);
  }
  int error = SSL_get_error(ssl_, result);
  require(error != SSL_ERROR_SSL || ERR_peek_error() != 0);
  if (SSL_is_init_finished(ssl_)) {
    if (server_) SSL_verify_client_post_handshake(ssl_);
    SSL_write(ssl_, "hello", 5);
  }
  BIO_reset(out_);
  ERR_clear_error();
}

void Harness::feed(View bytes) {
  if (!bytes.empty()) BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  call();
}

void Harness::seal(ContentType type, View content) {
  sealed_.clear();
  if (content.size() > kMaxPlaintextLength) return;
  require(writer_.seal(type, content, sealed_).ok());
  feed(sealed_.view());
}

void Harness::seal_inner(View inner) {
  Protection& protection = writer_.protection();
  if (inner.empty() || !protection.active()) return feed(inner);
  size_t length = inner.size() - 1 + protection.overhead();
  Octets record = {SSL3_RT_APPLICATION_DATA, 3, 3, static_cast<uint8_t>(length >> 8),
                   static_cast<uint8_t>(length)};
  record.resize(kRecordHeaderLength + length);
  require(protection
              .seal(View(record).first(kRecordHeaderLength), inner.first(inner.size() - 1),
                    static_cast<ContentType>(inner.back()), 0, record.data() + kRecordHeaderLength)
              .ok());
  feed(record);
}

void Harness::seal_certificate() {
  const Octets* request = nullptr;
  for (const Octets& message : messages_) {
    if (message.size() > 5 && message[0] == SSL3_MT_CERTIFICATE_REQUEST) request = &message;
  }
  View context = request == nullptr ? View() : View(*request).subspan(5);
  if (request != nullptr) context = context.first(std::min<size_t>(context.size(), (*request)[4]));
  unsigned char* der = nullptr;
  int length = i2d_X509(SSL_CTX_get0_certificate(fuzz::context(!server_)), &der);
  require(length > 0);
  Bytes list, message;
  Writer entries(list);
  CertificateEntry entry;
  entry.data = {der, static_cast<size_t>(length)};
  build(entry, entries);
  Certificate13 certificate;
  certificate.context = context;
  certificate.entries = list.view();
  require(build_message(certificate, message));
  OPENSSL_free(der);
  seal(ContentType::handshake, message.view());
}

void Harness::seal_hello(View hello) {
  Transcript before;
  Octets whole(hello.begin(), hello.end());
  if (!hash_messages(algorithms().hash(HashId::sha256), before)) return;
  set_binders(whole, before);
  seal(ContentType::handshake, whole);
}

void Harness::seal_signature() {
  Digest digest;
  if (!transcript(digest)) return;
  const SignatureScheme* scheme = find_signature_scheme(0x0807);
  Bytes content, signature, message;
  require(certificate_verify_content(!server_, digest.view(), content));
  require(sign(algorithms(), *scheme, signing_key(!server_), content.view(), signature).ok());
  CertificateVerify verify;
  verify.scheme = scheme->id;
  verify.signature = signature.view();
  require(build_message(verify, message));
  seal(ContentType::handshake, message.view());
}

void Harness::seal_finished() {
  Digest digest;
  if (!transcript(digest)) return;
  Secret value;
  Bytes message;
  const TrafficSecret& secret = handshake_ > 0 ? write_secret_ : handshake_secret_;
  require(secret.verify_data(digest.view(), value));
  Finished finished;
  finished.verify_data = value.view();
  require(build_message(finished, message));
  seal(ContentType::handshake, message.view());
}

void Harness::feed_piece(uint8_t type, View content) {
  if (type == kCertificate) return seal_certificate();
  if (type == kHello) return seal_hello(content);
  static constexpr uint8_t kOne[] = {1};
  switch (static_cast<Piece>(type % kPieces)) {
    case kRaw:
      return feed(content);
    case kHandshake:
      return seal(ContentType::handshake, content);
    case kAlert:
      return seal(ContentType::alert, content);
    case kData:
      return seal(ContentType::application_data, content);
    case kInner:
      return seal_inner(content);
    case kSigned:
      return seal_signature();
    case kFinished:
      return seal_finished();
    default:
      return seal(ContentType::change_cipher_spec, kOne);
  }
}

void Harness::feed_pieces(View input) {
  Reader reader(input);
  uint8_t type = 0;
  View content;
  for (int i = 0; i < 40 && reader.u8(type) && reader.vector16(content); ++i) {
    feed_piece(type, content);
  }
}

void Harness::end() {
  BIO_set_mem_eof_return(in_, 0);
  call();
  SSL_shutdown(ssl_);
  SSL_shutdown(ssl_);
  char byte = 0;
  SSL_read(ssl_, &byte, 1);
  SSL_clear(ssl_);
}

}  // namespace handfast::fuzz
