// Records built by hand and the two ends of a protected direction.
#pragma once

#include <initializer_list>

#include "crypto_test_support.h"
#include "record/record_reader.h"
#include "record/record_writer.h"

namespace handfast::crypto_test {

constexpr uint8_t kCcs = 20;
constexpr uint8_t kAlert = 21;
constexpr uint8_t kHandshake = 22;
constexpr uint8_t kData = 23;

inline Octets record(uint8_t type, View body, uint16_t version = 0x0303) {
  Octets out = {type, static_cast<uint8_t>(version >> 8), static_cast<uint8_t>(version),
                static_cast<uint8_t>(body.size() >> 8), static_cast<uint8_t>(body.size())};
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

// A header that announces `length` bytes.
inline Octets header(uint8_t type, size_t length, uint16_t version = 0x0303) {
  Octets out = record(type, {}, version);
  out[3] = static_cast<uint8_t>(length >> 8);
  out[4] = static_cast<uint8_t>(length);
  return out;
}

inline TrafficSecret secret_for(const CipherSuite& suite, uint8_t seed = 1) {
  return traffic_secret(suite.hash, pattern(suite.hash == HashId::sha384 ? 48 : 32, seed));
}

// Seals exactly `inner`, a TLSInnerPlaintext as it stands, whatever it is.
class RawSealer {
 public:
  explicit RawSealer(const CipherSuite& suite) : suite_(suite) {
    EXPECT_TRUE(protection_.install(default_algorithms(), suite, secret_for(suite), true).ok());
  }
  Octets seal(View inner, uint8_t outer_type = kData, uint16_t version = 0x0303) {
    Octets out = header(outer_type, inner.size() + suite_.tag_length, version);
    out.resize(5 + inner.size() + suite_.tag_length);
    // Protection always puts the last byte as the type.
    EXPECT_FALSE(inner.empty());
    EXPECT_TRUE(protection_
                    .seal(View(out).first(5), inner.first(inner.size() - 1),
                          static_cast<ContentType>(inner.back()), 0, out.data() + 5)
                    .ok());
    return out;
  }

 private:
  const CipherSuite& suite_;
  Protection protection_;
};

inline Opened open_all(RecordReader& reader, Octets& input) {
  return reader.open(input);
}

// A whole record is refused with this alert and reason.
inline void expect_refused(RecordReader& reader, Octets input, Alert alert, int reason) {
  Opened opened = reader.open(input);
  ASSERT_EQ(opened.kind, Opened::Kind::failed);
  expect_failed(opened.verdict, alert, reason);
  ERR_clear_error();
}

inline void expect_record(RecordReader& reader, Octets input, uint8_t type, View content) {
  Opened opened = reader.open(input);
  ASSERT_EQ(opened.kind, Opened::Kind::record) << "reason " << opened.verdict.reason;
  EXPECT_EQ(static_cast<int>(opened.type), type);
  EXPECT_EQ(to_hex(opened.content), to_hex(content));
  EXPECT_EQ(opened.consumed, input.size());
}

inline void expect_skip(RecordReader& reader, Octets input) {
  Opened opened = reader.open(input);
  ASSERT_EQ(opened.kind, Opened::Kind::skip) << "reason " << opened.verdict.reason;
  EXPECT_EQ(opened.consumed, input.size());
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace handfast::crypto_test
