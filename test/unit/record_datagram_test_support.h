// The two ends of a protected direction over datagrams, and records built by hand.
#pragma once

#include "record/epochs.h"
#include "record12_test_support.h"
#include "wire/version.h"

namespace handfast::crypto_test {

constexpr uint16_t kDtls12 = DTLS1_2_VERSION;

inline Octets datagram_record(uint8_t type, uint16_t epoch, uint64_t sequence, View body,
                              uint16_t version = kDtls12) {
  Octets out = {type, static_cast<uint8_t>(version >> 8), static_cast<uint8_t>(version),
                static_cast<uint8_t>(epoch >> 8), static_cast<uint8_t>(epoch)};
  for (int shift = 40; shift >= 0; shift -= 8)
    out.push_back(static_cast<uint8_t>(sequence >> shift));
  out.push_back(static_cast<uint8_t>(body.size() >> 8));
  out.push_back(static_cast<uint8_t>(body.size()));
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

inline uint16_t epoch_of(View record) {
  return static_cast<uint16_t>(record[3] << 8 | record[4]);
}

inline uint64_t sequence_of(View record) {
  uint64_t sequence = 0;
  for (uint8_t byte : record.subspan(5, 6)) sequence = sequence << 8 | byte;
  return sequence;
}

// The ways of DTLS, which has no equal of TLS 1.0.
inline std::vector<Way> datagram_ways() {
  std::vector<Way> ways = all_ways();
  std::erase_if(ways, [](const Way& way) { return way.version == TLS1_VERSION; });
  return ways;
}

inline const Way& gcm_way() {
  static const Way way{find_cipher_suite(0xc02b), TLS1_2_VERSION, false};
  return way;
}

// A reader and a writer that have begun in epoch 0, in the clear.
struct DatagramEnds {
  DatagramEnds() {
    reader.use_datagrams(&read);
    writer.use_datagrams(&write);
    writer.set_record_version(kDtls12);
  }
  // Epoch 1, with the keys of `way`.
  explicit DatagramEnds(const Way& way) : DatagramEnds() {
    change_reader(way);
    change_writer(way);
  }
  DatagramEnds(const DatagramEnds&) = delete;
  DatagramEnds& operator=(const DatagramEnds&) = delete;

  void change_reader(const Way& way, uint8_t seed = 1) {
    Material material(way, seed);
    reader.set_version(way.version);
    EXPECT_TRUE(reader
                    .change_keys(all_algorithms(), *way.suite, way.version, material.keys,
                                 way.encrypt_then_mac)
                    .ok());
  }
  void change_writer(const Way& way, uint8_t seed = 1) {
    Material material(way, seed);
    writer.set_record_version(wire_version(true, way.version));
    EXPECT_TRUE(writer
                    .change_keys(all_algorithms(), *way.suite, way.version, material.keys,
                                 way.encrypt_then_mac)
                    .ok());
  }
  Octets seal(uint8_t type, View content) {
    Bytes out;
    EXPECT_TRUE(writer.seal(static_cast<ContentType>(type), content, out).ok());
    EXPECT_EQ(out.size(), writer.sealed_length(content.size()));
    return octets(out.view());
  }
  // A record of this number; the writer's own count stays.
  Octets seal_as(uint64_t sequence, View content) {
    uint64_t next = std::exchange(write.sequence, sequence);
    Octets out = seal(kData, content);
    write.sequence = next;
    return out;
  }

  ReadEpoch read;
  WriteEpoch write;
  RecordReader reader;
  RecordWriter writer;
};

}  // namespace handfast::crypto_test
