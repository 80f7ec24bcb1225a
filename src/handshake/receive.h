// How flows wait for a handshake message.
#pragma once

#include "handshake/handshake.h"

namespace handfast {

enum class Arrival : uint8_t { complete, incomplete };

// Looks whether the next message is complete in the inbox. At the arrival of its header its type
// and length are held against hs.expected and the state moves on. A failure ends up in
// hs.receive_verdict and counts as complete.
Arrival next_message(Handshake& hs);

// CHECK(co_await receive(hs, kExpected)): hs.message is the next message, one of `expected`. It is
// not in the transcript yet.
struct Receive {
  Handshake& hs;
  std::span<const Expect> expected;
  bool await_ready() const;
  void await_suspend(std::coroutine_handle<> frame) const {
    hs.innermost = frame;
    hs.want = Want::message;
  }
  Verdict await_resume() const { return hs.receive_verdict; }
};
inline Receive receive(Handshake& hs, std::span<const Expect> expected) {
  return Receive{hs, expected};
}

// co_await receive_change_cipher_spec(hs, state): TLS <= 1.2, the next record is the peer's
// change_cipher_spec (RFC 5246 7.1); its arrival leads to `state`.
struct ReceiveChangeCipherSpec {
  Handshake& hs;
  OSSL_HANDSHAKE_STATE state;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> frame) const {
    hs.innermost = frame;
    hs.change_state = state;
    hs.want = Want::change_cipher_spec;
  }
  void await_resume() const {}
};
inline ReceiveChangeCipherSpec receive_change_cipher_spec(Handshake& hs,
                                                          OSSL_HANDSHAKE_STATE state) {
  return ReceiveChangeCipherSpec{hs, state};
}

// co_await receive_either(hs, state): as receive_change_cipher_spec, unless a handshake message
// begins; hs.changed tells.
struct ReceiveEither {
  Handshake& hs;
  OSSL_HANDSHAKE_STATE state;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> frame) const {
    hs.innermost = frame;
    hs.change_state = state;
    hs.want = Want::either;
  }
  void await_resume() const {}
};
inline ReceiveEither receive_either(Handshake& hs, OSSL_HANDSHAKE_STATE state) {
  return ReceiveEither{hs, state};
}

// Length of the header in front of a message's body.
[[nodiscard]] size_t header_length(const Handshake& hs);
// The message just received becomes part of the transcript.
[[nodiscard]] Verdict absorb(Handshake& hs);
// RFC 8446 5.1: handshake messages must not span a change of keys. Nor may there be any behind the
// last one of a handshake, except for a HelloRequest that is ignored.
[[nodiscard]] Verdict at_record_boundary(const Handshake& hs);

}  // namespace handfast
