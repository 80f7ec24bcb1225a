// SSL_MODE_ASYNC: a call of the API on a fibre of libcrypto's, which may be paused there.
#pragma once

#include <openssl/async.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "wire/crypto_types.h"

namespace handfast {

// What the application asks for, in a form that can wait.
struct Call {
  enum class Kind : uint8_t { handshake, read, peek, write, shutdown };
  Kind kind = Kind::handshake;
  const void* buffer = nullptr;  // of the caller; written to by read and peek
  size_t length = 0;
};

using WaitContext = std::unique_ptr<ASYNC_WAIT_CTX, FreeWith<ASYNC_WAIT_CTX_free>>;

struct Job {
  WaitContext wait;             // of all jobs of a connection; made for the first
  ASYNC_JOB* paused = nullptr;  // libcrypto's; until it ends, so also while it runs again
  bool running = false;         // it is on the stack
  uint8_t entered = 0;          // while it waits: how many of the connection's are on its stack
  Call::Kind kind = Call::Kind::handshake;
  size_t done = 0;  // bytes that it has read or written

  [[nodiscard]] bool waits() const { return paused != nullptr && !running; }
};

}  // namespace handfast
