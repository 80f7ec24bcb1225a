#include "pki/server_info.h"

#include <openssl/err.h>

#include <string_view>

#include "pki/pem_block.h"
#include "wire/bytes.h"
#include "wire/crypto_types.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace handfast {
namespace {

constexpr std::string_view kVersion1Prefix = "SERVERINFO FOR ";
constexpr std::string_view kVersion2Prefix = "SERVERINFOV2 FOR ";

bool refuse(int reason) {
  ERR_raise(ERR_LIB_SSL, reason);
  return false;
}

// The version that the name of a PEM block says; 0: see the queue.
unsigned int version_of(std::string_view name) {
  if (name.size() < kVersion1Prefix.size()) return refuse(SSL_R_PEM_NAME_TOO_SHORT);
  if (has_prefix(name, kVersion1Prefix)) return SSL_SERVERINFOV1;
  if (name.size() < kVersion2Prefix.size()) return refuse(SSL_R_PEM_NAME_TOO_SHORT);
  if (has_prefix(name, kVersion2Prefix)) return SSL_SERVERINFOV2;
  return refuse(SSL_R_PEM_NAME_BAD_PREFIX);
}

// One block holds one extension: a context in version 2, then type and length as on the wire.
bool exactly_one(View block, unsigned int version) {
  Reader reader(block);
  uint32_t context = 0;
  uint16_t type = 0;
  View data;
  return (version == SSL_SERVERINFOV1 || reader.u32(context)) && reader.u16(type) &&
         reader.vector16(data) && reader.empty();
}

bool append_block(View block, unsigned int version, Bytes& data) {
  bool appended = version == SSL_SERVERINFOV1 ? append_version1(block, data) : data.append(block);
  return appended || refuse(ERR_R_MALLOC_FAILURE);
}

}  // namespace

bool append_version1(View extension, Bytes& data) {
  Writer writer(data);
  writer.u32(kServerInfoV1Context);
  writer.bytes(extension);
  return writer.ok();
}

bool next_entry(View& rest, ServerInfoEntry& entry) {
  Reader reader(rest);
  if (!reader.u32(entry.context) || !reader.u16(entry.type) || !reader.vector16(entry.data)) {
    return false;
  }
  rest = reader.rest();
  return true;
}

bool well_formed_server_info(View data) {
  if (data.empty()) return false;
  ServerInfoEntry entry;
  while (next_entry(data, entry)) {
  }
  return data.empty();
}

bool read_server_info(const char* file, Bytes& data) {
  BioPtr in(BIO_new(BIO_s_file()));
  if (in == nullptr) return refuse(ERR_R_BUF_LIB);
  if (BIO_read_filename(in.get(), file) <= 0) return refuse(ERR_R_SYS_LIB);
  for (bool first = true;; first = false) {
    PemBlock block;
    if (!read_pem_block(in.get(), block)) return !first || refuse(SSL_R_NO_PEM_EXTENSIONS);
    unsigned int version = version_of(block.name.get());
    if (version == 0) return false;
    if (!exactly_one(block.view(), version)) return refuse(SSL_R_BAD_DATA);
    if (!append_block(block.view(), version, data)) return false;
  }
}

}  // namespace handfast
