// Records of DTLS taken apart, made and numbered by hand, for epoch 0, where nothing protects them.
#pragma once

#include "datagrams.h"

namespace twin {

inline std::string big_endian(size_t value, size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = size; i > 0; --i, value >>= 8) bytes[i - 1] = static_cast<char>(value);
  return bytes;
}

inline std::string record(int type, size_t version, size_t epoch, size_t sequence,
                          const std::string& body) {
  return static_cast<char>(type) + big_endian(version, 2) + big_endian(epoch, 2) +
         big_endian(sequence, 6) + big_endian(body.size(), 2) + body;
}

/// The body of a record with the fragment of `length` bytes at `offset` of a message.
inline std::string fragment(int type, size_t sequence, const std::string& message, size_t offset,
                            size_t length) {
  return static_cast<char>(type) + big_endian(message.size(), 3) + big_endian(sequence, 2) +
         big_endian(offset, 3) + big_endian(length, 3) + message.substr(offset, length);
}

inline size_t epoch_of(const std::string& record) {
  return number(record, 3, 2);
}

/// A handshake message, whole, and the record that brought its first fragment.
struct Message {
  int type;
  size_t version, sequence;
  std::string body;
};

/// The messages of epoch 0 in these datagrams; change_cipher_spec and later epochs go to `rest`.
inline std::vector<Message> messages_of(const Datagrams& flight, Datagrams& rest) {
  std::vector<Message> messages;
  for (const std::string& datagram : flight) {
    for (const std::string& one : records_of(datagram)) {
      if (epoch_of(one) != 0 || one[0] != SSL3_RT_HANDSHAKE) {
        rest.push_back(one);
        continue;
      }
      size_t sequence = number(one, 17, 2);
      if (messages.empty() || messages.back().sequence != sequence) {
        messages.push_back({one[13], number(one, 1, 2), sequence, {}});
      }
      messages.back().body += one.substr(25);
    }
  }
  return messages;
}

/// Changes the body of the extension `type` of a ClientHello or ServerHello that fills the first
/// record of a datagram.
inline void change_hello(std::string& datagram, size_t type,
                         const std::function<void(std::string& body)>& change) {
  size_t at = 25 + 2 + 32;
  at += 1 + number(datagram, at, 1);
  if (datagram[13] == SSL3_MT_CLIENT_HELLO) {
    at += 1 + number(datagram, at, 1);
    at += 2 + number(datagram, at, 2);
    at += 1 + number(datagram, at, 1);
  } else {
    at += 2 + 1;
  }
  size_t list = at, end = 13 + number(datagram, 11, 2);
  for (at += 2; at < end; at += 4 + number(datagram, at + 2, 2)) {
    if (number(datagram, at, 2) != type) continue;
    size_t length = number(datagram, at + 2, 2);
    std::string body = datagram.substr(at + 4, length);
    change(body);
    auto more = static_cast<ptrdiff_t>(body.size()) - static_cast<ptrdiff_t>(length);
    datagram.replace(at + 4, length, body);
    add_to(datagram, at + 2, 2, more);
    add_to(datagram, list, 2, more);
    add_to(datagram, 22, 3, more);
    add_to(datagram, 14, 3, more);
    add_to(datagram, 11, 2, more);
    return;
  }
  out("  no extension %zu", type);
}

/// Gives the records of epoch 0 numbers without gaps, in the order of their arrival.
struct Numbering {
  size_t next = 0;

  void renumber(std::deque<std::string>& datagrams) {
    for (std::string& datagram : datagrams) {
      std::string renumbered;
      for (std::string& one : records_of(datagram)) {
        if (one.size() >= 13 && epoch_of(one) == 0) one.replace(5, 6, big_endian(next++, 6));
        renumbered += one;
      }
      datagram = renumbered;
    }
  }
};

}  // namespace twin
