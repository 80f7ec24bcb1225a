#include "session/asn1.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <cstring>
#include <ctime>

#include "session/cache.h"

namespace handfast {
namespace {

// The fields of SSLSession, in the order of the sequence.
struct SessionAsn1 {
  uint32_t form_version;  // of this structure
  int32_t protocol_version;
  ASN1_OCTET_STRING* cipher;
  ASN1_OCTET_STRING* id;
  ASN1_OCTET_STRING* master_key;
  ASN1_OCTET_STRING* key_argument;  // of SSL 2
  int64_t time;
  int64_t timeout;
  X509* peer;
  ASN1_OCTET_STRING* id_context;
  int32_t verify_result;
  ASN1_OCTET_STRING* hostname;
  ASN1_OCTET_STRING* psk_identity_hint;
  ASN1_OCTET_STRING* psk_identity;
  uint64_t ticket_lifetime_hint;
  ASN1_OCTET_STRING* ticket;
  ASN1_OCTET_STRING* compression;
  ASN1_OCTET_STRING* srp_username;
  uint64_t flags;
  uint32_t ticket_age_add;
  uint32_t max_early_data;
  ASN1_OCTET_STRING* alpn;
  uint32_t max_fragment_length_mode;
  ASN1_OCTET_STRING* ticket_appdata;
  uint32_t group;
};

// clang-format off
ASN1_SEQUENCE(SessionAsn1) = {
  ASN1_EMBED(SessionAsn1, form_version, UINT32),
  ASN1_EMBED(SessionAsn1, protocol_version, INT32),
  ASN1_SIMPLE(SessionAsn1, cipher, ASN1_OCTET_STRING),
  ASN1_SIMPLE(SessionAsn1, id, ASN1_OCTET_STRING),
  ASN1_SIMPLE(SessionAsn1, master_key, ASN1_OCTET_STRING),
  ASN1_IMP_OPT(SessionAsn1, key_argument, ASN1_OCTET_STRING, 0),
  ASN1_EXP_OPT_EMBED(SessionAsn1, time, ZINT64, 1),
  ASN1_EXP_OPT_EMBED(SessionAsn1, timeout, ZINT64, 2),
  ASN1_EXP_OPT(SessionAsn1, peer, X509, 3),
  ASN1_EXP_OPT(SessionAsn1, id_context, ASN1_OCTET_STRING, 4),
  ASN1_EXP_OPT_EMBED(SessionAsn1, verify_result, ZINT32, 5),
  ASN1_EXP_OPT(SessionAsn1, hostname, ASN1_OCTET_STRING, 6),
  ASN1_EXP_OPT(SessionAsn1, psk_identity_hint, ASN1_OCTET_STRING, 7),
  ASN1_EXP_OPT(SessionAsn1, psk_identity, ASN1_OCTET_STRING, 8),
  ASN1_EXP_OPT_EMBED(SessionAsn1, ticket_lifetime_hint, ZUINT64, 9),
  ASN1_EXP_OPT(SessionAsn1, ticket, ASN1_OCTET_STRING, 10),
  ASN1_EXP_OPT(SessionAsn1, compression, ASN1_OCTET_STRING, 11),
  ASN1_EXP_OPT(SessionAsn1, srp_username, ASN1_OCTET_STRING, 12),
  ASN1_EXP_OPT_EMBED(SessionAsn1, flags, ZUINT64, 13),
  ASN1_EXP_OPT_EMBED(SessionAsn1, ticket_age_add, ZUINT32, 14),
  ASN1_EXP_OPT_EMBED(SessionAsn1, max_early_data, ZUINT32, 15),
  ASN1_EXP_OPT(SessionAsn1, alpn, ASN1_OCTET_STRING, 16),
  ASN1_EXP_OPT_EMBED(SessionAsn1, max_fragment_length_mode, ZUINT32, 17),
  ASN1_EXP_OPT(SessionAsn1, ticket_appdata, ASN1_OCTET_STRING, 18),
  ASN1_EXP_OPT_EMBED(SessionAsn1, group, UINT32, 19)
} static_ASN1_SEQUENCE_END(SessionAsn1)
    // clang-format on

