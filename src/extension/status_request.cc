// status_request, RFC 6066 section 8 and RFC 8446 section 4.4.2.1.
#include <openssl/ocsp.h>
#include <openssl/tls1.h>

#include "extension/lists.h"
#include "extension/rows.h"

namespace handfast {

namespace {

// Appends the DER form that `encode` (an i2d function) gives for `object`.
template <typename T>
bool append_der(Writer& writer, const T* object, int (*encode)(const T*, unsigned char**)) {
  unsigned char* der = nullptr;
  int length = encode(object, &der);
  if (length < 0) return false;
  writer.bytes({der, static_cast<size_t>(length)});
  OPENSSL_free(der);
  return true;
}

int encode_extensions(const STACK_OF(X509_EXTENSION) * extensions, unsigned char** out) {
  return i2d_X509_EXTENSIONS(extensions, out);
}

Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  const Request& request = *exchange.request;
  if ((*exchange.policy)->status_type != TLSEXT_STATUSTYPE_ocsp) {
    send = false;
    return success();
  }
  writer.u8(TLSEXT_STATUSTYPE_ocsp);
  {
    Prefixed16 ids(writer);
    for (int i = 0; i < sk_OCSP_RESPID_num(request.ocsp_ids.get()); ++i) {
      Prefixed16 id(writer);
      if (!append_der(writer, sk_OCSP_RESPID_value(request.ocsp_ids.get(), i), i2d_OCSP_RESPID)) {
        return internal_error();
      }
    }
  }
  Prefixed16 extensions(writer);
  if (request.ocsp_extensions != nullptr &&
      !append_der(writer, request.ocsp_extensions.get(), encode_extensions)) {
    return internal_error();
  }
  return success();
}

// TLS <= 1.2: before a CertificateStatus message "the server MUST have included an extension of
// type "status_request" with empty "extension_data" in the extended server hello."
Verdict expect_status(Exchange& exchange, View body) {
  if (!body.empty()) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  exchange.status_expected = true;
  return success();
}

// CertificateStatus in the leaf's entry; those of other certificates are not asked for by anybody.
Verdict accept(Exchange& exchange, MessageSet message, View body) {
  if (message == kInServerHello12) return expect_status(exchange, body);
  if (message != kInCertificate || exchange.certificate_index != 0) return success();
  Reader reader(body);
  uint8_t type = 0;
  View response;
  if (!reader.u8(type) || type != TLSEXT_STATUSTYPE_ocsp) {
    return fatal(Alert::decode_error, SSL_R_UNSUPPORTED_STATUS_TYPE);
  }
  // OCSPResponse<1..2^24-1>.
  if (!reader.vector24(response) || !reader.empty() || response.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  if (!exchange.negotiated->ocsp_response.assign(response)) return malloc_failure();
  exchange.negotiated->has_ocsp_response = true;
  return success();
}

// One ResponderID of the list; false: malformed.
bool read_id(Reader& list, STACK_OF(OCSP_RESPID) * ids) {
  View bytes;
  if (!list.vector16(bytes) || bytes.empty()) return false;
  const unsigned char* at = bytes.data();
  OCSP_RESPID* id = d2i_OCSP_RESPID(nullptr, &at, static_cast<long>(bytes.size()));
  bool whole = id != nullptr && at == bytes.data() + bytes.size();
  if (!whole || sk_OCSP_RESPID_push(ids, id) <= 0) {
    OCSP_RESPID_free(id);
    return false;
  }
  return true;
}

Verdict read_ids(View bytes, Request& request) {
  request.ocsp_ids.reset();
  if (bytes.empty()) return success();
  request.ocsp_ids.reset(sk_OCSP_RESPID_new_null());
  if (request.ocsp_ids == nullptr) return malloc_failure();
  Reader list(bytes);
  while (!list.empty()) {
    if (!read_id(list, request.ocsp_ids.get())) {
      return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
    }
  }
  return success();
}

Verdict read_request_extensions(View bytes, Request& request) {
  request.ocsp_extensions.reset();
  if (bytes.empty()) return success();
  const unsigned char* at = bytes.data();
  request.ocsp_extensions.reset(d2i_X509_EXTENSIONS(nullptr, &at, static_cast<long>(bytes.size())));
  if (request.ocsp_extensions == nullptr || at != bytes.data() + bytes.size()) {
    return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  }
  return success();
}

// The application's status callback sees the request's ids and extensions.
Verdict consider(Exchange& exchange, MessageSet message, View body) {
  if (message != kInClientHello || exchange.resuming) return success();
  Reader reader(body);
  uint8_t type = 0;
  View ids, extensions;
  if (!reader.u8(type)) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  if (type != TLSEXT_STATUSTYPE_ocsp) return success();
  if (!reader.vector16(ids) || !reader.vector16(extensions) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  }
  HANDFAST_CHECK(read_ids(ids, *exchange.request));
  HANDFAST_CHECK(read_request_extensions(extensions, *exchange.request));
  exchange.offers.ocsp_request = body.subspan(1);
  exchange.offers.status_request = true;
  return success();
}

Verdict answer(Exchange& exchange, MessageSet message, Writer& writer, bool& send) {
  if (message == kInServerHello12) {
    send = exchange.staple && !exchange.resuming;
    return success();
  }
  const Bytes& response = exchange.request->ocsp_response;
  send = message == kInCertificate && exchange.staple && exchange.certificate_index == 0 &&
         !response.empty();
  if (!send) return success();
  writer.u8(TLSEXT_STATUSTYPE_ocsp);
  writer.vector24(response.view());
  return success();
}

}  // namespace

constinit const Extension kStatusRequest = {
    .type = TLSEXT_TYPE_status_request,
    .in = kInClientHello | kInServerHello12 | kInCertificate | kInCertificateRequest,
    .client = {.offer = offer, .accept = accept},
    .server = {.consider = consider, .answer = answer},
};

}  // namespace handfast
