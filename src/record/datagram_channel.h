// What a channel over datagrams has besides records: datagrams to fill, and a flight that may have
// to go out again (RFC 6347 section 4.2.4).
#pragma once

#include <openssl/ssl.h>
#include <sys/time.h>

#include <cstdint>

#include "record/epochs.h"
#include "record/protection.h"
#include "wire/array.h"
#include "wire/bytes.h"

namespace handfast {

// A handshake message with the header of DTLS, as if it were one fragment; or a change_cipher_spec.
struct SentMessage {
  ContentType type;
  uint16_t epoch;  // of its records
  Bytes bytes;
};

// Our last flight.
struct Flight {
  Array<SentMessage> messages;
  bool whole = false;  // it has gone out: the next message begins another
};

// RFC 6347 4.2.4.1. Times are gettimeofday(2)'s, which BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT counts in.
struct RetransmissionTimer {
  static constexpr unsigned kInitialMicroseconds = 1000000;
  timeval due{};  // zero: off
  unsigned duration = kInitialMicroseconds;
  unsigned expired = 0;              // times in a row
  bool told = true;                  // the BIO knows `due`
  DTLS_timer_cb callback = nullptr;  // DTLS_set_timer_cb(3)
  [[nodiscard]] bool on() const { return due.tv_sec != 0 || due.tv_usec != 0; }
  void stop() {
    due = {};
    duration = kInitialMicroseconds;
    expired = 0;
    told = false;
  }
};

struct DatagramChannel {
  ReadEpoch read;
  WriteEpoch write;

  // Longest datagram in bytes; 0: to be asked of the BIO.
  size_t mtu = 0;
  size_t link_mtu = 0;  // DTLS_set_link_mtu(3), from which mtu has still to be made
  // Where the datagrams of the channel's output end; bytes behind the last are one that has room.
  Array<size_t> ends;
  size_t sent = 0;  // datagrams of these that have left

  Flight flight;
  RetransmissionTimer timer;
  // message_seq (RFC 6347 4.2.2) of the next message in each direction.
  uint16_t next_send = 0, next_receive = 0;
  // Server, RFC 6347 4.2.1: a HelloVerifyRequest has gone out and its answer is awaited; the client
  // has shown a cookie of ours.
  bool cookie_requested = false;
  bool cookie_verified = false;
  // The server's. A client sends it in the hello of a renegotiation too: OpenSSL's servers demand
  // it.
  Bytes cookie;

  // Data that came between the peer's change_cipher_spec and its Finished.
  WaitingRecords early_data;
  Bytes held;  // the rest of a record that others must not overwrite

  // What the application has set, which outlives a handshake, is as in `other`.
  void keep_settings(const DatagramChannel& other) {
    mtu = other.mtu;
    link_mtu = other.link_mtu;
    timer.callback = other.timer.callback;
  }
  // The peer has our last flight.
  void forget_flight() {
    timer.stop();
    flight.messages.clear();
    flight.whole = false;
    write.before = Protection();
  }
};

}  // namespace handfast
