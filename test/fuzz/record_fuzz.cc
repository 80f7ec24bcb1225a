// A record reader fed with arbitrary bytes: in the clear, with keys, and with records whose inner
// plaintext is arbitrary but authentic.
#include <openssl/err.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "fuzz/engine_harness.h"
#include "record/protection.h"
#include "record/record_reader.h"
#include "wire/reader.h"

using namespace handfast;

namespace {

using fuzz::algorithms;
using fuzz::require;

TrafficSecret secret_for(const CipherSuite& suite) {
  const uint8_t zeros[48] = {};
  Secret secret;
  secret.assign({zeros, suite.hash == HashId::sha384 ? size_t{48} : size_t{32}});
  return {algorithms().hash(suite.hash), secret};
}

// The first two bytes choose the reader's state.
void configure(RecordReader& reader, uint8_t flags, uint8_t more) {
  constexpr uint16_t kVersions[] = {0, TLS1_3_VERSION, TLS1_2_VERSION, TLS1_VERSION};
  reader.set_version(kVersions[flags & 3]);
  reader.set_server((flags & 4) != 0);
  reader.allow_change_cipher_spec((flags & 8) != 0);
  reader.allow_plaintext_alert((flags & 16) != 0);
  if ((flags & 32) != 0) reader.set_max_plaintext(512);
  if ((flags & 64) != 0) reader.skip_early_data(more * 64U, (more & 1) != 0);
}

void drain(RecordReader& reader, std::span<uint8_t> stream) {
  while (true) {
    // Bytes that nothing reads past: the sanitizer watches the end.
    std::vector<uint8_t> exact(stream.begin(), stream.end());
    Opened opened = reader.open(exact);
    if (opened.kind == Opened::Kind::failed) {
      require(!opened.verdict.ok() && opened.verdict.reason != 0);
      return;
    }
    if (opened.kind == Opened::Kind::need) {
      require(opened.need > exact.size() && opened.need <= kRecordHeaderLength + 65535);
      return;
    }
    require(opened.consumed >= kRecordHeaderLength && opened.consumed <= exact.size());
    if (opened.kind == Opened::Kind::record && !opened.content.empty()) {
      size_t header = opened.sslv2 ? 2 : kRecordHeaderLength;
      require(opened.content.data() >= exact.data() + header &&
              opened.content.data() + opened.content.size() <= exact.data() + opened.consumed);
      require(opened.content.size() <= kMaxPlaintextLength);
    }
    stream = stream.subspan(opened.consumed);
  }
}

// Every length-prefixed piece becomes one authentic record.
void seal_pieces(const CipherSuite& suite, View pieces, std::vector<uint8_t>& stream) {
  Protection protection;
  require(protection.install(algorithms(), suite, secret_for(suite), true).ok());
  Reader reader(pieces);
  uint8_t outer = 0;
  View inner;
  while (reader.u8(outer) && reader.vector16(inner) && !inner.empty()) {
    size_t length = inner.size() + suite.tag_length;
    if (length > UINT16_MAX) return;
    size_t start = stream.size();
    stream.resize(start + kRecordHeaderLength + length);
    uint8_t* record = stream.data() + start;
    record[0] = (outer & 0x80) != 0 ? outer & 0x7f : SSL3_RT_APPLICATION_DATA;
    record[1] = record[2] = 3;
    record[3] = static_cast<uint8_t>(length >> 8);
    record[4] = static_cast<uint8_t>(length);
    require(protection
                .seal({record, kRecordHeaderLength}, inner.first(inner.size() - 1),
                      static_cast<ContentType>(inner.back()), 0, record + kRecordHeaderLength)
                .ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader input({data, size});
  uint8_t mode = 0;
  uint8_t flags = 0;
  uint8_t more = 0;
  if (!input.u8(mode) || !input.u8(flags) || !input.u8(more)) return 0;
  const CipherSuite& suite = tls13_suites()[(mode >> 2) % tls13_suites().size()];
  std::vector<uint8_t> stream;
  RecordReader reader;
  configure(reader, flags, more);
  if ((mode & 3) != 0) {
    reader.set_version(TLS1_3_VERSION);
    require(reader.change_keys(algorithms(), suite, secret_for(suite)).ok());
  }
  if ((mode & 3) == 2) {
    seal_pieces(suite, input.rest(), stream);
  } else {
    stream.assign(input.rest().begin(), input.rest().end());
  }
  drain(reader, stream);
  ERR_clear_error();
  return 0;
}
