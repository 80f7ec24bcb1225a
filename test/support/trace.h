// Handshake messages put together from their parts, and what SSL_trace says about them.
#pragma once

#include "peers.h"

namespace twin {

inline std::string number(size_t value, int bytes) {
  std::string result;
  for (int i = bytes - 1; i >= 0; i--) result += static_cast<char>(value >> (8 * i));
  return result;
}

inline std::string vector8(const std::string& content) {
  return number(content.size(), 1) + content;
}
inline std::string vector16(const std::string& content) {
  return number(content.size(), 2) + content;
}
inline std::string vector24(const std::string& content) {
  return number(content.size(), 3) + content;
}

inline std::string extension(int type, const std::string& body) {
  return number(type, 2) + vector16(body);
}

inline std::string message(int type, const std::string& body) {
  return number(type, 1) + vector24(body);
}

inline std::string all_of(std::initializer_list<int> values, int bytes) {
  std::string result;
  for (int value : values) result += number(value, bytes);
  return result;
}

inline std::string certificate_der() {
  Owned<X509> certificate = read_certificate("server-ed25519");
  unsigned char* der = nullptr;
  int length = i2d_X509(certificate.get(), &der);
  std::string result(reinterpret_cast<char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return result;
}

struct Sample {
  const char* name;
  std::string bytes;
};

/// What SSL_trace writes.
inline std::string traced(SSL* ssl, bool sent, int type, const std::string& bytes) {
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  SSL_trace(sent, TLS1_3_VERSION, type, bytes.data(), bytes.size(), ssl, memory.get());
  char* data = nullptr;
  long size = BIO_get_mem_data(memory.get(), &data);
  ERR_clear_error();
  return std::string(data, static_cast<size_t>(size));
}

/// Enough to tell two texts apart.
inline unsigned fingerprint(const std::string& text) {
  unsigned value = 2166136261u;
  for (unsigned char byte : text) value = (value ^ byte) * 16777619u;
  return value;
}

/// A message that ends after `size` bytes, with the length of the whole and with its own.
inline std::string traced_beginning(SSL* ssl, const Sample& one, size_t size) {
  std::string bytes = one.bytes.substr(0, size);
  std::string text = traced(ssl, true, SSL3_RT_HANDSHAKE, bytes);
  if (size < 4) return text;
  bytes.replace(1, 3, number(size - 4, 3));
  return text + traced(ssl, true, SSL3_RT_HANDSHAKE, bytes);
}

/// The lines of a trace, with the names and lengths of random values but without these.
inline std::string without_values(BIO* memory) {
  std::string result;
  char line[4096];
  while (BIO_gets(memory, line, sizeof line) > 0) {
    if (char* random = std::strstr(line, "): ")) std::strcpy(random, "): ...\n");
    if (char* time = std::strstr(line, "gmt_unix_time=")) std::strcpy(time, "gmt_unix_time=...\n");
    result += line;
  }
  return result;
}

/// Collects what both ends see, from its making to print().
struct Traces {
  SSL* ends[2];
  Owned<BIO> seen[2];

  explicit Traces(const Peers& peers) : ends{peers.client.get(), peers.server.get()} {
    for (int i : {0, 1}) {
      seen[i].reset(BIO_new(BIO_s_mem()));
      SSL_set_msg_callback(ends[i], SSL_trace);
      SSL_set_msg_callback_arg(ends[i], seen[i].get());
    }
  }
  ~Traces() {
    for (SSL* ssl : ends) SSL_set_msg_callback(ssl, nullptr);
  }
  void print() {
    for (int i : {0, 1}) {
      out("-- %s", i == 0 ? "client" : "server");
      std::fputs(without_values(seen[i].get()).c_str(), stdout);
    }
  }
};

}  // namespace twin
