// One SSL fed with the input: records as they stand, or contents that the harness protects with the
// keys of the connection, so that arbitrary messages reach every state.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "crypto/cipher_suite.h"
#include "crypto/signature_scheme.h"
#include "crypto/transcript.h"
#include "fuzz/engine_keys.h"
#include "message/server_hello.h"
#include "record/record_writer.h"
#include "wire/reader.h"

namespace handfast::fuzz {

using Octets = std::vector<uint8_t>;

inline void require(bool holds) {
  if (!holds) std::abort();
}

// The same random bytes in every run.
void use_fixed_random();
void restart_random();

const Algorithms& algorithms();
// A client's and a server's context, made once.
SSL_CTX* context(bool server);
// Role and settings of a new SSL; bits of `options` choose verification, lists, modes.
void configure(SSL* ssl, bool server, uint8_t options);

class Harness {
 public:
  // `bits` as of engine_keys.h.
  Harness(bool server, uint8_t options, uint8_t bits);
  ~Harness();
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  // Bytes on the wire, then one round of calls.
  void feed(View bytes);
  // Pieces of the form type(1) length(2) content, see Piece.
  void feed_pieces(View input);
  void end();
  [[nodiscard]] uint8_t bits() const { return bits_; }

 private:
  enum Piece : uint8_t {
    kRaw,        // record bytes as they stand
    kHandshake,  // content of one record with the current keys
    kAlert,
    kData,
    kInner,     // a whole TLSInnerPlaintext
    kSigned,    // a right CertificateVerify
    kFinished,  // a right Finished
    kChangeCipherSpec,
    kPieces,
    kCertificate = 200,  // a right Certificate, with the context of the last CertificateRequest
    kHello               // a ClientHello whose binders are made right
  };
  void feed_piece(uint8_t type, View content);
  void seal(ContentType type, View content);
  void seal_inner(View inner);
  void seal_certificate();
  void seal_hello(View hello);
  void seal_signature();
  void seal_finished();
  void call();
  int shake_hands();
  void change_keys();
  // The messages so far; started with `md` where a HelloRetryRequest is among them.
  bool hash_messages(const EVP_MD* md, Transcript& out) const;
  bool transcript(Digest& out) const;
  void keep(View message);
  static void heard(int written, int version, int type, const void* data, size_t length, SSL* ssl,
                    void* argument);
  static void logged(const SSL* ssl, const char* line);

  SSL* ssl_;
  bool server_;
  uint8_t bits_;
  BIO* in_;
  BIO* out_;
  std::vector<Octets> messages_;  // of the transcript
  size_t handshake_ = 0;          // how many of them are the handshake's; 0: it goes on
  RecordWriter writer_;
  // Of the side that the harness plays.
  const CipherSuite* suite_ = nullptr;
  TrafficSecret handshake_secret_, write_secret_;
  bool early_over_ = false;  // the SSL has written, or read, all early data
  Bytes sealed_;
};

}  // namespace handfast::fuzz
