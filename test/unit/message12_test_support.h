// Building and taking apart a message of TLS <= 1.2, or of DTLS, in every way.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>

#include "extension_test_support.h"
#include "message/handshake_header.h"

namespace handfast::test {

// The body of what build_message() makes.
template <typename Message>
Octets built(const Message& message) {
  Bytes out;
  EXPECT_TRUE(build_message(message, out));
  HandshakeHeader header;
  EXPECT_TRUE(read_header(out.view(), header));
  EXPECT_EQ(header.type, Message::kType);
  EXPECT_EQ(header.length + kHandshakeHeaderLength, out.size());
  View body = out.view().subspan(kHandshakeHeaderLength);
  return {body.begin(), body.end()};
}

// The body parses with `parser(View, Message&)`, what is built from the result is the same, and
// neither a shorter body (except for the lengths named) nor one with a byte more parses: each fails
// with decode_error.
template <typename Message, typename Parser>
void check_form(const Octets& body, Parser parser, std::initializer_list<size_t> complete = {}) {
  Message message;
  EXPECT_OK(parser(View(body), message));
  EXPECT_EQ(to_hex(built(message)), to_hex(body));
  for (size_t length = 0; length < body.size(); ++length) {
    // A copy of exact size: the sanitizer watches its end.
    Octets shorter(body.begin(), body.begin() + static_cast<ptrdiff_t>(length));
    Verdict verdict = parser(View(shorter), message);
    bool whole = std::find(complete.begin(), complete.end(), length) != complete.end();
    EXPECT_EQ(verdict.ok(), whole) << "first " << length << " bytes";
    if (whole) continue;
    EXPECT_EQ(verdict.alert, Alert::decode_error) << "first " << length << " bytes";
  }
  Verdict verdict = parser(View(body + Octets{0}), message);
  EXPECT_FALSE(verdict.ok()) << "a byte more";
  EXPECT_EQ(verdict.alert, Alert::decode_error) << "a byte more";
}

}  // namespace handfast::test
