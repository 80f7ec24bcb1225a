// A filter BIO that delivers in small pieces, asks for retries, fails or ends at a given byte.
#pragma once

#include <openssl/bio.h>

#include <algorithm>
#include <cstdint>

namespace twin {

/// How bytes pass in one direction.
struct Flow {
  size_t piece = SIZE_MAX;     ///< at most so many bytes in one call
  bool random_pieces = false;  ///< 1 to `piece` bytes, from a fixed seed
  bool retry_between = false;  ///< every second call asks for a retry
  int64_t fail_at = -1;        ///< after so many bytes: -1 without retry
  int64_t end_at = -1;         ///< after so many bytes: 0, end of file
  int64_t stall_at = -1;       ///< after so many bytes: retry for ever
  int64_t passed = 0;          ///< bytes that went through so far
  bool retry_next = false;
  uint32_t seed = 1;
};

struct Faults {
  Flow read, write;
  bool keep_flags = false;   ///< a retry in one direction stays said when the other is used
  bool stall_flush = false;  ///< a flush asks for a retry, for ever
};

enum class Pass { bytes, retry, fail, end };

/// Decides the fate of one call that asks for `*size` bytes; may lower `*size`.
inline Pass decide(Flow& flow, size_t* size) {
  if (flow.retry_between && (flow.retry_next = !flow.retry_next)) return Pass::retry;
  size_t limit = flow.piece;
  if (flow.random_pieces) {
    flow.seed = flow.seed * 1664525 + 1013904223;
    limit = 1 + (flow.seed >> 16) % flow.piece;
  }
  for (int64_t stop : {flow.fail_at, flow.end_at, flow.stall_at}) {
    if (stop >= 0) limit = std::min<size_t>(limit, static_cast<size_t>(stop - flow.passed));
  }
  if (limit == 0) {
    if (flow.passed == flow.fail_at) return Pass::fail;
    return flow.passed == flow.end_at ? Pass::end : Pass::retry;
  }
  *size = std::min(*size, limit);
  return Pass::bytes;
}

inline int fault_read(BIO* bio, char* data, size_t size, size_t* done) {
  Faults& faults = *static_cast<Faults*>(BIO_get_data(bio));
  Flow& flow = faults.read;
  if (!faults.keep_flags) BIO_clear_retry_flags(bio);
  *done = 0;
  switch (decide(flow, &size)) {
    case Pass::retry:
      BIO_set_retry_read(bio);
      return -1;
    case Pass::fail:
      return -1;
    case Pass::end:
      return 0;
    case Pass::bytes:
      break;
  }
  int result = BIO_read_ex(BIO_next(bio), data, size, done);
  BIO_copy_next_retry(bio);
  flow.passed += static_cast<int64_t>(*done);
  return result ? 1 : (BIO_should_retry(bio) ? -1 : 0);
}

inline int fault_write(BIO* bio, const char* data, size_t size, size_t* done) {
  Faults& faults = *static_cast<Faults*>(BIO_get_data(bio));
  Flow& flow = faults.write;
  if (!faults.keep_flags) BIO_clear_retry_flags(bio);
  *done = 0;
  switch (decide(flow, &size)) {
    case Pass::retry:
      BIO_set_retry_write(bio);
      return -1;
    case Pass::fail:
      return -1;
    case Pass::end:
      return 0;
    case Pass::bytes:
      break;
  }
  int result = BIO_write_ex(BIO_next(bio), data, size, done);
  BIO_copy_next_retry(bio);
  flow.passed += static_cast<int64_t>(*done);
  return result ? 1 : -1;
}

inline long fault_control(BIO* bio, int command, long number, void* pointer) {
  if (command == BIO_CTRL_EOF) {
    const Flow& flow = static_cast<Faults*>(BIO_get_data(bio))->read;
    return flow.end_at >= 0 && flow.passed == flow.end_at;
  }
  if (command == BIO_CTRL_FLUSH && static_cast<Faults*>(BIO_get_data(bio))->stall_flush) {
    BIO_set_retry_write(bio);
    return -1;
  }
  return BIO_next(bio) ? BIO_ctrl(BIO_next(bio), command, number, pointer) : 0;
}

inline const BIO_METHOD* fault_method() {
  static BIO_METHOD* method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_FILTER, "faults");
    BIO_meth_set_read_ex(made, fault_read);
    BIO_meth_set_write_ex(made, fault_write);
    BIO_meth_set_ctrl(made, fault_control);
    return made;
  }();
  return method;
}

/// Puts the faults in front of `next`, which it takes over. `faults` must outlive the result.
inline BIO* with_faults(BIO* next, Faults* faults) {
  BIO* bio = BIO_new(fault_method());
  BIO_set_data(bio, faults);
  BIO_set_init(bio, 1);
  return BIO_push(bio, next);
}

}  // namespace twin