    constexpr unsigned long kCipherIdPrefix = 0x03000000;
// Seconds: a session whose form names no timeout is all but expired.
constexpr long kNoTimeout = 3;

struct FreeAsn1 {
  void operator()(SessionAsn1* form) const {
    if (form->master_key != nullptr && form->master_key->length > 0) {
      OPENSSL_cleanse(form->master_key->data, static_cast<size_t>(form->master_key->length));
    }
    ASN1_item_free(reinterpret_cast<ASN1_VALUE*>(form), ASN1_ITEM_rptr(SessionAsn1));
  }
};
using SessionAsn1Ptr = std::unique_ptr<SessionAsn1, FreeAsn1>;

// Octet strings that borrow the session's bytes while they are encoded.
class Borrowed {
 public:
  ASN1_OCTET_STRING* operator()(View bytes) {
    ASN1_OCTET_STRING& string = strings_[used_++];
    string.data = const_cast<unsigned char*>(bytes.data());
    string.length = static_cast<int>(bytes.size());
    return &string;
  }
  ASN1_OCTET_STRING* unless_empty(View bytes) { return bytes.empty() ? nullptr : (*this)(bytes); }
  ASN1_OCTET_STRING* text(const UniqueString& value) {
    return value == nullptr ? nullptr : (*this)(as_view(value.get()));
  }

