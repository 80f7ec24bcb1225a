// Records, or their contents, that came before their time. Who sends them may be anybody, and must
// not make us keep many.
#pragma once

#include <cstdint>
#include <span>

#include "wire/array.h"
#include "wire/bytes.h"

namespace handfast {

class WaitingRecords {
 public:
  // A copy waits; what there is no room for is dropped. False: memory.
  [[nodiscard]] bool add(View record) {
    if (records_.size() == kMaxRecords || bytes_ + record.size() > kMaxBytes) return true;
    Bytes copy;
    if (!copy.assign(record) || !records_.push_back(std::move(copy))) return false;
    bytes_ += record.size();
    return true;
  }
  [[nodiscard]] bool empty() const { return records_.empty(); }
  [[nodiscard]] size_t size() const { return records_.size(); }
  [[nodiscard]] size_t bytes() const { return bytes_; }
  [[nodiscard]] View first() const { return records_[0].view(); }
  // The first of them, which is here until the next one is taken.
  [[nodiscard]] std::span<uint8_t> take() {
    taken_ = std::move(records_[0]);
    records_.erase(0);
    bytes_ -= taken_.size();
    return taken_.span();
  }

 private:
  static constexpr size_t kMaxRecords = 100;  // as OpenSSL
  static constexpr size_t kMaxBytes = 65536;
  Array<Bytes> records_;
  Bytes taken_;
  size_t bytes_ = 0;
};

}  // namespace handfast
