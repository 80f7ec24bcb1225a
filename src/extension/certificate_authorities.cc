// certificate_authorities, RFC 8446 section 4.2.4.
#include <openssl/tls1.h>
#include <openssl/x509.h>

#include "extension/authorities.h"
#include "extension/lists.h"
#include "extension/rows.h"

namespace handfast {

namespace {

// A server names the CAs of SSL_set_client_CA_list(3), or else those of SSL_set0_CA_list(3); of
// each the connection's, or else its context's.
const STACK_OF(X509_NAME) * names_to_send(const Exchange& exchange) {
  const NamedAuthorities& own = *exchange.authorities;
  const NamedAuthorities& context = exchange.ctx->authorities;
  if (exchange.server) {
    const auto* names = own.client != nullptr ? own.client.get() : context.client.get();
    if (sk_X509_NAME_num(names) > 0) return names;
  }
  return own.any != nullptr ? own.any.get() : context.any.get();
}

Verdict write(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  bool disabled = ((*exchange.policy)->options & SSL_OP_DISABLE_TLSEXT_CA_NAMES) != 0;
  send = sk_X509_NAME_num(names_to_send(exchange)) > 0 && !disabled;
  if (!send) return success();
  Prefixed16 list(writer);
  return write_authorities(exchange, writer);
}

// DistinguishedName<1..2^16-1>, DER of a Name.
Verdict read_name(Reader& list, STACK_OF(X509_NAME) * names) {
  View bytes;
  if (!list.vector16(bytes) || bytes.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  const unsigned char* at = bytes.data();
  X509_NAME* name = d2i_X509_NAME(nullptr, &at, static_cast<long>(bytes.size()));
  if (name == nullptr) return fatal(Alert::decode_error, ERR_R_ASN1_LIB);
  if (at != bytes.data() + bytes.size()) {
    X509_NAME_free(name);
    return fatal(Alert::decode_error, SSL_R_CA_DN_LENGTH_MISMATCH);
  }
  if (sk_X509_NAME_push(names, name) <= 0) {
    X509_NAME_free(name);
    return malloc_failure();
  }
  return success();
}

// authorities<3..2^16-1>, but servers of OpenSSL 3.0 with SSL_OP_DISABLE_TLSEXT_CA_NAMES send an
// empty list.
Verdict read(Exchange& exchange, MessageSet, View body) {
  Reader reader(body);
  View list;
  if (!reader.vector16(list)) return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  if (!reader.empty()) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  return read_authorities(exchange, list);
}

Verdict absent(Exchange& exchange, MessageSet) {
  exchange.negotiated->peer_ca_names.reset();
  return success();
}

}  // namespace

Verdict write_authorities(const Exchange& exchange, Writer& writer) {
  const auto* names = names_to_send(exchange);
  for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
    unsigned char* der = nullptr;
    int length = i2d_X509_NAME(sk_X509_NAME_value(names, i), &der);
    if (length < 0) return internal_error();
    writer.vector16({der, static_cast<size_t>(length)});
    OPENSSL_free(der);
  }
  return success();
}

Verdict read_authorities(Exchange& exchange, View list) {
  X509NameStackPtr names(sk_X509_NAME_new_null());
  if (names == nullptr) return malloc_failure();
  Reader entries(list);
  while (!entries.empty()) HANDFAST_CHECK(read_name(entries, names.get()));
  exchange.negotiated->peer_ca_names = std::move(names);
  return success();
}

constinit const Extension kCertificateAuthorities = {
    .type = TLSEXT_TYPE_certificate_authorities,
    .in = kInClientHello | kInCertificateRequest,
    .tls13 = true,
    .client = {.offer = write, .accept = read, .absent = absent},
    .server = {.consider = read, .answer = write, .absent = absent},
};

}  // namespace handfast
