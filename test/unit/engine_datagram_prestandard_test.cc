// DTLS as it was before it had an RFC, DTLS1_BAD_VER: our client resumes a session with a server
// made by hand. Headers of handshake messages are not hashed, and a change_cipher_spec has a
// message_seq.
#include "crypto/prf.h"
#include "engine_datagram_support.h"
#include "record_datagram_test_support.h"

namespace handfast::datagram_test {
namespace {

using crypto_test::all_algorithms;
using crypto_test::Octets;
using crypto_test::octets;

constexpr int kSuite = 0x2f;  // AES128-SHA
constexpr size_t kCookieAt = 25 + 2 + 32 + 1 + 32;

class Prestandard : public testing::Test {
 protected:
  // `connect`: what the client's context is made of.
  void start(const SSL_METHOD* method, void (*configure)(SSL_CTX*)) {
    context_.reset(SSL_CTX_new(method));
    SSL_CTX_set_cipher_list(context_.get(), "AES128-SHA:@SECLEVEL=0");
    SSL_CTX_set_options(context_.get(), SSL_OP_LEGACY_SERVER_CONNECT);
    configure(context_.get());
    client_.reset(SSL_new(context_.get()));
    offer_session();
    BIO* bio = twin::new_port_bio(&net_.client);
    SSL_set_bio(client_.get(), bio, bio);
    SSL_set_connect_state(client_.get());
  }

  void offer_session() {
    const uint8_t id[] = {0, kSuite};
    twin::Owned<SSL_SESSION> session(SSL_SESSION_new());
    SSL_SESSION_set1_id(session.get(), id_.data(), static_cast<unsigned>(id_.size()));
    SSL_SESSION_set1_master_key(session.get(), master_.data(), master_.size());
    SSL_SESSION_set_cipher(session.get(), SSL_CIPHER_find(client_.get(), id));
    SSL_SESSION_set_protocol_version(session.get(), DTLS1_BAD_VER);
    ASSERT_EQ(SSL_set_session(client_.get(), session.get()), 1);
  }

  // The client's call, which waits or is done, and the only datagram that it sends.
  std::string step(int expected) {
    ERR_clear_error();
    int result = SSL_do_handshake(client_.get());
    EXPECT_EQ(result, expected) << twin::errors();
    auto& sent = net_.to_server.arrived;
    std::string all;
    for (; !sent.empty(); sent.pop_front()) all += sent.front();
    return all;
  }

  void answer(int type, size_t epoch, size_t sequence, const std::string& body) {
    net_.to_client.arrived.push_back(twin::record(type, DTLS1_BAD_VER, epoch, sequence, body));
  }

  void send_verify_request() {
    answer(SSL3_RT_HANDSHAKE, 0, 0, whole(DTLS1_MT_HELLO_VERIFY_REQUEST, 0, "\1\0\6cookie", 9));
  }

  static std::string whole(int type, size_t number, const char* bytes, size_t size) {
    return whole(type, number, std::string(bytes, size));
  }
  static std::string whole(int type, size_t number, const std::string& body) {
    return twin::fragment(type, number, body, 0, body.size());
  }

  void hash(const std::string& body) { transcript_ += body; }

  std::string verify_data(const char* label) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(transcript_.data(), transcript_.size(), digest, &size, EVP_md5_sha1(), nullptr);
    uint8_t out[12];
    EXPECT_TRUE(prf(all_algorithms(), HashId::md5_sha1, master_, label, {View(digest, size)}, out));
    return {reinterpret_cast<char*>(out), sizeof out};
  }

  // MAC keys of client and server, then the ciphers'.
  RecordKeys keys(bool server, const std::string& hello) {
    View client_random = as_view(std::string_view(hello).substr(27, 32));
    EXPECT_TRUE(prf(all_algorithms(), HashId::md5_sha1, master_, "key expansion",
                    {server_random_, client_random}, block_));
    View all(block_);
    return server ? RecordKeys{all.subspan(20, 20), all.subspan(56, 16), {}}
                  : RecordKeys{all.first(20), all.subspan(40, 16), {}};
  }

