// RFC 8446 section 7.1 as types: each stage gives only what may be derived from it, and moving on
// consumes it.
#pragma once

#include <openssl/evp.h>

#include "crypto/secret.h"

namespace handfast {

struct TrafficKeys {
  Secret key;  // 16 or 32 bytes
  Secret iv;   // 12 bytes
};

// client_/server_ handshake/application _traffic_secret_N.
class TrafficSecret {
 public:
  TrafficSecret() = default;
  TrafficSecret(const EVP_MD* md, const Secret& secret) : md_(md), secret_(secret) {}
  [[nodiscard]] const EVP_MD* md() const { return md_; }
  [[nodiscard]] View view() const { return secret_.view(); }  // for the key log
  // RFC 8446 7.3.
  [[nodiscard]] bool keys(size_t key_length, TrafficKeys& out) const;
  // RFC 8446 4.4.4: verify_data of Finished over `transcript_hash`.
  [[nodiscard]] bool verify_data(View transcript_hash, Secret& out) const;
  // RFC 8446 7.2: application_traffic_secret_N+1 in place.
  [[nodiscard]] bool update();
  void wipe() { secret_.wipe(); }

 private:
  const EVP_MD* md_ = nullptr;
  Secret secret_;
};

// exporter_master_secret, early_exporter_master_secret.
class ExporterSecret {
 public:
  ExporterSecret() = default;
  ExporterSecret(const EVP_MD* md, const Secret& secret) : md_(md), secret_(secret) {}
  [[nodiscard]] bool empty() const { return secret_.empty(); }
  [[nodiscard]] View view() const { return secret_.view(); }
  // RFC 8446 7.5.
  [[nodiscard]] bool derive(View label, View context, std::span<uint8_t> out) const;

 private:
  const EVP_MD* md_ = nullptr;
  Secret secret_;
};

class MasterSecret {
 public:
  [[nodiscard]] bool client_application_traffic(View transcript_hash, TrafficSecret& out) const;
  [[nodiscard]] bool server_application_traffic(View transcript_hash, TrafficSecret& out) const;
  [[nodiscard]] bool exporter_master(View transcript_hash, ExporterSecret& out) const;
  [[nodiscard]] bool resumption_master(View transcript_hash, Secret& out) const;

 private:
  friend class HandshakeSecret;
  const EVP_MD* md_ = nullptr;
  Secret secret_;
};

class HandshakeSecret {
 public:
  [[nodiscard]] bool client_handshake_traffic(View transcript_hash, TrafficSecret& out) const;
  [[nodiscard]] bool server_handshake_traffic(View transcript_hash, TrafficSecret& out) const;
  [[nodiscard]] bool next(MasterSecret& out) &&;

 private:
  friend class EarlySecret;
  const EVP_MD* md_ = nullptr;
  Secret secret_;
};

class EarlySecret {
 public:
  // `psk` empty: the string of zeros of a handshake without PSK. `md` is borrowed.
  [[nodiscard]] bool start(const EVP_MD* md, View psk);
  [[nodiscard]] bool binder_key(bool external, TrafficSecret& out) const;
  [[nodiscard]] bool client_early_traffic(View transcript_hash, TrafficSecret& out) const;
  [[nodiscard]] bool early_exporter_master(View transcript_hash, ExporterSecret& out) const;
  // `shared_secret` empty: psk_ke, the string of zeros.
  [[nodiscard]] bool next(View shared_secret, HandshakeSecret& out) &&;

 private:
  const EVP_MD* md_ = nullptr;
  Secret secret_;
};

// RFC 8446 7.1, HKDF of RFC 5869. All return false only when libcrypto fails.
[[nodiscard]] bool hkdf_extract(const EVP_MD* md, View salt, View input, Secret& out);
[[nodiscard]] bool hkdf_expand_label(const EVP_MD* md, View secret, View label, View context,
                                     std::span<uint8_t> out);
[[nodiscard]] bool hmac(const EVP_MD* md, View key, View data, Secret& out);

}  // namespace handfast