 private:
  static constexpr size_t kFields = 12;
  ASN1_OCTET_STRING strings_[kFields] = {};
  size_t used_ = 0;
};

View octets(const ASN1_OCTET_STRING* string) {
  if (string == nullptr || string->length <= 0) return {};
  return {string->data, static_cast<size_t>(string->length)};
}

bool fail(int reason) {
  ERR_raise(ERR_LIB_SSL, reason);
  return false;
}

bool check_version(const SessionAsn1& form) {
  if (form.form_version != SSL_SESSION_ASN1_VERSION) return fail(SSL_R_UNKNOWN_SSL_VERSION);
  int major = form.protocol_version >> 8;
  if (major != SSL3_VERSION_MAJOR && major != DTLS1_VERSION_MAJOR &&
      form.protocol_version != DTLS1_BAD_VER) {
    return fail(SSL_R_UNSUPPORTED_SSL_VERSION);
  }
  return true;
}

bool check_lengths(const SessionAsn1& form) {
  if (octets(form.cipher).size() != 2) return fail(SSL_R_CIPHER_CODE_WRONG_LENGTH);
  if (form.compression != nullptr && form.compression->length != 1) return fail(SSL_R_BAD_LENGTH);
  if (octets(form.id).size() > SSL_MAX_SSL_SESSION_ID_LENGTH ||
      octets(form.id_context).size() > SSL_MAX_SID_CTX_LENGTH ||
      octets(form.master_key).size() > kMaxMasterKeyLength) {
    return fail(SSL_R_BAD_LENGTH);
  }
  return true;
}

uint8_t copy_short(uint8_t* to, const ASN1_OCTET_STRING* from) {
  View bytes = octets(from);
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return static_cast<uint8_t>(bytes.size());
}

bool copy_text(UniqueString& to, const ASN1_OCTET_STRING* from) {
  if (from == nullptr) return assign(to, nullptr);
  View bytes = octets(from);
  return assign(to, bytes.empty() ? "" : reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// Values that came decoded, and byte strings of bounded length.
void copy_scalars(const SessionAsn1& form, Session& session) {
  session.version = form.protocol_version;
  session.id_length = copy_short(session.id, form.id);
  session.id_context_length = copy_short(session.id_context, form.id_context);
  session.time = form.time != 0 ? static_cast<long>(form.time) : std::time(nullptr);
  session.timeout = form.timeout != 0 ? static_cast<long>(form.timeout) : kNoTimeout;
  session.verify_result = form.verify_result;
  session.group = form.group;
  session.flags = static_cast<uint32_t>(form.flags);
  session.ticket_lifetime_hint = static_cast<unsigned long>(form.ticket_lifetime_hint);
  session.ticket_age_add = form.ticket_age_add;
  session.max_early_data = form.max_early_data;
  session.max_fragment_length_mode = static_cast<uint8_t>(form.max_fragment_length_mode);
  session.compression = form.compression == nullptr ? 0 : form.compression->data[0];
}

bool copy_strings(const SessionAsn1& form, Session& session) {
  return session.master_key.assign(octets(form.master_key)) &&
         copy_text(session.hostname, form.hostname) &&
         copy_text(session.psk_identity_hint, form.psk_identity_hint) &&
         copy_text(session.psk_identity, form.psk_identity) &&
         copy_text(session.srp_username, form.srp_username) &&
         session.ticket.assign(octets(form.ticket)) && session.alpn.assign(octets(form.alpn)) &&
         session.ticket_appdata.assign(octets(form.ticket_appdata));
}

}  // namespace

int encode_session(const Session& session, unsigned char** out) {
  unsigned long cipher = session.cipher == nullptr ? session.cipher_id : session.cipher->id;
  if (cipher == 0) return 0;
  const uint8_t cipher_bytes[] = {static_cast<uint8_t>(cipher >> 8), static_cast<uint8_t>(cipher)};

  Borrowed octet_string;
  SessionAsn1 form{};
  form.form_version = SSL_SESSION_ASN1_VERSION;
  form.protocol_version = session.version;
  form.cipher = octet_string(cipher_bytes);
  form.id = octet_string({session.id, session.id_length});
  form.master_key = octet_string(session.master_key.view());
  form.time = session.time;
  form.timeout = session.timeout;
  form.peer = session.peer.get();
  form.id_context = octet_string({session.id_context, session.id_context_length});
  form.verify_result = static_cast<int32_t>(session.verify_result);
  form.hostname = octet_string.text(session.hostname);
  form.psk_identity_hint = octet_string.text(session.psk_identity_hint);
  form.psk_identity = octet_string.text(session.psk_identity);
  form.ticket_lifetime_hint = session.ticket_lifetime_hint;
  form.ticket = octet_string.unless_empty(session.ticket.view());
  if (session.compression != 0) form.compression = octet_string({&session.compression, 1});
  form.srp_username = octet_string.text(session.srp_username);
  form.flags = session.flags;
  form.ticket_age_add = session.ticket_age_add;
  form.max_early_data = session.max_early_data;
  form.alpn = octet_string.unless_empty(session.alpn.view());
  form.max_fragment_length_mode = session.max_fragment_length_mode;
  form.ticket_appdata = octet_string.unless_empty(session.ticket_appdata.view());
  form.group = session.group;
  return ASN1_item_i2d(reinterpret_cast<ASN1_VALUE*>(&form), out, ASN1_ITEM_rptr(SessionAsn1));
}

bool decode_session(const unsigned char** in, long length, Session& session) {
  const unsigned char* position = *in;
  SessionAsn1Ptr form(reinterpret_cast<SessionAsn1*>(
      ASN1_item_d2i(nullptr, &position, length, ASN1_ITEM_rptr(SessionAsn1))));
  if (form == nullptr || !check_version(*form) || !check_lengths(*form)) return false;
  View cipher = octets(form->cipher);
  auto id = static_cast<uint16_t>(cipher[0] << 8 | cipher[1]);
  const CipherSuite* suite = find_cipher_suite(id);
  if (suite == nullptr) return fail(SSL_R_UNKNOWN_CIPHER_TYPE);

  if (SessionCache* cache = session.cache) cache->remove(session);
  if (!copy_strings(*form, session)) return fail(ERR_R_MALLOC_FAILURE);
  copy_scalars(*form, session);
  session.cipher = suite;
  session.cipher_id = kCipherIdPrefix | id;
  session.peer.reset(form->peer);
  form->peer = nullptr;
  *in = position;
  return true;
}

}  // namespace handfast
