// Sessions as objects: copies, the DER form, what happens when memory is short.
#include "session/session.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <string>

#include "session/asn1.h"
#include "support/failing_allocator.h"
#include "support/session_der.h"

namespace handfast {
namespace {

const unsigned char* bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

SessionRef decode(const std::string& der) {
  SessionRef session(new_session());
  const unsigned char* position = bytes(der);
  bool good = decode_session(&position, static_cast<long>(der.size()), *session);
  EXPECT_EQ(position, good ? bytes(der) + der.size() : bytes(der));
  return good ? std::move(session) : nullptr;
}

std::string encode(const Session& session) {
  unsigned char* der = nullptr;
  int length = encode_session(session, &der);
  if (length <= 0) return "";
  std::string result(reinterpret_cast<char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return result;
}

int reason() {
  int code = ERR_GET_REASON(ERR_peek_last_error());
  ERR_clear_error();
  return code;
}

TEST(Session, MasterKeyHasALimit) {
  MasterKey key;
  std::string longest(kMaxMasterKeyLength, 'k');
  EXPECT_TRUE(key.assign(as_view(longest)));
  EXPECT_FALSE(key.assign(as_view(longest + "k")));
  EXPECT_EQ(key.size(), kMaxMasterKeyLength);
}

TEST(Session, CopyWithoutTicket) {
  SessionRef session = decode(twin::session_der(twin::full_session()));
  ASSERT_NE(session, nullptr);
  SessionRef copy(duplicate(*session, false));
  ASSERT_NE(copy, nullptr);
  EXPECT_TRUE(copy->ticket.empty());
  EXPECT_EQ(copy->ticket_lifetime_hint, 0u);
  SessionRef whole(duplicate(*session, true));
  EXPECT_EQ(encode(*whole), encode(*session));
}

TEST(SessionAsn1, EveryRefusalHasAReason) {
  struct Case {
    const char* field;
    std::string value;
    int reason;
  };
  std::string long_id(33, 'i');
  const Case cases[] = {
      {"form_version", twin::der_integer(2), SSL_R_UNKNOWN_SSL_VERSION},
      {"protocol_version", twin::der_integer(0x0204), SSL_R_UNSUPPORTED_SSL_VERSION},
      {"cipher", twin::der_octets("\x13"), SSL_R_CIPHER_CODE_WRONG_LENGTH},
      {"cipher", twin::der_octets("\x7f\x7f"), SSL_R_UNKNOWN_CIPHER_TYPE},
      {"id", twin::der_octets(long_id), SSL_R_BAD_LENGTH},
      {"id_context", twin::explicit_tag(4, twin::der_octets(long_id)), SSL_R_BAD_LENGTH},
      {"master_key", twin::der_octets(std::string(513, 'k')), SSL_R_BAD_LENGTH},
      {"compression", twin::explicit_tag(11, twin::der_octets("")), SSL_R_BAD_LENGTH},
      {"hostname", twin::explicit_tag(6, twin::der_integer(1)), ERR_R_NESTED_ASN1_ERROR},
  };
  for (const Case& one : cases) {
    twin::SessionFields fields = twin::full_session();
    fields[one.field] = one.value;
    EXPECT_EQ(decode(twin::session_der(fields)), nullptr) << one.field;
    EXPECT_EQ(reason(), one.reason) << one.field;
  }
}

TEST(SessionAsn1, ARefusedFormChangesNothing) {
  SessionRef session = decode(twin::session_der(twin::full_session()));
  std::string before = encode(*session);
  twin::SessionFields fields = twin::minimal_session();
  fields["cipher"] = twin::der_octets("\x7f\x7f");
  std::string der = twin::session_der(fields);
  const unsigned char* position = bytes(der);
  EXPECT_FALSE(decode_session(&position, static_cast<long>(der.size()), *session));
  EXPECT_EQ(encode(*session), before);
  ERR_clear_error();
}

TEST(SessionAsn1, ASessionWithoutCipherHasNoForm) {
  SessionRef session(new_session());
  EXPECT_EQ(encode(*session), "");
}

// Repeats `work` until it needs no allocation more than it gets.
template <typename Work>
void with_each_allocation_failing(Work work) {
  if (!support::allocator_installed()) GTEST_SKIP() << "libcrypto had allocated before main()";
  for (size_t successes = 0;; ++successes) {
    support::fail_allocation_after(successes);
    bool good = work();
    bool failed = support::stop_failing();
    EXPECT_EQ(good, !failed);
    EXPECT_EQ(failed, ERR_peek_error() != 0);
    ERR_clear_error();
    if (!failed) break;
  }
}

TEST(SessionMemory, New) {
  with_each_allocation_failing([] { return SessionRef(new_session()) != nullptr; });
}

TEST(SessionMemory, Duplicate) {
  SessionRef session = decode(twin::session_der(twin::full_session()));
  with_each_allocation_failing([&] { return SessionRef(duplicate(*session, true)) != nullptr; });
}

TEST(SessionMemory, Decode) {
  std::string der = twin::session_der(twin::full_session());
  with_each_allocation_failing([&] {
    const unsigned char* position = bytes(der);
    return SessionRef(d2i_SSL_SESSION(nullptr, &position, static_cast<long>(der.size()))) !=
           nullptr;
  });
}

}  // namespace
}  // namespace handfast
