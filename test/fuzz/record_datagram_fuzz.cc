// Records of DTLS under every cipher and MAC: arbitrary datagrams, and authentic records with bytes
// changed, in any order. Nothing but what is authentic and new is opened, and nothing is an error.
#include <openssl/err.h>

#include <cstdint>
#include <set>
#include <vector>

#include "fuzz/record_suites.h"
#include "record/record_reader.h"
#include "record/record_writer.h"
#include "wire/reader.h"
#include "wire/version.h"

using namespace handfast;

namespace {

using fuzz::algorithms;
using fuzz::Octets;
using fuzz::require;

const uint8_t kKeyBytes[64] = {1, 2, 3, 4, 5, 6, 7, 8};

struct Ends {
  Ends(const CipherSuite& suite, uint16_t tls_version, bool encrypt_then_mac)
      : suite(suite), version(tls_version), encrypt_then_mac(encrypt_then_mac) {
    reader.use_datagrams(&read);
    writer.use_datagrams(&write);
    writer.set_record_version(wire_version(true, version));
    read.keeps_next = true;
    change(writer);
  }
  template <class Side>
  void change(Side& side) const {
    RecordKeyLengths lengths = record_key_lengths(algorithms(), suite, version);
    View bytes(kKeyBytes);
    RecordKeys keys{bytes.first(lengths.mac_key), bytes.first(lengths.key),
                    bytes.first(lengths.iv)};
    require(side.change_keys(algorithms(), suite, version, keys, encrypt_then_mac).ok());
  }
  void begin_epoch() {
    reader.set_version(version);
    change(reader);
  }
  const CipherSuite& suite;
  uint16_t version;
  bool encrypt_then_mac;
  ReadEpoch read;
  WriteEpoch write;
  RecordReader reader;
  RecordWriter writer;
};

// The records of a datagram; `take` sees those that were opened.
template <class Take>
void open_all(Ends& ends, View datagram, Take take) {
  // Bytes that nothing reads past: the sanitizer watches the end.
  Octets exact(datagram.begin(), datagram.end());
  std::span<uint8_t> rest(exact);
  for (;;) {
    Opened opened = ends.reader.open(rest);
    require(ERR_peek_error() == 0);
    require(opened.consumed <= rest.size());
    require(ends.read.next.size() <= 100 && ends.read.next.bytes() <= 65536);
    if (opened.kind == Opened::Kind::need) {
      require(rest.empty() && opened.need == 1);
      return;
    }
    require(rest.empty() || opened.consumed > 0);
    rest = rest.subspan(opened.consumed);
    if (opened.kind == Opened::Kind::skip) continue;
    take(opened);
    if (opened.kind == Opened::Kind::failed) return;
    require(opened.content.size() <= kMaxPlaintextLength);
  }
}

// Datagrams of any bytes: what is protected with the keys nobody can have made.
void open_any(Ends& ends, Reader input, bool keys_first) {
  if (keys_first) ends.begin_epoch();
  for (View datagram; input.vector16(datagram);) {
    open_all(ends, datagram, [&](const Opened& opened) {
      require(opened.kind == Opened::Kind::record && ends.read.epoch == 0);
    });
  }
  if (keys_first) return;
  ends.begin_epoch();
  open_all(ends, {}, [](const Opened&) { require(false); });
}

// Each record has content that nothing else has.
void seal_pieces(Ends& ends, Reader input, bool keys_first) {
  std::vector<Octets> sealed;
  std::set<Octets> opened_once;
  auto take = [&](const Opened& opened) {
    require(opened.kind == Opened::Kind::record);
    require(opened_once.emplace(opened.content.begin(), opened.content.end()).second);
  };
  if (keys_first) ends.begin_epoch();
  uint8_t what = 0;
  uint16_t value = 0;
  size_t made = 0;
  while (input.u8(what) && input.u16(value)) {
    if ((what & 3) == 0 || sealed.empty()) {
      Octets content(value % 200 + 2);
      content[0] = static_cast<uint8_t>(made >> 8);
      content[1] = static_cast<uint8_t>(made++);
      if ((what & 4) != 0) ends.write.sequence += value;
      Bytes out;
      auto type = static_cast<ContentType>(SSL3_RT_CHANGE_CIPHER_SPEC + (what >> 3) % 4);
      if (!ends.writer.seal(type, content, out).ok()) return;
      sealed.emplace_back(out.data(), out.data() + out.size());
      require(sealed.back().size() == ends.writer.sealed_length(content.size()));
      continue;
    }
    Octets record = sealed[value % sealed.size()];
    if ((what & 3) == 1) {
      size_t before = opened_once.size();
      record[(what >> 2) % record.size()] ^= static_cast<uint8_t>(value >> 8 | 1);
      open_all(ends, record, take);
      // All of it is covered; but in epoch 0 it may have become a record of that epoch.
      require(ends.read.epoch == 0 || opened_once.size() == before);
      continue;
    }
    if ((what & 4) != 0) record.insert(record.end(), sealed[0].begin(), sealed[0].end());
    open_all(ends, record, take);
    if ((what & 3) != 3 || ends.read.epoch != 0) continue;
    ends.begin_epoch();
    open_all(ends, {}, take);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader input({data, size});
  uint8_t mode = 0;
  uint8_t choice = 0;
  if (!input.u8(mode) || !input.u8(choice)) return 0;
  const CipherSuite& suite = *fuzz::record_suites()[choice % fuzz::record_suites().size()];
  uint16_t version = is_aead(suite) || (mode & 4) != 0 ? TLS1_2_VERSION : TLS1_1_VERSION;
  Ends ends(suite, version, (mode & 8) != 0);
  if ((mode & 16) != 0) ends.reader.set_max_plaintext(512);
  if ((mode & 1) != 0) {
    seal_pieces(ends, input, (mode & 2) != 0);
  } else {
    open_any(ends, input, (mode & 2) != 0);
  }
  ERR_clear_error();
  return 0;
}
