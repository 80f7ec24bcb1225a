// Extensions (RFC 8446 section 4.2), each declared once as a row of the registry.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <span>

#include "extension/exchange.h"
#include "wire/bytes.h"
#include "wire/reader.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

// A row. Functions may be nullptr: nothing to send, nothing to remember.
struct Extension {
  // Writes the body. `send` is true at the call; set it to false to send no such extension.
  using Write = Verdict (*)(Exchange& exchange, MessageSet message, Writer& writer, bool& send);
  // Checks the body that came and keeps what it says.
  using Read = Verdict (*)(Exchange& exchange, MessageSet message, View body);
  // The peer's message could have had this extension and has not.
  using Absent = Verdict (*)(Exchange& exchange, MessageSet message);

  struct Client {
    Write offer = nullptr;
    Read accept = nullptr;
    Absent absent = nullptr;
  };
  struct Server {
    Read consider = nullptr;
    Write answer = nullptr;
    Absent absent = nullptr;
  };

  uint16_t type = 0;
  uint16_t in = 0;        // MessageSet: where RFC 8446 section 4.2's table allows it
  uint16_t unasked = 0;   // MessageSet: answers that need no offer (cookie)
  bool tls13 = false;     // not in the hello of a client without TLS 1.3, nor read below it
  bool tls12 = false;     // of TLS <= 1.2 alone: in every hello, but not read in one of TLS 1.3
  bool datagram = false;  // of DTLS alone: on a stream it is misplaced
  Client client = {};
  Server server = {};
};

// All rows; they are sent and read in this order. A row's index is its bit in Exchange::sent.
std::span<const Extension* const> extension_rows();
// Bit of `type` in Exchange::sent and ::received; 0: not in the registry.
uint64_t extension_bit(uint16_t type);

// Writes all extensions of `message` with the length of the block. ClientHello and
// CertificateRequest set exchange.sent; answers are written only to what exchange.received has.
[[nodiscard]] Verdict write_extensions(Exchange& exchange, MessageSet message, Writer& writer);

// Checks the block of `message` (without its length) as a whole: well-formed, no type twice, each
// allowed here, answers only to what was sent, pre_shared_key last in a ClientHello; then calls the
// rows in order, also for what is absent. Hellos, EncryptedExtensions and CertificateRequest set
// exchange.received. A server must have chosen negotiated.version before it reads a ClientHello,
// and for TLS <= 1.2 whether it resumes (exchange.resuming); a client both before a ServerHello,
// and negotiated.suite.
[[nodiscard]] Verdict read_extensions(Exchange& exchange, MessageSet message, View block);

// Finds one extension's body in a block, without any checks or callbacks; false: not there.
[[nodiscard]] bool find_extension(View block, uint16_t type, View& body);
// Takes the next extension of a block in wire order; false: no more, or malformed (the reader is
// not empty then).
[[nodiscard]] bool next_extension(Reader& block, uint16_t& type, View& body);

// The highest version of a ClientHello's supported_versions (`body`) within the limits, in
// `chosen`; 0: none of them.
[[nodiscard]] Verdict choose_version(View body, uint16_t minimum, uint16_t maximum,
                                     uint16_t& chosen);

// Looks for a share of `group` in client_shares (ClientOffers::key_shares).
[[nodiscard]] bool find_key_share(View shares, uint16_t group, View& key_exchange);

}  // namespace handfast
