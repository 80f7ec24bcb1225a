// Turns the library's callbacks into lines.
#pragma once

#include "peers.h"

namespace twin {

using Lines = std::vector<std::string>;

inline void print(const char* title, const Lines& lines) {
  out("%s:", title);
  for (const std::string& line : lines) out("  %s", line.c_str());
}

/// The same with runs of equal lines put together.
inline void print_runs(const char* title, const Lines& lines) {
  out("%s:", title);
  for (size_t i = 0; i < lines.size();) {
    size_t j = i;
    while (j < lines.size() && lines[j] == lines[i]) j++;
    out("  %s%s", lines[i].c_str(), j - i > 1 ? " (repeated)" : "");
    i = j;
  }
}

inline const char* content_name(int type) {
  switch (type) {
    case SSL3_RT_CHANGE_CIPHER_SPEC:
      return "change_cipher_spec";
    case SSL3_RT_ALERT:
      return "alert";
    case SSL3_RT_HANDSHAKE:
      return "handshake";
    case SSL3_RT_APPLICATION_DATA:
      return "application_data";
    case SSL3_RT_HEADER:
      return "header";
    case SSL3_RT_INNER_CONTENT_TYPE:
      return "inner_content_type";
    default:
      return "?";
  }
}

inline const char* message_name(int type) {
  switch (type) {
    case SSL3_MT_HELLO_REQUEST:
      return "HelloRequest";
    case SSL3_MT_CLIENT_HELLO:
      return "ClientHello";
    case SSL3_MT_SERVER_HELLO:
      return "ServerHello";
    case DTLS1_MT_HELLO_VERIFY_REQUEST:
      return "HelloVerifyRequest";
    case SSL3_MT_NEWSESSION_TICKET:
      return "NewSessionTicket";
    case SSL3_MT_ENCRYPTED_EXTENSIONS:
      return "EncryptedExtensions";
    case SSL3_MT_CERTIFICATE:
      return "Certificate";
    case SSL3_MT_SERVER_KEY_EXCHANGE:
      return "ServerKeyExchange";
    case SSL3_MT_SERVER_DONE:
      return "ServerHelloDone";
    case SSL3_MT_CLIENT_KEY_EXCHANGE:
      return "ClientKeyExchange";
    case SSL3_MT_CERTIFICATE_STATUS:
      return "CertificateStatus";
    case SSL3_MT_NEXT_PROTO:
      return "NextProtocol";
    case SSL3_MT_CERTIFICATE_REQUEST:
      return "CertificateRequest";
    case SSL3_MT_CERTIFICATE_VERIFY:
      return "CertificateVerify";
    case SSL3_MT_FINISHED:
      return "Finished";
    case SSL3_MT_KEY_UPDATE:
      return "KeyUpdate";
    default:
      return "?";
  }
}

/// One call of the message callback. Lengths of handshake messages only where asked for.
inline std::string message_line(bool sent, int version, int type, const unsigned char* data,
                                size_t size, bool lengths) {
  std::string line = text("%s %04x %s", sent ? ">" : "<", version, content_name(type));
  if (type == SSL3_RT_HANDSHAKE && size > 0) line += text(" %s", message_name(data[0]));
  if (type == SSL3_RT_ALERT && size == 2) {
    line += text(" %s %s", SSL_alert_type_string_long(data[0] << 8),
                 SSL_alert_desc_string_long(data[1]));
  }
  if (type == SSL3_RT_INNER_CONTENT_TYPE && size == 1) line += text(" %s", content_name(data[0]));
  if (type == SSL3_RT_HEADER && size == 5)
    line += text(" %s %02x%02x", content_name(data[0]), data[1], data[2]);
  if (type == SSL3_RT_HEADER && size == DTLS1_RT_HEADER_LENGTH) {
    line += text(" %s %02x%02x %d:%d", content_name(data[0]), data[1], data[2],
                 data[3] << 8 | data[4], data[9] << 8 | data[10]);
  }
  if (type == SSL3_RT_HANDSHAKE && version >> 8 == DTLS1_VERSION_MAJOR && size >= 12) {
    line += text(" seq %d", data[4] << 8 | data[5]);
  }
  if (lengths) {
    line += type == SSL3_RT_HEADER ? text(" %d", data[size - 2] << 8 | data[size - 1])
                                   : text(" %zu", size);
  }
  return line;
}

/// Collects what the callbacks say about one connection, or all of one context.
struct Log {
  Lines lines;
  bool lengths = false;

