// A clock that stands still until the test moves it. It takes the place of libc's for everything in
// the process but time(3): to be included by a program, not by a library.
#pragma once

#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

namespace twin {

/// Microseconds by which the clock is ahead of the program's start.
inline int64_t clock_ahead = 0;

inline void advance_clock(int64_t microseconds) {
  clock_ahead += microseconds;
}

inline void advance_clock(const timeval& by) {
  advance_clock(by.tv_sec * 1000000 + by.tv_usec);
}

/// The real clock `id` as it was when it was first asked for, and what was added since.
inline timespec standing_clock(clockid_t id) {
  static timespec begin[16] = {};
  timespec& start = begin[id & 15];
  if (start.tv_sec == 0) syscall(SYS_clock_gettime, id, &start);
  int64_t nanoseconds = start.tv_nsec + clock_ahead % 1000000 * 1000;
  timespec now = {};
  now.tv_sec = start.tv_sec + clock_ahead / 1000000 + nanoseconds / 1000000000;
  now.tv_nsec = nanoseconds % 1000000000;
  return now;
}

}  // namespace twin

extern "C" int gettimeofday(timeval* now, void* /*zone*/) noexcept {
  timespec exact = twin::standing_clock(CLOCK_REALTIME);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

extern "C" int clock_gettime(clockid_t id, timespec* now) noexcept {
  *now = twin::standing_clock(id);
  return 0;
}
