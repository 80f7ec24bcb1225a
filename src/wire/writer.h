// Builds bytes to send at the end of a Bytes.
#pragma once

#include <cstdint>

#include "wire/bytes.h"

namespace handfast {

// Failure to grow is remembered: check ok() once, at the end. Only the Bytes given is touched.
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] size_t size() const { return out_.size(); }
  [[nodiscard]] Bytes& out() { return out_; }
  // Whether it failed because a vector is longer than its length can say; memory otherwise.
  [[nodiscard]] bool too_long() const { return too_long_; }

  void u8(uint8_t value) { integer<1>(value); }
  void u16(uint16_t value) { integer<2>(value); }
  void u24(uint32_t value) { integer<3>(value); }
  void u32(uint32_t value) { integer<4>(value); }
  void bytes(View value) { ok_ = ok_ && out_.append(value); }
  void vector8(View value) { vector<1>(value); }
  void vector16(View value) { vector<2>(value); }
  void vector24(View value) { vector<3>(value); }

  // Scope of a vector whose length is filled in when the scope ends; a body too long for the
  // length fails the writer.
  template <size_t kLength>
  class Prefixed {
   public:
    explicit Prefixed(Writer& writer) : writer_(writer) {
      writer_.integer<kLength>(0);
      start_ = writer_.size();
    }
    ~Prefixed() {
      if (!writer_.ok_) return;
      size_t length = writer_.size() - start_;
      if (length >> (8 * kLength) != 0) {
        writer_.fail_too_long();
        return;
      }
      writer_.put<kLength>(writer_.out_.data() + start_ - kLength, static_cast<uint32_t>(length));
    }
    Prefixed(const Prefixed&) = delete;
    Prefixed& operator=(const Prefixed&) = delete;

   private:
    Writer& writer_;
    size_t start_ = 0;
  };

 private:
  void fail_too_long() {
    ok_ = false;
    too_long_ = true;
  }
  template <size_t kLength>
  static void put(uint8_t* at, uint32_t value) {
    for (size_t i = 0; i < kLength; ++i) {
      at[i] = static_cast<uint8_t>(value >> (8 * (kLength - 1 - i)));
    }
  }
  template <size_t kLength>
  void integer(uint32_t value) {
    uint8_t buffer[kLength];
    put<kLength>(buffer, value);
    bytes({buffer, kLength});
  }
  template <size_t kLength>
  void vector(View value) {
    if (value.size() >> (8 * kLength) != 0) return fail_too_long();
    integer<kLength>(static_cast<uint32_t>(value.size()));
    bytes(value);
  }

  Bytes& out_;
  bool ok_ = true;
  bool too_long_ = false;
};

using Prefixed8 = Writer::Prefixed<1>;
using Prefixed16 = Writer::Prefixed<2>;
using Prefixed24 = Writer::Prefixed<3>;

}  // namespace handfast
