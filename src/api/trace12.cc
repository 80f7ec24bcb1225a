#include "api/trace12.h"

#include <openssl/x509.h>

#include "api/trace_names.h"
#include "crypto/cipher_class.h"
#include "wire/crypto_types.h"
#include "wire/version.h"

namespace handfast::trace {
namespace {

// ECCurveType, RFC 8422 section 5.4 and RFC 4492 section 5.4.
enum CurveType : uint8_t { kExplicitPrime = 1, kExplicitChar2 = 2, kNamedCurve = 3 };

struct KeyExchangeName {
  uint32_t kx;
  const char* text;
};

constexpr KeyExchangeName kKeyExchanges[] = {
    {kKxRsa, "rsa"},       {kKxDhe, "DHE"},       {kKxEcdhe, "ECDHE"},       {kKxPsk, "PSK"},
    {kKxRsaPsk, "RSAPSK"}, {kKxDhePsk, "DHEPSK"}, {kKxEcdhePsk, "ECDHEPSK"}, {kKxSrp, "SRP"},
    {kKxGost, "GOST"},     {kKxGost18, "GOST18"},
};

// Prints the key exchange of the connection's suite and returns it.
uint32_t key_exchange_line(Trace& trace, int indent) {
  const CipherSuite* suite = trace.ssl->negotiated.suite;
  uint32_t kx = suite == nullptr ? 0 : suite->kx;
  const char* name = "UNKNOWN";
  for (const KeyExchangeName& known : kKeyExchanges) {
    if (known.kx == kx) name = known.text;
  }
  trace.text.indent(indent);
  trace.text.printf("KeyExchangeAlgorithm=%s\n", name);
  return kx;
}

bool has_schemes(const Trace& trace) {
  return tls_version(static_cast<uint16_t>(current_version(*trace.ssl))) >= TLS1_2_VERSION;
}

// Explicit parameters are only named.
bool ecdhe_params(Text& text, int indent, Reader& in) {
  Reader ahead = in;
  uint8_t type = 0;
  uint16_t curve = 0;
  if (!ahead.u8(type)) return false;
  text.indent(indent);
  switch (type) {
    case kExplicitPrime:
      text.puts("explicit_prime\n");
      return true;
    case kExplicitChar2:
      text.puts("explicit_char2\n");
      return true;
    case kNamedCurve:
      break;
    default:
      text.printf("UNKNOWN CURVE PARAMETER TYPE %d\n", type);
      return false;
  }
  if (!ahead.u16(curve)) return false;
  NameBuffer buffer;
  text.printf("named_curve: %s (%d)\n", group(curve, buffer), curve);
  in = ahead;
  return hex_vector8(text, indent, "point", in);
}

bool server_params(Text& text, int indent, uint32_t kx, Reader& in) {
  if ((kx & kKxAllPsk) != 0 && !hex_vector16(text, indent, "psk_identity_hint", in)) return false;
  if (kx == kKxRsa) {
    return hex_vector16(text, indent, "rsa_modulus", in) &&
           hex_vector16(text, indent, "rsa_exponent", in);
  }
  if ((kx & kKxAllDhe) != 0) {
    return hex_vector16(text, indent, "dh_p", in) && hex_vector16(text, indent, "dh_g", in) &&
           hex_vector16(text, indent, "dh_Ys", in);
  }
  return (kx & kKxAllEcdhe) == 0 || ecdhe_params(text, indent, in);
}

using NamePtr = std::unique_ptr<X509_NAME, FreeWith<X509_NAME_free>>;

bool name_entry(Text& text, int indent, Reader& list) {
  View der;
  if (!list.vector16(der)) return false;
  text.indent(indent);
  text.printf("DistinguishedName (len=%d): ", static_cast<int>(der.size()));
  const unsigned char* at = der.data();
  NamePtr name(d2i_X509_NAME(nullptr, &at, static_cast<long>(der.size())));
  if (name == nullptr) {
    text.puts("<UNPARSABLE DN>\n");
    return true;
  }
  X509_NAME_print_ex(text.bio(), name.get(), 0, XN_FLAG_ONELINE);
  text.puts("\n");
  return true;
}

bool scheme_list(Text& text, int indent, Reader& in) {
  View list;
  if (!in.vector16(list) || list.size() % 2 != 0) return false;
  text.indent(indent);
  text.printf("signature_algorithms (len=%d)\n", static_cast<int>(list.size()));
  return list_schemes(text, indent + 2, list);
}

}  // namespace

bool signature(Trace& trace, int indent, Reader& in) {
  if (in.size() < 2) return false;
  uint16_t scheme = 0;
  if (has_schemes(trace) && in.u16(scheme)) {
    trace.text.indent(indent);
    trace.text.printf("Signature Algorithm: %s (0x%04x)\n", signature_scheme(scheme), scheme);
  }
  return hex_vector16(trace.text, indent, "Signature", in);
}

bool server_key_exchange(Trace& trace, int indent, Reader& in) {
  uint32_t kx = key_exchange_line(trace, indent);
  if (!server_params(trace.text, indent + 2, kx, in)) return false;
  // Parameters that nobody signed end here: what is missing shows in nothing being left.
  if ((kx & kKxAllPsk) == 0) (void)signature(trace, indent, in);
  return in.empty();
}

bool client_key_exchange(Trace& trace, int indent, Reader& in) {
  Text& text = trace.text;
  uint32_t kx = key_exchange_line(trace, indent);
  indent += 2;
  if ((kx & kKxAllPsk) != 0 && !hex_vector16(text, indent, "psk_identity", in)) return false;
  if ((kx & kKxAllRsa) != 0 && !hex_vector16(text, indent, "EncryptedPreMasterSecret", in)) {
    return false;
  }
  if ((kx & kKxAllDhe) != 0 && !hex_vector16(text, indent, "dh_Yc", in)) return false;
  if ((kx & kKxAllEcdhe) != 0 && !hex_vector8(text, indent, "ecdh_Yc", in)) return false;
  return in.empty();
}

bool certificate_request(Trace& trace, int indent, Reader& in) {
  Text& text = trace.text;
  View types, names;
  if (!in.vector8(types)) return false;
  text.indent(indent);
  text.printf("certificate_types (len=%d)\n", static_cast<int>(types.size()));
  (void)list8(text, indent + 2, types, certificate_type);
  if (has_schemes(trace) && !scheme_list(text, indent, in)) return false;
  if (in.size() < 2) return false;
  text.indent(indent);
  if (!in.vector16(names)) return false;
  text.printf("certificate_authorities (len=%d)\n", static_cast<int>(names.size()));
  Reader list(names);
  while (!list.empty()) {
    if (!name_entry(text, indent + 2, list)) return false;
  }
  return in.empty();
}

}  // namespace handfast::trace
