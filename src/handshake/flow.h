// Coroutines for handshake flows: the only user of <coroutine>.
//
// A flow is a free function `Flow name(Handshake& hs, …)`. It runs until it must wait; then the
// driver takes over and later resumes the innermost waiting frame. Forms that g++ 12 miscompiles
// are refused by test/lint: await only as CHECK(co_await …) or as a statement.
#pragma once

#include <coroutine>

#include "handshake/arena.h"
#include "wire/verdict.h"

namespace handfast {

struct Handshake;

// What a flow waits for; driver/driver.cc resolves each of them.
enum class Want : uint8_t {
  nothing,
  message,             // a whole handshake message in the inbox
  change_cipher_spec,  // TLS <= 1.2: the record of that type
  either,              // a record of that type, or handshake bytes in the inbox
  restart,             // the caller has been told of the restart (gated_restart.h)
  warning,             // a warning alert has been sent
  flush,               // everything written has left through the BIO
  flush_ticket,        // the same; that the peer has gone meanwhile is no failure
  early_data,          // the application is at work meanwhile, most often with early data
  x509_lookup,         // certificate callback said: later
  client_hello,        // client-hello callback said: later
  retry_verify,        // verification said: later
};

// The coroutine side of Handshake, a base of it so that this header needs no more.
struct FlowState {
  Arena arena;
  std::coroutine_handle<> innermost;
  Want want = Want::nothing;
};

FlowState& flow_state(Handshake& hs);

class [[nodiscard]] Flow {
 public:
  struct promise_type {
    template <typename... Args>
    explicit promise_type(Handshake& hs, Args&...) : state(flow_state(hs)) {}
    template <typename... Args>
    static void* operator new(size_t size, Handshake& hs, Args&...) noexcept {
      return flow_state(hs).arena.push(size);
    }
    static void operator delete(void* frame, size_t) { Arena::pop(frame); }
    static Flow get_return_object_on_allocation_failure() { return Flow(nullptr); }
    Flow get_return_object() {
      return Flow(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> frame) noexcept {
        frame.promise().state.innermost = frame.promise().parent;
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_value(const Verdict& verdict) { result = verdict; }
    void unhandled_exception() {}

    FlowState& state;
    std::coroutine_handle<> parent;
    Verdict result;
  };

  explicit Flow(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  Flow(Flow&& other) noexcept : frame_(other.frame_) { other.frame_ = nullptr; }
  Flow& operator=(Flow&& other) noexcept {
    std::coroutine_handle<promise_type> taken = other.frame_;
    other.frame_ = nullptr;
    if (frame_ != nullptr) frame_.destroy();
    frame_ = taken;
    return *this;
  }
  ~Flow() {
    if (frame_ != nullptr) frame_.destroy();
  }

  // Awaiting a flow starts it at once; most flows end without ever suspending their parent.
  bool await_ready() {
    if (frame_ == nullptr) return true;
    frame_.resume();
    return frame_.done();
  }
  void await_suspend(std::coroutine_handle<> parent) { frame_.promise().parent = parent; }
  Verdict await_resume() { return result(); }

  // For the driver, which starts the outermost flow.
  [[nodiscard]] bool done() const { return frame_ == nullptr || frame_.done(); }
  void start() {
    if (frame_ != nullptr) frame_.resume();
  }
  // Lets go of a frame that runs on a stack which will not come back. Its locals are not destroyed.
  void abandon() { frame_ = nullptr; }
  [[nodiscard]] Verdict result() const {
    return frame_ == nullptr ? malloc_failure() : frame_.promise().result;
  }

 private:
  std::coroutine_handle<promise_type> frame_;
};

// co_await pause(hs, Want::…): back to the driver, and on when the want is resolved.
struct Pause {
  FlowState& state;
  Want want;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> frame) const {
    state.innermost = frame;
    state.want = want;
  }
  void await_resume() const {}
};
inline Pause pause(Handshake& hs, Want want) {
  return Pause{flow_state(hs), want};
}

// Inside flows: leaves the flow with the verdict when `expression` failed.
#define CHECK(expression)                                   \
  do {                                                      \
    ::handfast::Verdict handfast_verdict = (expression);    \
    if (!handfast_verdict.ok()) co_return handfast_verdict; \
  } while (0)

}  // namespace handfast
