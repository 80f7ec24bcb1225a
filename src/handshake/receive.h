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

// The message just received becomes part of the transcript.
[[nodiscard]] Verdict absorb(Handshake& hs);
// RFC 8446 5.1: handshake messages must not span a change of keys.
[[nodiscard]] Verdict at_record_boundary(const Handshake& hs);

}  // namespace handfast
