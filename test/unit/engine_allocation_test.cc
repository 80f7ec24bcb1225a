// Every allocation of a whole conversation fails once: each failure is an error return with an
// entry in the queue, and nothing leaks or crashes.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "support/peers.h"

namespace {

// libcrypto takes replacements before its first allocation only, so the sweep runs in a program of
// its own: this one, started again with an environment variable.
constexpr const char* kVariable = "HANDFAST_FAIL_ALLOCATIONS";
constexpr size_t kLeastAllocations = 200;

bool armed = false;
size_t calls = 0;
size_t fail_at = 0;
size_t live_blocks = 0;

bool fails() {
  return armed && ++calls == fail_at;
}

void* take(size_t size, const char*, int) {
  if (fails()) return nullptr;
  void* memory = std::malloc(size);
  live_blocks += memory != nullptr;
  return memory;
}

void* grow(void* old, size_t size, const char* file, int line) {
  if (old == nullptr) return take(size, file, line);
  return fails() ? nullptr : std::realloc(old, size);
}

void give(void* memory, const char*, int) {
  live_blocks -= memory != nullptr;
  std::free(memory);
}

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "allocation %zu: %s\n", fail_at, why.c_str());
  std::_Exit(1);
}

// A call of the SSL, as the loop of an application sees it.
enum class Call { done, again, failed };

Call classify(SSL* ssl, int result) {
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

// A handshake with a client's certificate, data, a KeyUpdate and a shutdown; false: some call
// failed.
bool converse(twin::Peers& peers) {
  char buffer[100];
  ERR_clear_error();
  peers.client.reset(SSL_new(peers.client_context.get()));
  peers.server.reset(SSL_new(peers.server_context.get()));
  if (!peers.client || !peers.server) {
    if (ERR_peek_error() == 0) stop("SSL_new without an entry");
    return false;
  }
  BIO* up = BIO_new(BIO_s_mem());
  BIO* down = BIO_new(BIO_s_mem());
  if (up == nullptr || down == nullptr) {
    BIO_free(up);
    BIO_free(down);
    return false;
  }
  SSL_set_connect_state(peers.client.get());
  SSL_set_accept_state(peers.server.get());
  BIO_up_ref(up);
  BIO_up_ref(down);
  SSL_set_bio(peers.client.get(), down, up);
  SSL_set_bio(peers.server.get(), up, down);
  if (SSL_set_tlsext_host_name(peers.client.get(), "localhost") != 1) return false;
  return both(peers, [](SSL* ssl) { return SSL_do_handshake(ssl); }) &&
         both(peers, [](SSL* ssl) { return SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED); }) &&
         both(peers, [](SSL* ssl) { return SSL_write(ssl, "hello", 5); }) &&
         both(peers, [&](SSL* ssl) { return SSL_read(ssl, buffer, sizeof buffer); }) &&
         both(peers, [](SSL* ssl) { return SSL_shutdown(ssl) >= 0 ? 1 : -1; });
}

twin::Peers prepare(bool retry) {
  return twin::make_peers(
      {.client_context = [](SSL_CTX* context) { twin::use_certificate(context, "client-ed25519"); },
       .server_context =
           [retry](SSL_CTX* context) {
             SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
             if (retry) SSL_CTX_set1_groups_list(context, "P-256");
           }});
}

void sweep(bool retry) {
  twin::Peers peers = prepare(retry);
  // Twice: what libcrypto makes once for all is there afterwards.
  if (!converse(peers) || !converse(peers)) stop("not even without failures: " + twin::errors());
  size_t before = live_blocks;
  for (fail_at = 1;; ++fail_at) {
    calls = 0;
    armed = true;
    bool good = converse(peers);
    armed = false;
    peers.client.reset();
    peers.server.reset();
    bool reached = calls >= fail_at;
    if (!good && !reached) stop("failed without a reason: " + twin::errors());
    ERR_clear_error();
    if (!reached) break;
  }
  std::fprintf(stderr, "%zu allocations\n", fail_at - 1);
  if (fail_at < kLeastAllocations) stop("the allocator was not ours");
  // libcrypto keeps some blocks of its own, a few more or less each time; a leak of ours would
  // leave at least one block for many of the thousands of failures.
  if (live_blocks > before + 40) {
    stop("blocks before " + std::to_string(before) + ", after " + std::to_string(live_blocks));
  }
}

// Runs before main(), when this is the second start.
const bool kReplaced = [] {
  if (std::getenv(kVariable) == nullptr) return false;
  if (CRYPTO_set_mem_functions(take, grow, give) != 1) stop("CRYPTO_set_mem_functions");
  return true;
}();

int run_again(const char* what, const char* filter) {
  pid_t child = fork();
  if (child == 0) {
    setenv(kVariable, what, 1);
    std::string argument = std::string("--gtest_filter=") + filter;
    execl("/proc/self/exe", "unit_tests", argument.c_str(), nullptr);
    std::_Exit(127);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

TEST(EngineAllocation, EveryFailureOfAConversation) {
  if (kReplaced) return sweep(false);
  EXPECT_EQ(run_again("1", "EngineAllocation.EveryFailureOfAConversation"), 0);
}

TEST(EngineAllocation, EveryFailureWithARetry) {
  if (kReplaced) return sweep(true);
  EXPECT_EQ(run_again("1", "EngineAllocation.EveryFailureWithARetry"), 0);
}
