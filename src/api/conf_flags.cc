// Commands of SSL_CONF_cmd(3) that set bits: switches of the command line, and lists.
#include <openssl/conf.h>
#include <openssl/err.h>

#include <cstring>

#include "api/conf_context.h"

namespace handfast {

namespace {

using In = ConfFlag::In;

constexpr unsigned int kBoth = SSL_CONF_FLAG_CLIENT | SSL_CONF_FLAG_SERVER;

// The three sets of bits of the object that is configured.
struct Bits {
  uint64_t options = 0;
  uint64_t certificate_flags = 0;
  uint64_t verify_mode = 0;

  void change(const ConfFlag& flag, bool on) {
    uint64_t& bits = flag.in == In::options             ? options
                     : flag.in == In::certificate_flags ? certificate_flags
                                                        : verify_mode;
    if (on != flag.inverted) {
      bits |= flag.bits;
    } else {
      bits &= ~flag.bits;
    }
  }
};

Bits read_bits(const Cow<Policy>& policy, const Cow<Trust>& trust) {
  return {policy->options, policy->certificate_flags, static_cast<uint64_t>(trust->verify_mode)};
}

bool write_bits(const Bits& bits, Cow<Policy>& policy, Cow<Trust>& trust) {
  Bits now = read_bits(policy, trust);
  if (now.options != bits.options || now.certificate_flags != bits.certificate_flags) {
    Policy* edited = policy.edit();
    if (edited == nullptr) return false;
    edited->options = bits.options;
    edited->certificate_flags = static_cast<uint32_t>(bits.certificate_flags);
  }
  if (now.verify_mode != bits.verify_mode) {
    Trust* edited = trust.edit();
    if (edited == nullptr) return false;
    edited->verify_mode = static_cast<int>(bits.verify_mode);
  }
  return true;
}

Bits read_bits(const SSL_CONF_CTX& conf) {
  if (conf.ssl != nullptr) return read_bits(conf.ssl->policy, conf.ssl->trust);
  if (conf.ctx != nullptr) return read_bits(conf.ctx->policy, conf.ctx->trust);
  return {};
}

bool write_bits(SSL_CONF_CTX& conf, const Bits& bits) {
  bool ok = true;
  if (conf.ssl != nullptr) ok = write_bits(bits, conf.ssl->policy, conf.ssl->trust);
  if (conf.ctx != nullptr) ok = write_bits(bits, conf.ctx->policy, conf.ctx->trust);
  if (!ok) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return ok;
}

struct ListReader {
  unsigned int sides;
  std::span<const ConfFlag> flags;
  Bits bits;
};

int read_word(const char* word, int length, void* argument) {
  auto& reader = *static_cast<ListReader*>(argument);
  if (word == nullptr) return 0;
  bool on = *word != '-';
  if (*word == '+' || *word == '-') {
    ++word;
    --length;
  }
  auto size = static_cast<size_t>(length);
  for (const ConfFlag& flag : reader.flags) {
    if ((flag.side & reader.sides) != 0 && std::strlen(flag.name) == size &&
        OPENSSL_strncasecmp(flag.name, word, size) == 0) {
      reader.bits.change(flag, on);
      return 1;
    }
  }
  return 0;
}

constexpr ConfFlag option(const char* name, uint64_t bits, unsigned int side = kBoth) {
  return {name, side, In::options, false, bits};
}
constexpr ConfFlag option_off(const char* name, uint64_t bits, unsigned int side = kBoth) {
  return {name, side, In::options, true, bits};
}

constexpr ConfFlag kSwitchFlags[] = {
    option("no_ssl3", SSL_OP_NO_SSLv3),
    option("no_tls1", SSL_OP_NO_TLSv1),
    option("no_tls1_1", SSL_OP_NO_TLSv1_1),
    option("no_tls1_2", SSL_OP_NO_TLSv1_2),
    option("no_tls1_3", SSL_OP_NO_TLSv1_3),
    option("bugs", SSL_OP_ALL),
    option("no_comp", SSL_OP_NO_COMPRESSION),
    option_off("comp", SSL_OP_NO_COMPRESSION),
    option("ecdh_single", SSL_OP_SINGLE_ECDH_USE, SSL_CONF_FLAG_SERVER),
    option("no_ticket", SSL_OP_NO_TICKET),
    option("serverpref", SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_CONF_FLAG_SERVER),
    option("legacy_renegotiation", SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION),
    option("client_renegotiation", SSL_OP_ALLOW_CLIENT_RENEGOTIATION, SSL_CONF_FLAG_SERVER),
    option("legacy_server_connect", SSL_OP_LEGACY_SERVER_CONNECT, SSL_CONF_FLAG_CLIENT),
    option("no_renegotiation", SSL_OP_NO_RENEGOTIATION),
    option("no_resumption_on_reneg", SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION,
           SSL_CONF_FLAG_SERVER),
    option_off("no_legacy_server_connect", SSL_OP_LEGACY_SERVER_CONNECT, SSL_CONF_FLAG_CLIENT),
    option("allow_no_dhe_kex", SSL_OP_ALLOW_NO_DHE_KEX),
    option("prioritize_chacha", SSL_OP_PRIORITIZE_CHACHA, SSL_CONF_FLAG_SERVER),
    {"strict", kBoth, In::certificate_flags, false, SSL_CERT_FLAG_TLS_STRICT},
    option_off("no_middlebox", SSL_OP_ENABLE_MIDDLEBOX_COMPAT),
    option_off("anti_replay", SSL_OP_NO_ANTI_REPLAY, SSL_CONF_FLAG_SERVER),
    option("no_anti_replay", SSL_OP_NO_ANTI_REPLAY, SSL_CONF_FLAG_SERVER),
    option("no_etm", SSL_OP_NO_ENCRYPT_THEN_MAC),
};
constexpr size_t kSwitchCount = std::size(kSwitchFlags);

struct SwitchTable {
  ConfCommand rows[kSwitchCount];
};

constexpr SwitchTable kSwitches = [] {
  SwitchTable table{};
  for (size_t i = 0; i < kSwitchCount; ++i) {
    const ConfFlag& flag = kSwitchFlags[i];
    unsigned int needs = flag.side == kBoth ? 0 : flag.side;
    table.rows[i] = {nullptr, flag.name, needs, SSL_CONF_TYPE_NONE, nullptr, &flag};
  }
  return table;
}();

}  // namespace

bool apply_flag(SSL_CONF_CTX& conf, const ConfFlag& flag, bool on) {
  Bits bits = read_bits(conf);
  bits.change(flag, on);
  return write_bits(conf, bits);
}

bool apply_flag_list(SSL_CONF_CTX& conf, std::span<const ConfFlag> flags, const char* list) {
  ListReader reader{conf.flags & kBoth, flags, read_bits(conf)};
  return CONF_parse_list(list, ',', 1, read_word, &reader) == 1 && write_bits(conf, reader.bits);
}

std::span<const ConfCommand> conf_switches() {
  return kSwitches.rows;
}

}  // namespace handfast
