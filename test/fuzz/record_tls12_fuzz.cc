// Records of TLS 1.0 to 1.2 under every cipher and MAC: arbitrary bytes, authentic records with
// bytes changed, and arbitrary plaintexts for the check of padding and MAC, which is held against a
// plain one.
#include <openssl/err.h>
#include <openssl/hmac.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "fuzz/record_suites.h"
#include "record/cbc_check.h"
#include "record/record_reader.h"
#include "record/record_writer.h"
#include "wire/reader.h"

using namespace handfast;

namespace {

using Octets = std::vector<uint8_t>;

using fuzz::algorithms;
using fuzz::require;

const uint8_t kKeyBytes[64] = {1, 2, 3, 4, 5, 6, 7, 8};

struct Ends {
  Ends(const CipherSuite& suite, uint16_t version, bool encrypt_then_mac) {
    RecordKeyLengths lengths = record_key_lengths(algorithms(), suite, version);
    View bytes(kKeyBytes);
    RecordKeys keys{bytes.first(lengths.mac_key), bytes.first(lengths.key),
                    bytes.first(lengths.iv)};
    reader.set_version(version);
    writer.set_record_version(version);
    require(reader.change_keys(algorithms(), suite, version, keys, encrypt_then_mac).ok());
    require(writer.change_keys(algorithms(), suite, version, keys, encrypt_then_mac).ok());
  }
  RecordReader reader;
  RecordWriter writer;
};

void drain(RecordReader& reader, View stream) {
  while (true) {
    // Bytes that nothing reads past: the sanitizer watches the end.
    Octets exact(stream.begin(), stream.end());
    Opened opened = reader.open(exact);
    if (opened.kind == Opened::Kind::failed) {
      require(!opened.verdict.ok() && opened.verdict.reason != 0);
      return;
    }
    if (opened.kind == Opened::Kind::need) {
      require(opened.need > exact.size() && opened.need <= kRecordHeaderLength + 65535);
      return;
    }
    require(opened.kind == Opened::Kind::record && opened.consumed <= exact.size());
    require(opened.content.size() <= kMaxPlaintextLength);
    if (!opened.content.empty()) {
      require(opened.content.data() >= exact.data() + kRecordHeaderLength &&
              opened.content.data() + opened.content.size() <= exact.data() + opened.consumed);
    }
    stream = stream.subspan(opened.consumed);
  }
}

// Pieces become authentic records; an unchanged one opens, a changed one is refused.
void seal_pieces(Ends& ends, View pieces) {
  Reader input(pieces);
  uint8_t type = 0;
  uint16_t change = 0;
  View content;
  while (input.u8(type) && input.u16(change) && input.vector16(content)) {
    if (content.size() > kMaxPlaintextLength) return;
    auto sealed_type = static_cast<ContentType>(SSL3_RT_CHANGE_CIPHER_SPEC + type % 4);
    Bytes sealed;
    require(ends.writer.seal(sealed_type, content, sealed).ok());
    require(sealed.size() == ends.writer.sealed_length(content.size()));
    size_t at = change % (sealed.size() + 1);
    bool changes = at >= kRecordHeaderLength && at < sealed.size();
    if (changes) sealed.data()[at] ^= static_cast<uint8_t>(type | 1);
    Opened opened = ends.reader.open(sealed.span());
    if (changes) {
      require(opened.kind == Opened::Kind::failed && opened.verdict.alert == Alert::bad_record_mac);
      return;
    }
    if (opened.kind == Opened::Kind::failed) {  // too many empty ones
      require(opened.verdict.reason == SSL_R_RECORD_TOO_SMALL);
      return;
    }
    require(opened.kind == Opened::Kind::record && opened.type == sealed_type);
    require(equal(opened.content, content));
  }
}

// RFC 5246 6.2.3.2 without care for time; SIZE_MAX when something is wrong.
size_t plain_check(const EVP_MD* md, const PseudoHeader& header, View plaintext) {
  size_t mac_size = static_cast<size_t>(EVP_MD_get_size(md));
  size_t padding = plaintext.back();
  if (plaintext.size() < mac_size + 1 + padding) return SIZE_MAX;
  for (uint8_t byte : plaintext.last(padding + 1)) {
    if (byte != padding) return SIZE_MAX;
  }
  size_t length = plaintext.size() - 1 - padding - mac_size;
  PseudoHeader covered = header;
  covered.set_length(length);
  Octets message(covered.bytes, covered.bytes + sizeof covered.bytes);
  message.insert(message.end(), plaintext.begin(), plaintext.begin() + static_cast<long>(length));
  uint8_t mac[EVP_MAX_MD_SIZE];
  require(HMAC(md, kKeyBytes, static_cast<int>(mac_size), message.data(), message.size(), mac,
               nullptr) != nullptr);
  return equal(plaintext.subspan(length, mac_size), {mac, mac_size}) ? length : SIZE_MAX;
}

// `how`: the hash, and whether a right MAC is put where the padding says it would be.
void check_plaintext(uint8_t how, View input) {
  constexpr HashId kHashes[] = {HashId::md5, HashId::sha1, HashId::sha256, HashId::sha384};
  const EVP_MD* md = algorithms().hash(kHashes[how & 3]);
  size_t mac_size = static_cast<size_t>(EVP_MD_get_size(md));
  if (input.size() < mac_size + 1) return;
  const uint8_t header_bytes[kRecordHeaderLength] = {23, 3, 3};
  PseudoHeader header(how, header_bytes, 0);
  RecordMac mac;
  require(mac.start(md, {kKeyBytes, mac_size}));
  Octets plaintext(input.begin(), input.end());
  size_t padding = plaintext.back();
  if ((how & 4) != 0 && plaintext.size() >= mac_size + 1 + padding) {
    size_t length = plaintext.size() - 1 - padding - mac_size;
    header.set_length(length);
    require(mac.compute(header, View(plaintext).first(length), plaintext.data() + length));
    if ((how & 8) != 0) {
      std::memset(plaintext.data() + length + mac_size, static_cast<int>(padding), padding);
    }
  }
  CbcCheck check;
  require(check_cbc(mac, header, plaintext, check));
  size_t expected = plain_check(md, header, plaintext);
  require(check.good == (expected == SIZE_MAX ? 0 : SIZE_MAX));
  require(expected == SIZE_MAX || check.length == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader input({data, size});
  uint8_t mode = 0;
  uint8_t choice = 0;
  if (!input.u8(mode) || !input.u8(choice)) return 0;
  if ((mode & 3) == 2) {
    check_plaintext(choice, input.rest());
    return 0;
  }
  const CipherSuite& suite = *fuzz::record_suites()[choice % fuzz::record_suites().size()];
  constexpr uint16_t kVersions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_2_VERSION};
  uint16_t version = is_aead(suite) ? TLS1_2_VERSION : kVersions[mode >> 2 & 3];
  Ends ends(suite, version, (mode & 16) != 0);
  if ((mode & 3) == 1) {
    seal_pieces(ends, input.rest());
  } else {
    if ((mode & 32) != 0) ends.reader.set_max_plaintext(512);
    drain(ends.reader, input.rest());
  }
  ERR_clear_error();
  return 0;
}
