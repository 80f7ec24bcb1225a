// Serverinfo data: SSL_CTX_use_serverinfo(3).
#include "pki/server_info.h"

#include <gtest/gtest.h>

#include <vector>

namespace handfast {
namespace {

using Raw = std::vector<uint8_t>;

TEST(PkiServerInfo, ReadsEntries) {
  Raw data = {0, 0, 0x01, 0x80, 0x12, 0x34, 0, 2, 'a', 'b', 0, 0, 0, 1, 0, 18, 0, 0};
  View rest(data);
  ServerInfoEntry entry;
  ASSERT_TRUE(next_entry(rest, entry));
  EXPECT_EQ(entry.context, 0x180U);
  EXPECT_EQ(entry.type, 0x1234);
  EXPECT_TRUE(equal(entry.data, as_view("ab")));
  ASSERT_TRUE(next_entry(rest, entry));
  EXPECT_EQ(entry.type, 18);
  EXPECT_TRUE(entry.data.empty());
  EXPECT_FALSE(next_entry(rest, entry));
  EXPECT_TRUE(rest.empty());
  EXPECT_TRUE(well_formed_server_info(data));
}

TEST(PkiServerInfo, RefusesEveryTruncation) {
  Raw data = {0, 0, 0x01, 0x80, 0x12, 0x34, 0, 2, 'a', 'b'};
  for (size_t length = 0; length < data.size(); ++length) {
    EXPECT_FALSE(well_formed_server_info(View(data).first(length))) << length;
  }
  EXPECT_TRUE(well_formed_server_info(data));
}

TEST(PkiServerInfo, ConvertsVersion1) {
  Raw extension = {0x12, 0x34, 0, 1, 'x'};
  Bytes data;
  ASSERT_TRUE(append_version1(extension, data));
  View rest = data.view();
  ServerInfoEntry entry;
  ASSERT_TRUE(next_entry(rest, entry));
  EXPECT_EQ(entry.context, kServerInfoV1Context);
  EXPECT_EQ(entry.type, 0x1234);
}

}  // namespace
}  // namespace handfast
