// EncryptedExtensions, RFC 8446 section 4.3.1.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct EncryptedExtensions {
  static constexpr uint8_t kType = SSL3_MT_ENCRYPTED_EXTENSIONS;
  static constexpr size_t kMaxLength = 20000;

  View extensions;  // the block without its length
};

[[nodiscard]] Verdict parse(View body, EncryptedExtensions& out);
void build(const EncryptedExtensions& message, Writer& writer);

}  // namespace handfast
