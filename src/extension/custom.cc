#include "extension/custom.h"

#include "extension/extension.h"

namespace handfast {
namespace {

struct Place {
  MessageSet message;
  unsigned context;
};
constexpr Place kPlaces[] = {
    {kInClientHello, SSL_EXT_CLIENT_HELLO},
    {kInServerHello12, SSL_EXT_TLS1_2_SERVER_HELLO},
    {kInServerHello13, SSL_EXT_TLS1_3_SERVER_HELLO},
    {kInHelloRetryRequest, SSL_EXT_TLS1_3_HELLO_RETRY_REQUEST},
    {kInEncryptedExtensions, SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS},
    {kInCertificate, SSL_EXT_TLS1_3_CERTIFICATE},
    {kInCertificateRequest, SSL_EXT_TLS1_3_CERTIFICATE_REQUEST},
    {kInNewSessionTicket, SSL_EXT_TLS1_3_NEW_SESSION_TICKET},
};

unsigned context_of(MessageSet message) {
  for (const Place& place : kPlaces) {
    if (place.message == message) return place.context;
  }
  return 0;
}

// Messages that ask the peer; what stands in them may be answered.
bool asks(MessageSet message) {
  return message == kInClientHello || message == kInCertificateRequest;
}

ExtensionRole own_role(const Exchange& exchange) {
  return exchange.server ? ExtensionRole::server : ExtensionRole::client;
}

// What only one role has can be told apart only where the older messages are read.
ExtensionRole reading_role(const Exchange& exchange, MessageSet message) {
  bool by_role = message == kInClientHello || message == kInServerHello12;
  return by_role ? own_role(exchange) : ExtensionRole::both;
}

// Is the extension one of the version that was negotiated, or that may be when we offer it?
bool relevant(const Exchange& exchange, MessageSet message, const CustomExtension& custom) {
  bool offering = message == kInClientHello && !exchange.server;
  int version = offering ? exchange.max_version : exchange.negotiated->version;
  bool tls13 = version >= TLS1_3_VERSION || message == kInHelloRetryRequest;
  auto has = [&](unsigned flag) { return (custom.context & flag) != 0; };
  if (has(SSL_EXT_TLS_IMPLEMENTATION_ONLY) && exchange.datagram) return false;
  if (has(SSL_EXT_TLS1_3_ONLY) && !tls13) return false;
  if (has(SSL_EXT_TLS1_2_AND_BELOW_ONLY) && tls13 && !offering) return false;
  bool resumption = exchange.resuming || (tls13 && exchange.negotiated->resumed);
  return offering || !has(SSL_EXT_IGNORE_ON_RESUMPTION) || !resumption;
}

bool may_write(const Exchange& exchange, MessageSet message, const CustomExtension& custom) {
  if (!custom.is(custom.type, own_role(exchange)) || !allowed_in(exchange, custom, message) ||
      !relevant(exchange, message, custom)) {
    return false;
  }
  bool asked = asks(message) || message == kInNewSessionTicket;
  if (!asked && !exchange.custom_received.contains(custom.type)) return false;
  // Only a hello may say by its mere presence that an extension is known.
  return message == kInClientHello || custom.legacy || custom.add != nullptr;
}

// What the application wants sent; its memory goes back to it by release().
struct Content {
  const unsigned char* data = nullptr;
  size_t length = 0;
  [[nodiscard]] View view() const { return {data, length}; }
};

int add(Exchange& exchange, MessageSet message, const CustomExtension& custom, Content& content,
        int& alert) {
  if (custom.legacy) {
    if (custom.legacy_add == nullptr) return 1;
    return custom.legacy_add(exchange.ssl, custom.type, &content.data, &content.length, &alert,
                             custom.add_argument);
  }
  if (custom.add == nullptr) return 1;
  return custom.add(exchange.ssl, custom.type, context_of(message), &content.data, &content.length,
                    exchange.certificate,
                    exchange.certificate == nullptr ? 0 : exchange.certificate_index, &alert,
                    custom.add_argument);
}

void release(Exchange& exchange, MessageSet message, const CustomExtension& custom,
             const Content& content) {
  if (custom.legacy && custom.legacy_free != nullptr) {
    custom.legacy_free(exchange.ssl, custom.type, content.data, custom.add_argument);
  }
  if (!custom.legacy && custom.free != nullptr) {
    custom.free(exchange.ssl, custom.type, context_of(message), content.data, custom.add_argument);
  }
}

int parse(Exchange& exchange, MessageSet message, const CustomExtension& custom, View body,
          int& alert) {
  if (custom.legacy) {
    if (custom.legacy_parse == nullptr) return 1;
    return custom.legacy_parse(exchange.ssl, custom.type, body.data(), body.size(), &alert,
                               custom.parse_argument);
  }
  if (custom.parse == nullptr) return 1;
  return custom.parse(exchange.ssl, custom.type, context_of(message), body.data(), body.size(),
                      exchange.certificate,
                      exchange.certificate == nullptr ? 0 : exchange.certificate_index, &alert,
                      custom.parse_argument);
}

Verdict write_one(Exchange& exchange, MessageSet message, const CustomExtension& custom,
                  Writer& writer) {
  Content content;
  int alert = SSL_AD_INTERNAL_ERROR;
  int added = add(exchange, message, custom, content, alert);
  if (added < 0) return fatal(alert_of(alert, exchange.negotiated->version), SSL_R_CALLBACK_FAILED);
  if (added == 0) return success();
  writer.u16(custom.type);
  writer.vector16(content.view());
  release(exchange, message, custom, content);
  if (!asks(message)) return success();
  return exchange.custom_sent.push_back(custom.type) ? success() : malloc_failure();
}

}  // namespace

const CustomExtension* find_custom(const Exchange& exchange, MessageSet message, uint16_t type) {
  ExtensionRole role = reading_role(exchange, message);
  for (const CustomExtension& custom : (*exchange.credentials)->custom_extensions) {
    if (custom.is(type, role)) return &custom;
  }
  return nullptr;
}

bool allowed_in(const Exchange& exchange, const CustomExtension& custom, MessageSet message) {
  unsigned other = exchange.datagram ? SSL_EXT_TLS_ONLY : SSL_EXT_DTLS_ONLY;
  return (custom.context & context_of(message)) != 0 && (custom.context & other) == 0;
}

bool asked_custom(const Exchange& exchange, uint16_t type) {
  return exchange.custom_sent.contains(type);
}

Verdict write_custom(Exchange& exchange, MessageSet message, Writer& writer) {
  if (asks(message)) exchange.custom_sent.clear();
  if ((*exchange.credentials)->custom_extensions.empty()) return success();
  // A callback may change the connection's credentials: this copy stays as it is.
  Cow<Credentials> credentials = *exchange.credentials;
  for (const CustomExtension& custom : credentials->custom_extensions) {
    if (may_write(exchange, message, custom)) {
      HANDFAST_CHECK(write_one(exchange, message, custom, writer));
    }
  }
  return success();
}

Verdict read_custom(Exchange& exchange, MessageSet message, View block) {
  if (asks(message)) exchange.custom_received.clear();
  if ((*exchange.credentials)->custom_extensions.empty()) return success();
  Cow<Credentials> credentials = *exchange.credentials;
  for (const CustomExtension& custom : credentials->custom_extensions) {
    View body;
    if (!allowed_in(exchange, custom, message) || !relevant(exchange, message, custom) ||
        !custom.is(custom.type, reading_role(exchange, message)) ||
        !find_extension(block, custom.type, body)) {
      continue;
    }
    if (asks(message) && !exchange.custom_received.push_back(custom.type)) return malloc_failure();
    int alert = SSL_AD_DECODE_ERROR;
    if (parse(exchange, message, custom, body, alert) <= 0) {
      return fatal(alert_of(alert, exchange.negotiated->version), SSL_R_BAD_EXTENSION);
    }
  }
  return success();
}

}  // namespace handfast
