#include "fuzz/engine_datagram_harness.h"

#include <openssl/err.h>

#include <algorithm>

#include "connection/connection.h"
#include "fuzz/engine_harness.h"
#include "support/dtls_records.h"

namespace handfast::fuzz {

namespace {

constexpr const char* kSuites[] = {
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "PSK-AES128-CBC-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "PSK-AES128-CCM8",
    "PSK-NULL-SHA",
    "AES128-SHA",
};
constexpr int kVersions[] = {DTLS1_2_VERSION, DTLS1_VERSION};

unsigned psk_of_client(SSL*, const char*, char* identity, unsigned, unsigned char* psk, unsigned) {
  std::copy_n("name", 5, identity);
  std::fill_n(psk, 16, 5);
  return 16;
}

unsigned psk_of_server(SSL*, const char*, unsigned char* psk, unsigned) {
  std::fill_n(psk, 16, 5);
  return 16;
}

int generate(SSL*, unsigned char* cookie, unsigned* length) {
  std::copy_n("mine", 4, cookie);
  *length = 4;
  return 1;
}

int verify(SSL*, const unsigned char* cookie, unsigned length) {
  return length == 4 && std::equal(cookie, cookie + 4, "mine") ? 1 : 0;
}

SSL_CTX* make_context(bool server, size_t suite) {
  SSL_CTX* made = SSL_CTX_new(DTLS_method());
  require(made != nullptr);
  // The last one is for a version that has none of the others.
  std::string suites = kSuites[suite] + std::string(":PSK-AES128-CBC-SHA:@SECLEVEL=0");
  require(SSL_CTX_set_cipher_list(made, suites.c_str()) == 1);
  if (server) twin::use_certificate(made, "server-rsa");
  twin::use_certificate(made, server ? "server-p256" : "client-p256");
  twin::trust(made);
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(made, reinterpret_cast<const uint8_t*>("x"), 1);
  SSL_CTX_set_options(made, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  unsigned char keys[80] = {1, 2, 3};
  if (server) require(SSL_CTX_set_tlsext_ticket_keys(made, keys, sizeof keys) == 1);
  SSL_CTX_set_psk_client_callback(made, psk_of_client);
  SSL_CTX_set_psk_server_callback(made, psk_of_server);
  SSL_CTX_set_cookie_generate_cb(made, generate);
  SSL_CTX_set_cookie_verify_cb(made, verify);
  return made;
}

SSL_CTX* context_of(bool server, size_t suite) {
  static SSL_CTX* made[2][std::size(kSuites)];
  SSL_CTX*& mine = made[server ? 1 : 0][suite];
  if (mine == nullptr) mine = make_context(server, suite);
  return mine;
}

void configure(SSL* ssl, int version, uint8_t options) {
  SSL_set_max_proto_version(ssl, version);
  if ((options & 1) != 0) SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  if ((options & 2) != 0) SSL_set_options(ssl, SSL_OP_COOKIE_EXCHANGE);
  if ((options & 4) != 0) SSL_set_options(ssl, SSL_OP_NO_ENCRYPT_THEN_MAC);
  if ((options & 8) != 0) SSL_set_options(ssl, SSL_OP_NO_TICKET);
  if ((options & 16) != 0) SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
  if ((options & 64) != 0) SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
}

SSL* make(bool server, uint8_t choice, uint8_t options, twin::Port* port) {
  size_t suite = choice / std::size(kVersions) % std::size(kSuites);
  SSL* ssl = SSL_new(context_of(server, suite));
  require(ssl != nullptr);
  server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
  port->query_mtu = (options & 32) != 0 ? 256 : 1472;
  BIO* bio = twin::new_port_bio(port);
  SSL_set_bio(ssl, bio, bio);
  configure(ssl, kVersions[choice % std::size(kVersions)], options);
  return ssl;
}

// The timer that runs has run out.
void expire(SSL* ssl) {
  RetransmissionTimer& timer = ssl->channel.datagram->timer;
  if (timer.on()) timer.due = {1, 0};
  DTLSv1_handle_timeout(ssl);
}

std::string text(View bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A whole message of epoch 0 in fragments of `size` bytes, the last one first.
twin::Datagrams shred(const std::string& record, size_t size) {
  bool whole = record.size() > 25 && record[0] == SSL3_RT_HANDSHAKE &&
               twin::epoch_of(record) == 0 && record.size() == 25 + twin::number(record, 14, 3);
  if (!whole) return {record};
  twin::Datagrams pieces;
  std::string body = record.substr(25);
  size_t number = twin::number(record, 5, 6) * 256;
  for (size_t at = 0; at < body.size(); at += size) {
    std::string piece = twin::fragment(record[13], twin::number(record, 17, 2), body, at,
                                       std::min(size, body.size() - at));
    pieces.insert(pieces.begin(), twin::record(SSL3_RT_HANDSHAKE, twin::number(record, 1, 2), 0,
                                               number + at / size, piece));
  }
  return pieces;
}

}  // namespace

DatagramHarness::DatagramHarness(Tested tested, uint8_t choice, uint8_t options)
    : tested_(tested),
      listening_(tested == Tested::listener),
      ssl_(make(tested != Tested::client, choice, options,
                tested == Tested::client ? &net_.client : &net_.server)),
      genuine_(make(tested == Tested::client, choice, options,
                    tested == Tested::client ? &net_.server : &net_.client)) {
  call_tested();
}

DatagramHarness::~DatagramHarness() {
  SSL_free(ssl_);
  SSL_free(genuine_);
  ERR_clear_error();
}

void DatagramHarness::call_tested() {
  char buffer[2000];
  ERR_clear_error();
  if (listening_) {
    BIO_ADDR* address = BIO_ADDR_new();
    int result = 0;
    for (int i = 0; i < 40 && result == 0 && !to_tested().arrived.empty(); ++i) {
      result = DTLSv1_listen(ssl_, address);
    }
    BIO_ADDR_free(address);
    require(result >= 0);
    ERR_clear_error();
    if (result == 0) return;
    listening_ = false;
  }
  int result = SSL_is_init_finished(ssl_) ? 1 : SSL_do_handshake(ssl_);
  for (int i = 0; i < 20 && result > 0; ++i) {
    result = SSL_read(ssl_, buffer, i % 2 == 0 ? sizeof buffer : 7);
  }
  int error = SSL_get_error(ssl_, result);
  require(error != SSL_ERROR_SSL || ERR_peek_error() != 0);
  const DatagramChannel& datagram = *ssl_->channel.datagram;
  require(datagram.read.next.size() <= 100 && datagram.early_data.bytes() <= 65536);
  if (SSL_is_init_finished(ssl_)) SSL_write(ssl_, "hello", 5);
  ERR_clear_error();
}

void DatagramHarness::call_genuine(uint8_t action) {
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
        expire(genuine_);
        break;
      case 4:
        SSL_shutdown(genuine_);
        break;
      case 5:
        SSL_renegotiate(ssl_);
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

void DatagramHarness::feed(Reader input) {
  for (View datagram; input.vector16(datagram);) {
    put(text(datagram));
    call_tested();
  }
}

void DatagramHarness::change(const std::string& datagram, Reader& input) {
  uint8_t what = kPass;
  uint8_t value = 0;
  uint16_t offset = 0;
  View more;
  (void)input.u8(what);
  std::string changed = datagram;
  twin::Datagrams pieces;
  switch (static_cast<Change>(what % kChanges)) {
    case kDrop:
      return;
    case kDouble:
      put(datagram);
      break;
    case kXor:
      if (input.u16(offset) && input.u8(value) && !changed.empty()) {
        char& byte = changed[offset % changed.size()];
        byte = static_cast<char>(byte ^ value);
      }
      break;
    case kTruncate:
      if (input.u16(offset)) changed.resize(offset % (changed.size() + 1));
      break;
    case kDelay:
      changed.swap(delayed_);
      break;
    case kInsert:
      if (input.vector16(more)) put(text(more));
      break;
    case kSeal: {
      Bytes sealed;
      bool good =
          input.u8(value) && input.vector8(more) &&
          genuine_->channel.writer.seal(static_cast<ContentType>(20 + value % 5), more, sealed)
              .ok();
      if (good) put(text(sealed.view()));
      break;
    }
    case kSplit:
      pieces = twin::records_of(datagram);
      std::reverse(pieces.begin(), pieces.end());
      for (const std::string& piece : pieces) put(piece);
      return;
    case kShred:
      if (!input.u8(value)) break;
      for (const std::string& record : twin::records_of(datagram)) {
        for (const std::string& piece : shred(record, value / 4 + 8U)) put(piece);
      }
      return;
    case kTimeout:
      expire(ssl_);
      break;
    case kPass:
    case kChanges:
      break;
  }
  put(changed);
}

void DatagramHarness::forward(Reader& input) {
  std::deque<std::string> sent;
  sent.swap(to_tested().arrived);
  for (const std::string& datagram : sent) change(datagram, input);
}

void DatagramHarness::converse(Reader input) {
  for (int round = 0; round < 16; ++round) {
    uint8_t action = 0;
    if (SSL_is_init_finished(genuine_) && !input.u8(action)) break;
    call_genuine(action);
    forward(input);
    call_tested();
  }
}

void DatagramHarness::end() {
  expire(ssl_);
  expire(genuine_);
  call_tested();
  SSL_shutdown(ssl_);
  SSL_shutdown(ssl_);
  char byte = 0;
  SSL_read(ssl_, &byte, 1);
  SSL_clear(ssl_);
}

int run_datagrams(Tested tested, const uint8_t* data, size_t size) {
  static const bool kPrepared = [] {
    use_fixed_random();
    return true;
  }();
  if (!kPrepared || size < 3) return 0;
  restart_random();
  DatagramHarness harness(tested, data[0], data[1]);
  Reader rest(View(data + 3, size - 3));
  if ((data[2] & 1) != 0) {
    harness.converse(rest);
  } else {
    harness.feed(rest);
  }
  harness.end();
  return 0;
}

}  // namespace handfast::fuzz