  void watch_messages(SSL* ssl) {
    SSL_set_msg_callback_arg(ssl, this);
    SSL_set_msg_callback(ssl, [](int sent, int version, int type, const void* data, size_t size,
                                 SSL*, void* log) {
      auto* self = static_cast<Log*>(log);
      self->lines.push_back(message_line(
          sent != 0, version, type, static_cast<const unsigned char*>(data), size, self->lengths));
    });
  }

  void watch_info(SSL* ssl) {
    SSL_set_ex_data(ssl, index(), this);
    SSL_set_info_callback(ssl, [](const SSL* about, int where, int value) {
      auto* self = static_cast<Log*>(SSL_get_ex_data(about, index()));
      self->lines.push_back(info_line(about, where, value));
    });
  }

  static std::string info_line(const SSL* ssl, int where, int value) {
    std::string line;
    if (where & SSL_CB_HANDSHAKE_START) line += "handshake start";
    if (where & SSL_CB_HANDSHAKE_DONE) line += "handshake done";
    if (where & SSL_CB_LOOP) line += "loop";
    if (where & SSL_CB_EXIT) line += "exit";
    if (where & SSL_CB_ALERT) line += "alert";
    if (where & SSL_CB_READ) line += " read";
    if (where & SSL_CB_WRITE) line += " write";
    line += text(" (%#x) value %d, %s", static_cast<unsigned>(where), value,
                 SSL_state_string_long(ssl));
    if (where & SSL_CB_ALERT) {
      line += text(", %s %s", SSL_alert_type_string_long(value), SSL_alert_desc_string_long(value));
    }
    return line;
  }

  static int index() {
    static int value = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return value;
  }
};

/// Alerts that one side sent or received, as "sent fatal handshake failure".
struct Alerts {
  std::string said;

  void watch(SSL* ssl) {
    SSL_set_ex_data(ssl, index(), this);
    SSL_set_info_callback(ssl, [](const SSL* about, int where, int value) {
      if (!(where & SSL_CB_ALERT)) return;
      auto* self = static_cast<Alerts*>(SSL_get_ex_data(about, index()));
      if (!self->said.empty()) self->said += ", ";
      self->said += text("%s %s %s", where & SSL_CB_WRITE ? "sent" : "received",
                         SSL_alert_type_string_long(value), SSL_alert_desc_string_long(value));
    });
  }
  const char* text_or_none() const { return said.empty() ? "none" : said.c_str(); }

  static int index() {
    static int value = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return value;
  }
};

/// Everything that the state functions say.
inline std::string state_line(const SSL* ssl) {
  return text("state %d, %s, %s, rstate %s %s, in_init %d, in_before %d, init_finished %d",
              static_cast<int>(SSL_get_state(ssl)), SSL_state_string(ssl),
              SSL_state_string_long(ssl), SSL_rstate_string(ssl), SSL_rstate_string_long(ssl),
              SSL_in_init(ssl), SSL_in_before(ssl), SSL_is_init_finished(ssl));
}

/// A handshake, and what the info callbacks of both sides hear of it.
inline void tell_infos(Peers& peers) {
  Log client, server;
  client.watch_info(peers.client.get());
  server.watch_info(peers.server.get());
  Result result = handshake(peers);
  print("client", client.lines);
  print("server", server.lines);
  out("%s", result.said().c_str());
  SSL_set_info_callback(peers.client.get(), nullptr);
  SSL_set_info_callback(peers.server.get(), nullptr);
}

/// The same of the message callbacks, with what comes after the handshake.
inline void tell_messages(Peers& peers, const std::function<void(Peers&)>& after = nullptr) {
  Log client, server;
  client.watch_messages(peers.client.get());
  server.watch_messages(peers.server.get());
  Result result = handshake(peers);
  if (after) after(peers);
  print("client", client.lines);
  print("server", server.lines);
  out("%s", result.said().c_str());
  SSL_set_msg_callback(peers.client.get(), nullptr);
  SSL_set_msg_callback(peers.server.get(), nullptr);
}

}  // namespace twin
