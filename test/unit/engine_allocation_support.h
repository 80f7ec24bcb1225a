// Every allocation of a conversation fails once, in a program of its own.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "support/peers.h"

namespace allocation_test {

// libcrypto takes replacements before its first allocation only, so the sweep runs in a program of
// its own: this one, started again with an environment variable.
constexpr const char* kVariable = "HANDFAST_FAIL_ALLOCATIONS";

inline bool armed = false;
inline size_t calls = 0;
inline size_t fail_at = 0;
inline size_t live_blocks = 0;

inline bool fails() {
  return armed && ++calls == fail_at;
}

inline void* take(size_t size, const char*, int) {
  if (fails()) return nullptr;
  void* memory = std::malloc(size);
  live_blocks += memory != nullptr;
  return memory;
}

inline void* grow(void* old, size_t size, const char* file, int line) {
  if (old == nullptr) return take(size, file, line);
  return fails() ? nullptr : std::realloc(old, size);
}

inline void give(void* memory, const char*, int) {
  live_blocks -= memory != nullptr;
  std::free(memory);
}

[[noreturn]] inline void stop(const std::string& why) {
  std::fprintf(stderr, "allocation %zu: %s\n", fail_at, why.c_str());
  std::_Exit(1);
}

// A call of the SSL, as the loop of an application sees it.
enum class Call { done, again, failed };

inline Call classify(SSL* ssl, int result) {
  if (result > 0) return Call::done;
  int error = SSL_get_error(ssl, result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return Call::again;
  if (error == SSL_ERROR_ZERO_RETURN) return Call::done;
  if (error == SSL_ERROR_SSL && ERR_peek_error() == 0) stop("a failure without an entry");
  return Call::failed;
}

// Both sides in turn until both are done, one failed, or nothing moves. True: both are done.
template <class Step>
bool both(twin::Peers& peers, Step step) {
  bool done[2] = {false, false};
  for (int round = 0; round < 20 && !(done[0] && done[1]); ++round) {
    SSL* sides[2] = {peers.client.get(), peers.server.get()};
    for (int side = 0; side < 2; ++side) {
      if (done[side]) continue;
      ERR_clear_error();
      Call call = classify(sides[side], step(sides[side]));
      if (call == Call::failed) return false;
      done[side] = call == Call::done;
    }
  }
  return done[0] && done[1];
}

// A handshake that the client starts.
inline bool renegotiate(twin::Peers& peers) {
  if (SSL_renegotiate(peers.client.get()) != 1) return false;
  bool client_done = false;
  return both(peers, [&](SSL* ssl) {
    char byte = 0;
    if (SSL_is_server(ssl) == 0) {
      int result = SSL_do_handshake(ssl);
      client_done = result == 1;
      return result;
    }
    // The server's part is in its reads, which meet no data.
    int result = SSL_peek(ssl, &byte, 1);
    return client_done && SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ ? 1 : result;
  });
}

// Fails each allocation of `converse` in turn. It says whether all went well; `reset` makes
// everything as before it. There must be `least` allocations.
inline void fail_each(const std::function<bool()>& converse, const std::function<void()>& reset,
                      size_t least) {
  size_t before = live_blocks;
  for (fail_at = 1;; ++fail_at) {
    calls = 0;
    armed = true;
    bool good = converse();
    armed = false;
    bool reached = calls >= fail_at;
    if (!good && !reached) stop("failed without a reason: " + twin::errors());
    ERR_clear_error();
    reset();
    if (!reached) break;
  }
  std::fprintf(stderr, "%zu allocations\n", fail_at - 1);
  if (fail_at < least) stop("the allocator was not ours");
  // libcrypto keeps some blocks of its own, a few more or less each time; a leak of ours would
  // leave at least one block for many of the thousands of failures.
  if (live_blocks > before + 40) {
    stop("blocks before " + std::to_string(before) + ", after " + std::to_string(live_blocks));
  }
}

// Runs before main(), when this is the second start.
inline const bool kReplaced = [] {
  if (std::getenv(kVariable) == nullptr) return false;
  if (CRYPTO_set_mem_functions(take, grow, give) != 1) stop("CRYPTO_set_mem_functions");
  return true;
}();

inline int run_again() {
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string argument =
      std::string("--gtest_filter=") + test->test_suite_name() + "." + test->name();
  pid_t child = fork();
  if (child == 0) {
    setenv(kVariable, "1", 1);
    // The one test is not to be shared out.
    unsetenv("GTEST_TOTAL_SHARDS");
    unsetenv("GTEST_SHARD_INDEX");
    execl("/proc/self/exe", "unit_tests", argument.c_str(), nullptr);
    std::_Exit(127);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace allocation_test
