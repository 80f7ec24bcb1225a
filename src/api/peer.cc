// What this connection and its peer agreed on: SSL_get_peer_certificate(3),
// SSL_get_current_cipher(3), SSL_get_shared_sigalgs(3) and others.
#include <openssl/err.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "connection/connection.h"

using handfast::Array;
using handfast::Secret;
using handfast::SignatureScheme;

namespace {

constexpr size_t kRandomLength = 32;

// RFC 8446 4.1.3: `length` 0 asks how long a random is.
size_t give_random(const uint8_t (&random)[kRandomLength], unsigned char* out, size_t length) {
  if (length == 0) return kRandomLength;
  length = std::min(length, kRandomLength);
  std::memcpy(out, random, length);
  return length;
}

size_t give_finished(const Secret& verify_data, void* out, size_t length) {
  length = std::min(length, verify_data.size());
  if (length > 0) std::memcpy(out, verify_data.view().data(), length);
  return verify_data.size();
}

template <typename T, typename V>
void give(T* out, V value) {
  if (out != nullptr) *out = static_cast<T>(value);
}

// The index-th entry; `scheme` nullptr: not in our table.
void give_scheme(uint16_t id, const SignatureScheme* scheme, int* sign, int* hash, int* both,
                 unsigned char* raw_sign, unsigned char* raw_hash) {
  give(raw_hash, id >> 8);
  give(raw_sign, id & 0xff);
  give(sign, scheme == nullptr ? NID_undef : scheme->signature_nid);
  give(hash, scheme == nullptr ? NID_undef : scheme->hash_nid);
  give(both, scheme == nullptr ? NID_undef : scheme->combined_nid);
}

int give_type(const SignatureScheme* scheme, int* nid) {
  if (scheme == nullptr) return 0;
  *nid = scheme->signature_nid;
  return 1;
}

// Without signalling values; nullptr: memory.
handfast::CipherStackPtr known_ciphers(handfast::View ids) {
  handfast::CipherStackPtr ciphers(sk_SSL_CIPHER_new_null());
  for (size_t i = 0; ciphers != nullptr && i + 1 < ids.size(); i += 2) {
    const SSL_CIPHER* cipher =
        handfast::find_cipher_suite(static_cast<uint16_t>(ids[i] << 8 | ids[i + 1]));
    if (cipher == nullptr || handfast::is_signalling(*cipher)) continue;
    if (sk_SSL_CIPHER_push(ciphers.get(), cipher) <= 0) ciphers.reset();
  }
  return ciphers;
}

}  // namespace

extern "C" {

X509* SSL_get0_peer_certificate(const SSL* ssl) {
  return ssl == nullptr || ssl->session == nullptr ? nullptr : ssl->session->peer.get();
}

X509* SSL_get1_peer_certificate(const SSL* ssl) {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate != nullptr) X509_up_ref(certificate);
  return certificate;
}

STACK_OF(X509) * SSL_get_peer_cert_chain(const SSL* ssl) {
  return ssl == nullptr || ssl->session == nullptr ? nullptr : ssl->session->peer_chain.get();
}

STACK_OF(X509) * SSL_get0_verified_chain(const SSL* ssl) {
  return ssl->negotiated.verified_chain.get();
}

// A session of TLS 1.3 may go on with another suite of the same hash.
const SSL_CIPHER* SSL_get_current_cipher(const SSL* ssl) {
  if (ssl->session == nullptr || ssl->session->cipher == nullptr) return nullptr;
  const handfast::Negotiated& negotiated = ssl->negotiated;
  bool own = negotiated.resumed && negotiated.version == TLS1_3_VERSION;
  return own ? negotiated.suite : ssl->session->cipher;
}

const SSL_CIPHER* SSL_get_pending_cipher(const SSL* ssl) {
  return ssl->negotiated.suite;
}

size_t SSL_get_client_random(const SSL* ssl, unsigned char* out, size_t length) {
  return give_random(ssl->negotiated.client_random, out, length);
}

size_t SSL_get_server_random(const SSL* ssl, unsigned char* out, size_t length) {
  return give_random(ssl->negotiated.server_random, out, length);
}

size_t SSL_get_finished(const SSL* ssl, void* out, size_t length) {
  return give_finished(ssl->negotiated.own_finished, out, length);
}

size_t SSL_get_peer_finished(const SSL* ssl, void* out, size_t length) {
  return give_finished(ssl->negotiated.peer_finished, out, length);
}

STACK_OF(SSL_CIPHER) * SSL_get_client_ciphers(const SSL* ssl) {
  if (ssl == nullptr || !ssl->server || ssl->negotiated.peer_cipher_suites.empty()) return nullptr;
  handfast::CipherStackPtr& ciphers = ssl->negotiated.client_ciphers;
  if (ciphers == nullptr) ciphers = known_ciphers(ssl->negotiated.peer_cipher_suites.view());
  return ciphers.get();
}

// The names of the client's suites that we have too, with colons between; as many as there is room
// for.
char* SSL_get_shared_ciphers(const SSL* ssl, char* out, int size) {
  STACK_OF(SSL_CIPHER)* theirs = SSL_get_client_ciphers(ssl);
  STACK_OF(SSL_CIPHER)* ours = SSL_get_ciphers(ssl);
  if (theirs == nullptr || ours == nullptr || size < 2) return nullptr;
  char* end = out;
  auto room = static_cast<size_t>(size);
  for (int i = 0; i < sk_SSL_CIPHER_num(theirs); ++i) {
    const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(theirs, i);
    if (sk_SSL_CIPHER_find(ours, cipher) < 0) continue;
    size_t length = std::strlen(cipher->name);
    if (length >= room) break;
    std::memcpy(end, cipher->name, length);
    end += length;
    *end++ = ':';
    room -= length + 1;
  }
  if (end == out) return nullptr;
  end[-1] = '\0';
  return out;
}

int SSL_get_sigalgs(SSL* ssl, int index, int* sign, int* hash, int* both, unsigned char* raw_sign,
                    unsigned char* raw_hash) {
  const Array<uint16_t>& schemes = ssl->negotiated.peer_signature_schemes;
  if (index >= 0) {
    if (static_cast<size_t>(index) >= schemes.size()) return 0;
    uint16_t id = schemes[static_cast<size_t>(index)];
    give_scheme(id, handfast::find_signature_scheme(id), sign, hash, both, raw_sign, raw_hash);
  }
  return static_cast<int>(schemes.size());
}

int SSL_get_shared_sigalgs(SSL* ssl, int index, int* sign, int* hash, int* both,
                           unsigned char* raw_sign, unsigned char* raw_hash) {
  const Array<uint16_t>& schemes = ssl->negotiated.shared_signature_schemes;
  if (index < 0 || static_cast<size_t>(index) >= schemes.size()) return 0;
  uint16_t id = schemes[static_cast<size_t>(index)];
  give_scheme(id, handfast::find_signature_scheme(id), sign, hash, both, raw_sign, raw_hash);
  return static_cast<int>(schemes.size());
}

int SSL_get_signature_type_nid(const SSL* ssl, int* nid) {
  return give_type(ssl->negotiated.own_scheme, nid);
}

int SSL_get_peer_signature_type_nid(const SSL* ssl, int* nid) {
  return give_type(ssl->negotiated.peer_scheme, nid);
}

}  // extern "C"
