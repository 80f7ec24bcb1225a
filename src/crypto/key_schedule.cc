#include "crypto/key_schedule.h"

#include <algorithm>

#include "crypto/hash.h"

namespace handfast {

namespace {

constexpr size_t kMaxLabel = 255;    // HkdfLabel.label with its prefix
constexpr size_t kMaxContext = 255;  // HkdfLabel.context

size_t hash_size(const EVP_MD* md) {
  return static_cast<size_t>(EVP_MD_get_size(md));
}

bool empty_hash(const EVP_MD* md, Digest& out) {
  Hash hash;
  if (!hash.start(md)) return false;
  out.size = static_cast<uint8_t>(hash.size());
  return hash.finish(out.data);
}

// Derive-Secret of RFC 8446 section 7.1 with the messages hashed already.
bool derive_secret(const EVP_MD* md, const Secret& secret, View label, View transcript_hash,
                   Secret& out) {
  return hkdf_expand_label(md, secret.view(), label, transcript_hash, out.storage(hash_size(md)));
}

bool derive_traffic(const EVP_MD* md, const Secret& secret, View label, View transcript_hash,
                    TrafficSecret& out) {
  Secret derived;
  if (!derive_secret(md, secret, label, transcript_hash, derived)) return false;
  out = TrafficSecret(md, derived);
  return true;
}

bool derive_exporter(const EVP_MD* md, const Secret& secret, View label, View transcript_hash,
                     ExporterSecret& out) {
  Secret derived;
  if (!derive_secret(md, secret, label, transcript_hash, derived)) return false;
  out = ExporterSecret(md, derived);
  return true;
}

// The step down the schedule: Derive-Secret(., "derived", "") salts the next Extract.
bool extract_next(const EVP_MD* md, const Secret& secret, View input, Secret& out) {
  Digest empty;
  Secret salt;
  return empty_hash(md, empty) &&
         derive_secret(md, secret, as_view("derived"), empty.view(), salt) &&
         hkdf_extract(md, salt.view(), input, out);
}

constexpr uint8_t kZeros[EVP_MAX_MD_SIZE] = {};

View or_zeros(const EVP_MD* md, View input) {
  return input.empty() ? View(kZeros, hash_size(md)) : input;
}

}  // namespace

bool hmac(const EVP_MD* md, View key, View data, Secret& out) {
  Hmac mac;
  return mac.start(md, key) && mac.compute({data}, out.storage(mac.size()).data());
}

bool hkdf_extract(const EVP_MD* md, View salt, View input, Secret& out) {
  return hmac(md, salt, input, out);
}

bool hkdf_expand_label(const EVP_MD* md, View secret, View label, View context,
                       std::span<uint8_t> out) {
  View prefix = as_view("tls13 ");
  if (prefix.size() + label.size() > kMaxLabel || context.size() > kMaxContext) return false;
  Hmac mac;
  if (!mac.start(md, secret) || out.size() > 255 * mac.size()) return false;

  uint8_t length[3] = {static_cast<uint8_t>(out.size() >> 8), static_cast<uint8_t>(out.size()),
                       static_cast<uint8_t>(prefix.size() + label.size())};
  uint8_t context_length = static_cast<uint8_t>(context.size());
  uint8_t block[EVP_MAX_MD_SIZE];
  View previous;
  bool ok = true;
  for (uint8_t counter = 1; ok && !out.empty(); ++counter) {
    ok = mac.compute(
        {previous, length, prefix, label, {&context_length, 1}, context, {&counter, 1}}, block);
    previous = {block, mac.size()};
    size_t taken = std::min(out.size(), mac.size());
    std::copy_n(block, taken, out.begin());
    out = out.subspan(taken);
  }
  OPENSSL_cleanse(block, sizeof block);
  return ok;
}

bool TrafficSecret::keys(size_t key_length, TrafficKeys& out) const {
  return hkdf_expand_label(md_, view(), as_view("key"), {}, out.key.storage(key_length)) &&
         hkdf_expand_label(md_, view(), as_view("iv"), {}, out.iv.storage(12));
}

bool TrafficSecret::verify_data(View transcript_hash, Secret& out) const {
  Secret finished_key;
  return hkdf_expand_label(md_, view(), as_view("finished"), {},
                           finished_key.storage(hash_size(md_))) &&
         hmac(md_, finished_key.view(), transcript_hash, out);
}

bool TrafficSecret::update() {
  Secret next;
  if (!derive_secret(md_, secret_, as_view("traffic upd"), {}, next)) return false;
  secret_ = next;
  return true;
}

bool ExporterSecret::derive(View label, View context, std::span<uint8_t> out) const {
  Digest empty;
  Digest context_hash;
  Secret labelled;
  Hash hash;
  if (!empty_hash(md_, empty) || !derive_secret(md_, secret_, label, empty.view(), labelled) ||
      !hash.start(md_)) {
    return false;
  }
  context_hash.size = static_cast<uint8_t>(hash.size());
  return hash.update(context) && hash.finish(context_hash.data) &&
         hkdf_expand_label(md_, labelled.view(), as_view("exporter"), context_hash.view(), out);
}

bool MasterSecret::client_application_traffic(View transcript_hash, TrafficSecret& out) const {
  return derive_traffic(md_, secret_, as_view("c ap traffic"), transcript_hash, out);
}

bool MasterSecret::server_application_traffic(View transcript_hash, TrafficSecret& out) const {
  return derive_traffic(md_, secret_, as_view("s ap traffic"), transcript_hash, out);
}

bool MasterSecret::exporter_master(View transcript_hash, ExporterSecret& out) const {
  return derive_exporter(md_, secret_, as_view("exp master"), transcript_hash, out);
}

bool MasterSecret::resumption_master(View transcript_hash, Secret& out) const {
  return derive_secret(md_, secret_, as_view("res master"), transcript_hash, out);
}

bool HandshakeSecret::client_handshake_traffic(View transcript_hash, TrafficSecret& out) const {
  return derive_traffic(md_, secret_, as_view("c hs traffic"), transcript_hash, out);
}

bool HandshakeSecret::server_handshake_traffic(View transcript_hash, TrafficSecret& out) const {
  return derive_traffic(md_, secret_, as_view("s hs traffic"), transcript_hash, out);
}

bool HandshakeSecret::next(MasterSecret& out) && {
  out.md_ = md_;
  bool ok = extract_next(md_, secret_, or_zeros(md_, {}), out.secret_);
  secret_.wipe();
  return ok;
}

bool EarlySecret::start(const EVP_MD* md, View psk) {
  md_ = md;
  return hkdf_extract(md, {}, or_zeros(md, psk), secret_);
}

bool EarlySecret::binder_key(bool external, TrafficSecret& out) const {
  Digest empty;
  return empty_hash(md_, empty) &&
         derive_traffic(md_, secret_, as_view(external ? "ext binder" : "res binder"), empty.view(),
                        out);
}

bool EarlySecret::client_early_traffic(View transcript_hash, TrafficSecret& out) const {
  return derive_traffic(md_, secret_, as_view("c e traffic"), transcript_hash, out);
}

bool EarlySecret::early_exporter_master(View transcript_hash, ExporterSecret& out) const {
  return derive_exporter(md_, secret_, as_view("e exp master"), transcript_hash, out);
}

bool EarlySecret::next(View shared_secret, HandshakeSecret& out) && {
  out.md_ = md_;
  bool ok = extract_next(md_, secret_, or_zeros(md_, shared_secret), out.secret_);
  secret_.wipe();
  return ok;
}

}  // namespace handfast