  void send_flight(const std::string& hello) {
    std::string body = "\1" + std::string(1, '\0') +
                       std::string(server_random_.begin(), server_random_.end()) + "\x20" +
                       std::string(id_.begin(), id_.end()) + std::string("\0\x2f\0", 3);
    hash(hello.substr(25));
    hash(body);
    answer(SSL3_RT_HANDSHAKE, 0, 1, whole(SSL3_MT_SERVER_HELLO, 1, body));
    answer(SSL3_RT_CHANGE_CIPHER_SPEC, 0, 2, std::string("\1\0\2", 3));
    std::string finished = verify_data("server finished");
    WriteEpoch epoch;
    RecordWriter writer;
    writer.use_datagrams(&epoch);
    writer.set_record_version(DTLS1_BAD_VER);
    ASSERT_TRUE(writer
                    .change_keys(all_algorithms(), *find_cipher_suite(kSuite), DTLS1_BAD_VER,
                                 keys(true, hello), false)
                    .ok());
    Bytes sealed;
    std::string message = whole(SSL3_MT_FINISHED, 3, finished);
    ASSERT_TRUE(writer.seal(ContentType::handshake, as_view(message), sealed).ok());
    hash(finished);
    net_.to_client.arrived.emplace_back(reinterpret_cast<char*>(sealed.data()), sealed.size());
  }

  std::string open(const std::string& record, const std::string& hello) {
    ReadEpoch epoch;
    RecordReader reader;
    reader.use_datagrams(&epoch);
    reader.set_version(TLS1_VERSION);
    EXPECT_TRUE(reader
                    .change_keys(all_algorithms(), *find_cipher_suite(kSuite), DTLS1_BAD_VER,
                                 keys(false, hello), false)
                    .ok());
    Octets bytes(record.begin(), record.end());
    Opened opened = reader.open(bytes);
    EXPECT_EQ(opened.kind, Opened::Kind::record);
    return {opened.content.begin(), opened.content.end()};
  }

  twin::Net net_;
  twin::Owned<SSL_CTX> context_;
  twin::Owned<SSL> client_;
  Octets id_ = Octets(32, 7), master_ = Octets(48, 9), server_random_ = Octets(32, 11);
  Octets block_ = Octets(72);
  std::string transcript_;
};

void only_this(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, DTLS1_BAD_VER);
  SSL_CTX_set_max_proto_version(context, DTLS1_BAD_VER);
}

TEST_F(Prestandard, ResumesASession) {
  start(DTLS_client_method(), only_this);
  std::string hello = step(-1);
  EXPECT_EQ(twin::number(hello, 1, 2), size_t{DTLS1_BAD_VER});
  EXPECT_EQ(twin::number(hello, 25, 2), size_t{DTLS1_BAD_VER});
  EXPECT_EQ(hello[kCookieAt], 0);
  send_verify_request();
  hello = step(-1);
  EXPECT_EQ(hello.substr(kCookieAt, 7), "\6cookie");
  send_flight(hello);
  std::string flight = step(1);
  EXPECT_EQ(SSL_version(client_.get()), DTLS1_BAD_VER);
  EXPECT_EQ(SSL_session_reused(client_.get()), 1);

  twin::Datagrams records = twin::records_of(flight);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].substr(13), std::string("\1\0\2", 3));
  EXPECT_EQ(open(records[1], hello), whole(SSL3_MT_FINISHED, 3, verify_data("client finished")));
}

TEST_F(Prestandard, IsWhatAnyConnectAsksFor) {
  start(DTLSv1_client_method(),
        [](SSL_CTX* context) { SSL_CTX_set_options(context, SSL_OP_CISCO_ANYCONNECT); });
  std::string hello = step(-1);
  EXPECT_EQ(twin::number(hello, 1, 2), size_t{DTLS1_BAD_VER});
  EXPECT_EQ(twin::number(hello, 25, 2), size_t{DTLS1_BAD_VER});
}

TEST_F(Prestandard, IsNoVersionOfOthers) {
  start(DTLS_client_method(), [](SSL_CTX*) {});
  std::string hello = step(-1);
  EXPECT_EQ(twin::number(hello, 25, 2), size_t{DTLS1_2_VERSION});
  send_verify_request();
  EXPECT_EQ(step(-1), "");  // its record's version is of another family
}

}  // namespace

TEST(EngineDatagramMethod, AHandshakeKeepsItsChannel) {
  Bench bench(Kind{});
  EXPECT_TRUE(bench.step(bench.client()));
  EXPECT_EQ(SSL_set_ssl_method(bench.client(), TLS_client_method()), 0);
  ERR_clear_error();
  EXPECT_TRUE(bench.complete());
}

}  // namespace handfast::datagram_test
