// Commands of SSL_CONF_cmd(3) that have a value.
#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>

#include <cstdlib>
#include <cstring>

#include "api/conf_context.h"
#include "config/version_bounds.h"
#include "pki/trusted_file.h"

namespace handfast {

namespace {

using In = ConfFlag::In;

constexpr unsigned int kBoth = SSL_CONF_FLAG_CLIENT | SSL_CONF_FLAG_SERVER;

// The object's context; nullptr: there is no object.
SSL_CTX* context_of(const SSL_CONF_CTX& conf) {
  return conf.ssl != nullptr ? conf.ssl->ctx.get() : conf.ctx;
}

Cow<Credentials>& credentials_of(const SSL_CONF_CTX& conf) {
  return conf.ssl != nullptr ? conf.ssl->credentials : conf.ctx->credentials;
}

// Lists are checked even without an object: SSL_CTX_ctrl takes nullptr for them.
int run_list(const SSL_CONF_CTX& conf, int command, const char* value) {
  auto* text = const_cast<char*>(value);
  return static_cast<int>(conf.ssl != nullptr ? SSL_ctrl(conf.ssl, command, 0, text)
                                              : SSL_CTX_ctrl(conf.ctx, command, 0, text));
}

int signature_algorithms(SSL_CONF_CTX& conf, const char* value) {
  return run_list(conf, SSL_CTRL_SET_SIGALGS_LIST, value);
}

int client_signature_algorithms(SSL_CONF_CTX& conf, const char* value) {
  return run_list(conf, SSL_CTRL_SET_CLIENT_SIGALGS_LIST, value);
}

int groups(SSL_CONF_CTX& conf, const char* value) {
  return run_list(conf, SSL_CTRL_SET_GROUPS_LIST, value);
}

// One group; what OpenSSL 1.0.2 had for "choose yourself" is what happens anyway.
int ecdh_parameters(SSL_CONF_CTX& conf, const char* value) {
  if ((conf.flags & SSL_CONF_FLAG_FILE) != 0 && (OPENSSL_strcasecmp(value, "+automatic") == 0 ||
                                                 OPENSSL_strcasecmp(value, "automatic") == 0)) {
    return 1;
  }
  if ((conf.flags & SSL_CONF_FLAG_CMDLINE) != 0 && std::strcmp(value, "auto") == 0) return 1;
  if (std::strchr(value, ':') != nullptr) return 0;
  return context_of(conf) == nullptr ? 1 : groups(conf, value);
}

int cipher_string(SSL_CONF_CTX& conf, const char* value) {
  if (conf.ctx != nullptr) return SSL_CTX_set_cipher_list(conf.ctx, value);
  return conf.ssl == nullptr ? 1 : SSL_set_cipher_list(conf.ssl, value);
}

int ciphersuites(SSL_CONF_CTX& conf, const char* value) {
  if (conf.ctx != nullptr) return SSL_CTX_set_ciphersuites(conf.ctx, value);
  return conf.ssl == nullptr ? 1 : SSL_set_ciphersuites(conf.ssl, value);
}

constexpr ConfFlag protocol_flag(const char* name, uint64_t bits) {
  return {name, kBoth, In::options, true, bits};
}

int protocol(SSL_CONF_CTX& conf, const char* value) {
  static constexpr ConfFlag kProtocols[] = {
      protocol_flag("ALL", SSL_OP_NO_SSL_MASK),      protocol_flag("SSLv2", SSL_OP_NO_SSLv2),
      protocol_flag("SSLv3", SSL_OP_NO_SSLv3),       protocol_flag("TLSv1", SSL_OP_NO_TLSv1),
      protocol_flag("TLSv1.1", SSL_OP_NO_TLSv1_1),   protocol_flag("TLSv1.2", SSL_OP_NO_TLSv1_2),
      protocol_flag("TLSv1.3", SSL_OP_NO_TLSv1_3),   protocol_flag("DTLSv1", SSL_OP_NO_DTLSv1),
      protocol_flag("DTLSv1.2", SSL_OP_NO_DTLSv1_2),
  };
  return apply_flag_list(conf, kProtocols, value) ? 1 : 0;
}

constexpr ConfFlag option(const char* name, uint64_t bits, unsigned int side = kBoth) {
  return {name, side, In::options, false, bits};
}
constexpr ConfFlag option_off(const char* name, uint64_t bits) {
  return {name, kBoth, In::options, true, bits};
}

int options(SSL_CONF_CTX& conf, const char* value) {
  static constexpr ConfFlag kOptions[] = {
      option_off("SessionTicket", SSL_OP_NO_TICKET),
      option_off("EmptyFragments", SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS),
      option("Bugs", SSL_OP_ALL),
      option_off("Compression", SSL_OP_NO_COMPRESSION),
      option("ServerPreference", SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_CONF_FLAG_SERVER),
      option("NoResumptionOnRenegotiation", SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION,
             SSL_CONF_FLAG_SERVER),
      option("DHSingle", SSL_OP_SINGLE_DH_USE, SSL_CONF_FLAG_SERVER),
      option("ECDHSingle", SSL_OP_SINGLE_ECDH_USE, SSL_CONF_FLAG_SERVER),
      option("UnsafeLegacyRenegotiation", SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION),
      option("UnsafeLegacyServerConnect", SSL_OP_LEGACY_SERVER_CONNECT),
      option("ClientRenegotiation", SSL_OP_ALLOW_CLIENT_RENEGOTIATION),
      option_off("EncryptThenMac", SSL_OP_NO_ENCRYPT_THEN_MAC),
      option("NoRenegotiation", SSL_OP_NO_RENEGOTIATION),
      option("AllowNoDHEKEX", SSL_OP_ALLOW_NO_DHE_KEX),
      option("PrioritizeChaCha", SSL_OP_PRIORITIZE_CHACHA),
      option("MiddleboxCompat", SSL_OP_ENABLE_MIDDLEBOX_COMPAT),
      option_off("AntiReplay", SSL_OP_NO_ANTI_REPLAY),
      option_off("ExtendedMasterSecret", SSL_OP_NO_EXTENDED_MASTER_SECRET),
      option_off("CANames", SSL_OP_DISABLE_TLSEXT_CA_NAMES),
      option("KTLS", SSL_OP_ENABLE_KTLS),
  };
  return apply_flag_list(conf, kOptions, value) ? 1 : 0;
}

constexpr ConfFlag verify(const char* name, uint64_t bits, unsigned int side) {
  return {name, side, In::verify_mode, false, SSL_VERIFY_PEER | bits};
}

int verify_mode(SSL_CONF_CTX& conf, const char* value) {
  constexpr unsigned int kServer = SSL_CONF_FLAG_SERVER;
  static constexpr ConfFlag kModes[] = {
      verify("Peer", 0, SSL_CONF_FLAG_CLIENT),
      verify("Request", 0, kServer),
      verify("Require", SSL_VERIFY_FAIL_IF_NO_PEER_CERT, kServer),
      verify("Once", SSL_VERIFY_CLIENT_ONCE, kServer),
      verify("RequestPostHandshake", SSL_VERIFY_POST_HANDSHAKE, kServer),
      verify("RequirePostHandshake", SSL_VERIFY_POST_HANDSHAKE | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
             kServer),
  };
  return apply_flag_list(conf, kModes, value) ? 1 : 0;
}

// -1: not a name of a version.
int version_of_name(const char* name) {
  constexpr struct {
    const char* name;
    int version;
  } kVersions[] = {{"None", 0},
                   {"SSLv3", SSL3_VERSION},
                   {"TLSv1", TLS1_VERSION},
                   {"TLSv1.1", TLS1_1_VERSION},
                   {"TLSv1.2", TLS1_2_VERSION},
                   {"TLSv1.3", TLS1_3_VERSION},
                   {"DTLSv1", DTLS1_VERSION},
                   {"DTLSv1.2", DTLS1_2_VERSION}};
  for (const auto& row : kVersions) {
    if (std::strcmp(row.name, name) == 0) return row.version;
  }
  return -1;
}

template <int Policy::*kBound>
int protocol_bound(SSL_CONF_CTX& conf, const char* value) {
  const SSL_CTX* ctx = context_of(conf);
  int version = version_of_name(value);
  if (ctx == nullptr || version < 0) return 0;
  Cow<Policy>& policy = conf.ssl != nullptr ? conf.ssl->policy : conf.ctx->policy;
  int bound = (*policy).*kBound;
  if (!set_version_bound(ctx->method->version, version, bound)) return 0;
  Policy* edited = policy.edit();
  if (edited == nullptr) return 0;
  edited->*kBound = bound;
  return 1;
}

int certificate(SSL_CONF_CTX& conf, const char* value) {
  if (context_of(conf) == nullptr) return 1;
  int ok = conf.ctx != nullptr ? SSL_CTX_use_certificate_chain_file(conf.ctx, value)
                               : SSL_use_certificate_chain_file(conf.ssl, value);
  if (ok <= 0 || (conf.flags & SSL_CONF_FLAG_REQUIRE_PRIVATE) == 0) return ok;
  UniqueString& file = conf.certificate_files[credentials_of(conf)->current];
  file.reset(OPENSSL_strdup(value));
  return file != nullptr ? 1 : 0;
}

int server_info_file(SSL_CONF_CTX& conf, const char* value) {
  return conf.ctx == nullptr ? 1 : SSL_CTX_use_serverinfo_file(conf.ctx, value);
}

enum class Source : unsigned char { file, directory, uri };

// The store that a chain is built from or verified with, made when it is not there yet.
template <X509StorePtr Credentials::*kStore, Source kSource>
int load_store(SSL_CONF_CTX& conf, const char* value) {
  const SSL_CTX* ctx = context_of(conf);
  if (ctx == nullptr) return 1;
  Cow<Credentials>& credentials = credentials_of(conf);
  if ((*credentials).*kStore == nullptr) {
    X509StorePtr made(X509_STORE_new());
    Credentials* edited = credentials.edit();
    if (made == nullptr || edited == nullptr) return 0;
    edited->*kStore = std::move(made);
  }
  X509_STORE* store = ((*credentials).*kStore).get();
  OSSL_LIB_CTX* library = ctx->algorithms.library();
  const char* query = ctx->algorithms.property_query();
  switch (kSource) {
    case Source::file:
      return handfast::load_trusted_file(store, value, library, query) ? 1 : 0;
    case Source::directory:
      return X509_STORE_load_path(store, value);
    default:
      return X509_STORE_load_store_ex(store, value, library, query);
  }
}

template <int (*kAdd)(STACK_OF(X509_NAME) *, const char*)>
int request_names(SSL_CONF_CTX& conf, const char* value) {
  if (conf.ca_names == nullptr) conf.ca_names.reset(sk_X509_NAME_new_null());
  return conf.ca_names == nullptr ? 0 : kAdd(conf.ca_names.get(), value);
}

// nullptr with reasons in the queue.
EvpPkeyPtr read_dh_parameters(const SSL_CTX& ctx, const char* file) {
  EVP_PKEY* key = nullptr;
  BioPtr in(BIO_new(BIO_s_file()));
  if (in == nullptr || BIO_read_filename(in.get(), file) <= 0) return nullptr;
  std::unique_ptr<OSSL_DECODER_CTX, FreeWith<OSSL_DECODER_CTX_free>> decoder(
      OSSL_DECODER_CTX_new_for_pkey(&key, "PEM", nullptr, "DH",
                                    OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS, ctx.algorithms.library(),
                                    ctx.algorithms.property_query()));
  if (decoder == nullptr) return nullptr;
  ERR_set_mark();
  // Other things may stand before the parameters.
  while (OSSL_DECODER_from_bio(decoder.get(), in.get()) != 1 && key == nullptr &&
         BIO_eof(in.get()) == 0) {
  }
  if (key == nullptr) {
    ERR_clear_last_mark();
  } else {
    ERR_pop_to_mark();
  }
  return EvpPkeyPtr(key);
}

int dh_parameters(SSL_CONF_CTX& conf, const char* value) {
  SSL_CTX* ctx = context_of(conf);
  if (ctx == nullptr) return 1;
  EvpPkeyPtr key = read_dh_parameters(*ctx, value);
  if (key == nullptr) return 0;
  int ok = conf.ctx != nullptr ? SSL_CTX_set0_tmp_dh_pkey(conf.ctx, key.get())
                               : SSL_set0_tmp_dh_pkey(conf.ssl, key.get());
  if (ok > 0) (void)key.release();
  return ok;
}

int record_padding(SSL_CONF_CTX& conf, const char* value) {
  int block = std::atoi(value);
  if (block < 0 || context_of(conf) == nullptr) return 0;
  auto size = static_cast<size_t>(block);
  return conf.ctx != nullptr ? SSL_CTX_set_block_padding(conf.ctx, size)
                             : SSL_set_block_padding(conf.ssl, size);
}

int number_of_tickets(SSL_CONF_CTX& conf, const char* value) {
  int number = std::atoi(value);
  if (number < 0 || context_of(conf) == nullptr) return 0;
  auto count = static_cast<size_t>(number);
  return conf.ctx != nullptr ? SSL_CTX_set_num_tickets(conf.ctx, count)
                             : SSL_set_num_tickets(conf.ssl, count);
}

constexpr unsigned int kServer = SSL_CONF_FLAG_SERVER;
constexpr unsigned int kCertificate = SSL_CONF_FLAG_CERTIFICATE;
constexpr int kString = SSL_CONF_TYPE_STRING;
constexpr int kFile = SSL_CONF_TYPE_FILE;
constexpr int kDirectory = SSL_CONF_TYPE_DIR;
constexpr int kStore = SSL_CONF_TYPE_STORE;

constexpr auto kChain = &Credentials::chain_store;
constexpr auto kVerify = &Credentials::verify_store;
constexpr auto kNamesOfFile = request_names<SSL_add_file_cert_subjects_to_stack>;
constexpr auto kNamesOfDirectory = request_names<SSL_add_dir_cert_subjects_to_stack>;
constexpr auto kNamesOfStore = request_names<SSL_add_store_cert_subjects_to_stack>;

constexpr ConfCommand kCommands[] = {
    {"SignatureAlgorithms", "sigalgs", 0, kString, signature_algorithms, nullptr},
    {"ClientSignatureAlgorithms", "client_sigalgs", 0, kString, client_signature_algorithms,
     nullptr},
    {"Curves", "curves", 0, kString, groups, nullptr},
    {"Groups", "groups", 0, kString, groups, nullptr},
    {"ECDHParameters", "named_curve", kServer, kString, ecdh_parameters, nullptr},
    {"CipherString", "cipher", 0, kString, cipher_string, nullptr},
    {"Ciphersuites", "ciphersuites", 0, kString, ciphersuites, nullptr},
    {"Protocol", nullptr, 0, kString, protocol, nullptr},
    {"MinProtocol", "min_protocol", 0, kString, protocol_bound<&Policy::min_version>, nullptr},
    {"MaxProtocol", "max_protocol", 0, kString, protocol_bound<&Policy::max_version>, nullptr},
    {"Options", nullptr, 0, kString, options, nullptr},
    {"VerifyMode", nullptr, 0, kString, verify_mode, nullptr},
    {"Certificate", "cert", kCertificate, kFile, certificate, nullptr},
    {"PrivateKey", "key", kCertificate, kFile, use_private_key, nullptr},
    {"ServerInfoFile", nullptr, kServer | kCertificate, kFile, server_info_file, nullptr},
    {"ChainCAPath", "chainCApath", kCertificate, kDirectory, load_store<kChain, Source::directory>,
     nullptr},
    {"ChainCAFile", "chainCAfile", kCertificate, kFile, load_store<kChain, Source::file>, nullptr},
    {"ChainCAStore", "chainCAstore", kCertificate, kStore, load_store<kChain, Source::uri>,
     nullptr},
    {"VerifyCAPath", "verifyCApath", kCertificate, kDirectory,
     load_store<kVerify, Source::directory>, nullptr},
    {"VerifyCAFile", "verifyCAfile", kCertificate, kFile, load_store<kVerify, Source::file>,
     nullptr},
    {"VerifyCAStore", "verifyCAstore", kCertificate, kStore, load_store<kVerify, Source::uri>,
     nullptr},
    {"RequestCAFile", "requestCAFile", kCertificate, kFile, kNamesOfFile, nullptr},
    {"ClientCAFile", nullptr, kServer | kCertificate, kFile, kNamesOfFile, nullptr},
    {"RequestCAPath", nullptr, kCertificate, kDirectory, kNamesOfDirectory, nullptr},
    {"ClientCAPath", nullptr, kServer | kCertificate, kDirectory, kNamesOfDirectory, nullptr},
    {"RequestCAStore", "requestCAStore", kCertificate, kStore, kNamesOfStore, nullptr},
    {"ClientCAStore", nullptr, kServer | kCertificate, kStore, kNamesOfStore, nullptr},
    {"DHParameters", "dhparam", kServer | kCertificate, kFile, dh_parameters, nullptr},
    {"RecordPadding", "record_padding", 0, kString, record_padding, nullptr},
    {"NumTickets", "num_tickets", kServer, kString, number_of_tickets, nullptr},
};

}  // namespace

int use_private_key(SSL_CONF_CTX& conf, const char* file) {
  if ((conf.flags & SSL_CONF_FLAG_CERTIFICATE) == 0) return -2;
  if (conf.ctx != nullptr) return SSL_CTX_use_PrivateKey_file(conf.ctx, file, SSL_FILETYPE_PEM);
  return conf.ssl == nullptr ? 1 : SSL_use_PrivateKey_file(conf.ssl, file, SSL_FILETYPE_PEM);
}

std::span<const ConfCommand> conf_commands() {
  return kCommands;
}

}  // namespace handfast
