// d2i_SSL_SESSION(3), PEM_read_SSL_SESSION(3), SSL_SESSION_print(3): sessions as DER, PEM and text.
#include "session/asn1.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "api/text.h"
#include "wire/crypto_types.h"
#include "wire/version_name.h"

using handfast::Session;
using handfast::Text;

namespace {

const char* or_none(const handfast::UniqueString& value) {
  return value == nullptr ? "None" : value.get();
}

void print_protocol(Text& text, const Session& session) {
  text.printf("SSL-Session:\n    Protocol  : %s\n", handfast::version_name(session.version));
  if (session.cipher != nullptr) {
    text.printf("    Cipher    : %s\n", session.cipher->name);
  } else {
    text.printf("    Cipher    : %04lX\n", session.cipher_id & 0xffff);
  }
}

void print_secrets(Text& text, const Session& session) {
  text.puts("    Session-ID: ");
  text.hex({session.id, session.id_length});
  text.puts("\n    Session-ID-ctx: ");
  text.hex({session.id_context, session.id_context_length});
  text.puts(session.version == TLS1_3_VERSION ? "\n    Resumption PSK: " : "\n    Master-Key: ");
  text.hex(session.master_key.view());
  text.printf("\n    PSK identity: %s", or_none(session.psk_identity));
  text.printf("\n    PSK identity hint: %s", or_none(session.psk_identity_hint));
  text.printf("\n    SRP username: %s", or_none(session.srp_username));
}

void print_ticket(Text& text, const Session& session) {
  if (session.ticket_lifetime_hint != 0) {
    text.printf("\n    TLS session ticket lifetime hint: %ld (seconds)",
                static_cast<long>(session.ticket_lifetime_hint));
  }
  if (!session.ticket.empty()) {
    text.puts("\n    TLS session ticket:\n");
    text.dump(session.ticket.view(), 4);
  }
  if (session.compression != 0) text.printf("\n    Compression: %d", session.compression);
}

void print_life(Text& text, const Session& session) {
  if (long time = session.time) text.printf("\n    Start Time: %ld", time);
  if (long timeout = session.timeout) text.printf("\n    Timeout   : %ld (sec)", timeout);
  text.printf("\n    Verify return code: %ld (%s)\n", session.verify_result,
              X509_verify_cert_error_string(session.verify_result));
  bool extended = (session.flags & handfast::kSessionExtendedMasterSecret) != 0;
  text.printf("    Extended master secret: %s\n", extended ? "yes" : "no");
  if (session.version == TLS1_3_VERSION) {
    text.printf("    Max Early Data: %u\n", session.max_early_data);
  }
}

// d2i_SSL_SESSION and i2d_SSL_SESSION as libcrypto's PEM functions call them.
void* decode(void** session, const unsigned char** in, long length) {
  return d2i_SSL_SESSION(reinterpret_cast<SSL_SESSION**>(session), in, length);
}

int encode(const void* session, unsigned char** out) {
  return i2d_SSL_SESSION(static_cast<const SSL_SESSION*>(session), out);
}

}  // namespace

extern "C" {

int i2d_SSL_SESSION(const SSL_SESSION* session, unsigned char** out) {
  return session == nullptr ? 0 : handfast::encode_session(*session, out);
}

SSL_SESSION* d2i_SSL_SESSION(SSL_SESSION** session, const unsigned char** in, long length) {
  if (session != nullptr && *session != nullptr) {
    return handfast::decode_session(in, length, **session) ? *session : nullptr;
  }
  handfast::SessionRef decoded(SSL_SESSION_new());
  if (decoded == nullptr || !handfast::decode_session(in, length, *decoded)) return nullptr;
  if (session != nullptr) *session = decoded.get();
  return decoded.release();
}

SSL_SESSION* PEM_read_bio_SSL_SESSION(BIO* in, SSL_SESSION** session, pem_password_cb* callback,
                                      void* argument) {
  return static_cast<SSL_SESSION*>(PEM_ASN1_read_bio(
      decode, PEM_STRING_SSL_SESSION, in, reinterpret_cast<void**>(session), callback, argument));
}

SSL_SESSION* PEM_read_SSL_SESSION(FILE* in, SSL_SESSION** session, pem_password_cb* callback,
                                  void* argument) {
  return static_cast<SSL_SESSION*>(PEM_ASN1_read(
      decode, PEM_STRING_SSL_SESSION, in, reinterpret_cast<void**>(session), callback, argument));
}

int PEM_write_bio_SSL_SESSION(BIO* out, const SSL_SESSION* session) {
  return PEM_ASN1_write_bio(encode, PEM_STRING_SSL_SESSION, out, session, nullptr, nullptr, 0,
                            nullptr, nullptr);
}

int PEM_write_SSL_SESSION(FILE* out, const SSL_SESSION* session) {
  return PEM_ASN1_write(encode, PEM_STRING_SSL_SESSION, out, session, nullptr, nullptr, 0, nullptr,
                        nullptr);
}

int SSL_SESSION_print(BIO* out, const SSL_SESSION* session) {
  if (session == nullptr) return 0;
  Text text(out);
  print_protocol(text, *session);
  print_secrets(text, *session);
  print_ticket(text, *session);
  print_life(text, *session);
  return text.ok() ? 1 : 0;
}

int SSL_SESSION_print_fp(FILE* file, const SSL_SESSION* session) {
  handfast::BioPtr out(BIO_new_fp(file, BIO_NOCLOSE));
  if (out == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_BUF_LIB);
    return 0;
  }
  return SSL_SESSION_print(out.get(), session);
}

// The NSS key log's line for a session, which says RSA whatever the key exchange was.
int SSL_SESSION_print_keylog(BIO* out, const SSL_SESSION* session) {
  if (session == nullptr || session->id_length == 0 || session->master_key.empty()) return 0;
  Text text(out);
  text.puts("RSA Session-ID:");
  text.hex({session->id, session->id_length});
  text.puts(" Master-Key:");
  text.hex(session->master_key.view());
  text.puts("\n");
  return text.ok() ? 1 : 0;
}

}  // extern "C"
