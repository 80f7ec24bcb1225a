// Threads that do the same at the same time.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

constexpr int kThreads = 8;
constexpr int kRounds = 12;

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
