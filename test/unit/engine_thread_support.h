// Threads that do the same at the same time.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "support/peers.h"

constexpr int kThreads = 8;
constexpr int kRounds = 12;

// Sessions that threads have got and may offer.
inline std::mutex seen_guard;
inline std::vector<twin::Owned<SSL_SESSION>> seen;

inline int keep_session(SSL*, SSL_SESSION* session) {
  std::lock_guard<std::mutex> held(seen_guard);
  seen.emplace_back(session);
  return 1;
}

inline twin::Owned<SSL_SESSION> any_session(size_t number) {
  std::lock_guard<std::mutex> held(seen_guard);
  if (seen.empty()) return nullptr;
  SSL_SESSION* session = seen[number % seen.size()].get();
  SSL_SESSION_up_ref(session);
  return twin::Owned<SSL_SESSION>(session);
}

// Runs `work(thread, round)` in all threads at once; how many of the calls said false.
template <class Work>
int in_threads(Work work) {
  std::atomic<int> failures{0}, ready{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (++ready; ready < kThreads;) std::this_thread::yield();
      for (int round = 0; round < kRounds; ++round) failures += work(thread, round) ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return failures;
}
