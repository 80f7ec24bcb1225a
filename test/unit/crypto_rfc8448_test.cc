// Every value and every record of the traces in RFC 8448.
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <map>
#include <memory>

#include "crypto/key_schedule.h"
#include "crypto/key_share.h"
#include "crypto/transcript.h"
#include "crypto_test_support.h"
#include "record/record_reader.h"
#include "record/record_writer.h"
#include "rfc8448_trace.h"

namespace handfast::crypto_test {
namespace {

const EVP_MD* md() {
  return default_algorithms().hash(HashId::sha256);
}

const CipherSuite& suite() {
  return *find_cipher_suite(0x1301);
}

struct Side {
  RecordWriter writer;
  RecordReader reader;
};

// Runs a trace through the typed key schedule, the transcript and the record layer, and compares
// at each step.
class Player {
 public:
  explicit Player(const Trace& trace) : trace_(trace) {
    for (Side* side : {&client_, &server_}) side->reader.allow_change_cipher_spec(true);
  }

  void play() {
    for (const Step& step : trace_) {
      SCOPED_TRACE(step.actor + " " + step.what);
      dispatch(step);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
  int compared() const { return compared_; }

 private:
  void dispatch(const Step& step) {
    if (step.is("create")) return create_key(step);
    if (step.is("extract secret")) return extract(step);
    if (step.is("derive secret")) return derive(step);
    if (step.is("generate resumption secret")) return expand(step);
    if (step.is("construct")) return construct(step);
    if (step.is("calculate PSK binder")) return binder(step);
    if (step.is("calculate finished")) return finished(step);
    if (step.is("send")) return send(step);
    if (step.what.find("traffic keys") != std::string::npos) return traffic_keys(step);
    FAIL() << "a step that this test does not know";
  }

  void same(View got, const Octets& expected) {
    EXPECT_EQ(to_hex(got), to_hex(expected));
    ++compared_;
  }

  void create_key(const Step& step) {
    const bool p256 = step.what.find("P-256") != std::string::npos;
    const Group& group = *find_group(p256 ? 23 : 29);
    EVP_PKEY* key = nullptr;
    if (p256) {
      key = p256_key(step["private_key"], step["public_key"]);
    } else {
      key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, step["private_key"].data(), 32);
    }
    ASSERT_NE(key, nullptr);
    auto& share = shares_[step.actor];
    share = std::make_unique<KeyShare>();
    KeyShareForTests::set(*share, group, key);
    publics_[step.actor] = step["public_key"];
  }

  static EVP_PKEY* p256_key(const Octets& secret, const Octets& point) {
    std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
    std::unique_ptr<BIGNUM, FreeWith<BN_free>> number(
        BN_bin2bn(secret.data(), static_cast<int>(secret.size()), nullptr));
    OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number.get());
    OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                     point.size());
    OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder.get());
    EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY* key = nullptr;
    EVP_PKEY_fromdata_init(context.get());
    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params);
    OSSL_PARAM_free(params);
    return key;
  }

  void extract(const Step& step) {
    Secret secret;
    ASSERT_TRUE(hkdf_extract(md(), step["salt"], step["IKM"], secret));
    same(secret.view(), step["secret"]);
    const bool zeros = step["IKM"] == Octets(32, 0);
    const View input = zeros ? View() : View(step["IKM"]);
    if (step.label() == "early") {
      ASSERT_TRUE(early_.start(md(), input));
    } else if (step.label() == "handshake") {
      agree(step["IKM"]);
      ASSERT_TRUE(std::move(early_).next(input, handshake_));
    } else {
      ASSERT_TRUE(zeros);
      ASSERT_TRUE(std::move(handshake_).next(master_));
    }
  }

  // Both sides' key shares come to the trace's input keying material.
  void agree(const Octets& expected) {
    for (auto [own, peer] : {std::pair("client", "server"), std::pair("server", "client")}) {
      Bytes secret;
      ASSERT_TRUE(shares_[own]->derive(default_algorithms(), publics_[peer], secret).ok());
      same(secret.view(), expected);
    }
  }

  void expand(const Step& step) {
    Octets out(step["expanded"].size());
    ASSERT_TRUE(hkdf_expand_label(md(), step["PRK"], as_view(step.label()), step["hash"], out));
    same(out, step["expanded"]);
  }

  void derive(const Step& step) {
    expand(step);
    std::string label = step.label();
    if (label == "derived") return;
    Digest hash;
    ASSERT_TRUE(transcript_.hash_with(md(), {}, hash));
    same(hash.view(), step["hash"]);
    TrafficSecret traffic;
    ExporterSecret exporter;
    Secret resumption;
    View out;
    bool ok = false;
    if (label == "c e traffic") ok = early_.client_early_traffic(hash.view(), traffic);
    if (label == "e exp master") ok = early_.early_exporter_master(hash.view(), exporter);
    if (label == "c hs traffic") ok = handshake_.client_handshake_traffic(hash.view(), traffic);
    if (label == "s hs traffic") ok = handshake_.server_handshake_traffic(hash.view(), traffic);
    if (label == "c ap traffic") ok = master_.client_application_traffic(hash.view(), traffic);
    if (label == "s ap traffic") ok = master_.server_application_traffic(hash.view(), traffic);
    if (label == "exp master") ok = master_.exporter_master(hash.view(), exporter);
    if (label == "res master") ok = master_.resumption_master(hash.view(), resumption);
    ASSERT_TRUE(ok);
    out = label == "res master"                    ? resumption.view()
          : label.find("exp") != std::string::npos ? exporter.view()
                                                   : traffic.view();
    same(out, step["expanded"]);
  }

  void construct(const Step& step) {
    const Octets& message = step.values.begin()->second;
    if (step.is("construct a NewSessionTicket")) return;  // not part of any transcript hash
    if (message[0] == SSL3_MT_SERVER_HELLO && !transcript_.started()) {
      ASSERT_TRUE(transcript_.start(md()));
    }
    if (is_hello_retry_request(message)) {
      ASSERT_TRUE(transcript_.replace_with_message_hash());
    }
    // The ClientHello of section 4 is shown before its binders are known: wait for the record.
    if (step.is("construct a ClientHello") && early_started_without_hello(step)) return;
    ASSERT_TRUE(transcript_.add(message));
  }

  // Only section 4 starts with the early secret and then builds a ClientHello.
  bool early_started_without_hello(const Step& step) {
    waits_for_binder_ = &step - trace_.data() >= 1 && trace_[1].is("extract");
    return waits_for_binder_;
  }

  void binder(const Step& step) {
    Digest hash;
    ASSERT_TRUE(transcript_.hash_with(md(), step["ClientHello_prefix"], hash));
    same(hash.view(), step["binder_hash"]);
    TrafficSecret key;
    ASSERT_TRUE(early_.binder_key(false, key));
    same(key.view(), step["PRK"]);
    Secret finished;
    ASSERT_TRUE(key.verify_data(hash.view(), finished));
    same(finished.view(), step["finished"]);
  }

  void finished(const Step& step) {
    Digest hash;
    ASSERT_TRUE(transcript_.hash(hash));
    Secret verify_data;
    ASSERT_TRUE(traffic_secret(HashId::sha256, step["PRK"]).verify_data(hash.view(), verify_data));
    same(verify_data.view(), step["finished"]);
  }

  void traffic_keys(const Step& step) {
    TrafficSecret secret = traffic_secret(HashId::sha256, step["PRK"]);
    TrafficKeys keys;
    ASSERT_TRUE(secret.keys(16, keys));
    same(keys.key.view(), step["key_expanded"]);
    same(keys.iv.view(), step["iv_expanded"]);
    const bool client_sends = (step.actor == "client") == step.is("derive write");
    Side& sender = client_sends ? client_ : server_;
    Side& receiver = client_sends ? server_ : client_;
    ASSERT_TRUE(sender.writer.change_keys(default_algorithms(), suite(), secret).ok());
    ASSERT_TRUE(receiver.reader.change_keys(default_algorithms(), suite(), secret).ok());
  }

  void send(const Step& step) {
    const Octets& payload = step["payload"];
    const Octets& record = step["complete_record"];
    if (waits_for_binder_ && record[0] == SSL3_RT_HANDSHAKE && payload[0] == SSL3_MT_CLIENT_HELLO) {
      ASSERT_TRUE(transcript_.add(payload));
      waits_for_binder_ = false;
    }
    Side& sender = step.actor == "client" ? client_ : server_;
    Side& receiver = step.actor == "client" ? server_ : client_;
    const ContentType type = step.is("send handshake")            ? ContentType::handshake
                             : step.is("send alert")              ? ContentType::alert
                             : step.is("send change_cipher_spec") ? ContentType::change_cipher_spec
                                                                  : ContentType::application_data;
    sender.writer.set_record_version(static_cast<uint16_t>(record[1] << 8 | record[2]));
    Bytes sealed;
    ASSERT_TRUE(sender.writer.seal(type, payload, sealed).ok());
    same(sealed.view(), record);

    Octets input = record;
    Opened opened = receiver.reader.open(input);
    if (type == ContentType::change_cipher_spec) {
      EXPECT_EQ(opened.kind, Opened::Kind::skip);
    } else {
      ASSERT_EQ(opened.kind, Opened::Kind::record);
      EXPECT_EQ(opened.type, type);
      same(opened.content, payload);
    }
    EXPECT_EQ(opened.consumed, record.size());
  }

  const Trace& trace_;
  EarlySecret early_;
  HandshakeSecret handshake_;
  MasterSecret master_;
  Transcript transcript_;
  std::map<std::string, std::unique_ptr<KeyShare>> shares_;
  std::map<std::string, Octets> publics_;
  Side client_;
  Side server_;
  bool waits_for_binder_ = false;
  int compared_ = 0;
};

class Rfc8448 : public ::testing::TestWithParam<int> {};

TEST_P(Rfc8448, Trace) {
  Trace trace = read_trace(GetParam());
  ASSERT_FALSE(trace.empty()) << "test/unit/data/rfc8448.txt";
  Player player(trace);
  player.play();
  EXPECT_GT(player.compared(), 40);
}

INSTANTIATE_TEST_SUITE_P(Sections, Rfc8448, ::testing::Values(3, 4, 5, 6, 7),
                         [](const auto& section) { return section_name(section.param); });

}  // namespace
}  // namespace handfast::crypto_test
