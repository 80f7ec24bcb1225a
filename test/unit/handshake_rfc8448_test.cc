// The messages of RFC 8448's traces, in the library's own hands: parsed and built, read by the
// extensions, hashed, signed, and the pre-shared key with all that hangs on it.
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/signature_scheme.h"
#include "engine_psk_support.h"
#include "extension/extension.h"
#include "extension/pre_shared_key.h"
#include "handshake/binder.h"
#include "handshake/early_data.h"
#include "handshake/psk.h"
#include "handshake/receive.h"
#include "handshake/steps.h"
#include "handshake/tickets13.h"
#include "message/certificate.h"
#include "message/certificate_request.h"
#include "message/certificate_verify.h"
#include "message/client_hello.h"
#include "message/encrypted_extensions.h"
#include "message/end_of_early_data.h"
#include "message/finished.h"
#include "message/new_session_ticket.h"
#include "message/server_hello.h"
#include "rfc8448_trace.h"

namespace handfast {
namespace {

using crypto_test::messages_of;
using crypto_test::octets;
using crypto_test::Octets;
using crypto_test::read_trace;
using crypto_test::secret_of;
using crypto_test::to_hex;
using crypto_test::Trace;
using crypto_test::TraceMessage;
using crypto_test::traffic_secret;
using engine_test::algorithms;

constexpr int kFull = 3, kResumed = 4, kRetry = 5, kClientAuthentication = 6, kCompatible = 7;

const CipherSuite* suite() {
  return find_cipher_suite(0x1301);
}
const EVP_MD* sha256() {
  return algorithms().hash(HashId::sha256);
}

template <typename Message>
void expect_rebuilt(const TraceMessage& message) {
  Message parsed;
  ASSERT_TRUE(parse(message.body(), parsed).ok());
  Bytes built;
  ASSERT_TRUE(build_message(parsed, built));
  EXPECT_EQ(to_hex(built.view()), to_hex(message.whole));
}

class Rfc8448Handshake : public testing::TestWithParam<int> {
 protected:
  Trace trace_ = read_trace(GetParam());
  std::vector<TraceMessage> messages_ = messages_of(trace_);
};

INSTANTIATE_TEST_SUITE_P(Sections, Rfc8448Handshake,
                         testing::Values(kFull, kResumed, kRetry, kClientAuthentication,
                                         kCompatible),
                         [](const auto& section) {
                           return crypto_test::section_name(section.param);
                         });

const TraceMessage* find_message(const std::vector<TraceMessage>& messages, uint8_t type,
                                 size_t skip = 0) {
  for (const TraceMessage& message : messages) {
    if (message.type() == type && skip-- == 0) return &message;
  }
  ADD_FAILURE() << "no message " << static_cast<int>(type);
  return nullptr;
}

// One side's handshake as far as its steps need it.
struct Side {
  twin::Owned<SSL> ssl;
  std::unique_ptr<Handshake> hs;

  explicit Side(bool server) : ssl(server ? engine_test::new_server() : engine_test::new_client()) {
    hs = std::make_unique<Handshake>(*ssl);
    hs->negotiated->suite = suite();
    hs->negotiated->version = TLS1_3_VERSION;
    hs->max_version = TLS1_3_VERSION;
  }
  // Into the transcript, as the flows do it.
  void absorb(const TraceMessage& message) {
    Transcript& transcript = hs->transcript;
    bool hello = message.type() == SSL3_MT_SERVER_HELLO;
    if (hello && !transcript.started()) EXPECT_TRUE(transcript.start(sha256()));
    if (crypto_test::is_hello_retry_request(message.whole)) {
      EXPECT_TRUE(transcript.replace_with_message_hash());
    }
    EXPECT_TRUE(transcript.add(message.whole));
  }
  void receive(const TraceMessage& message) {
    kept = message.whole;
    hs->message = {message.type(), View(kept).subspan(4), kept};
  }
  Octets kept;
};

// What `message` is read as, by whom it is sent to.
MessageSet place_of(const TraceMessage& message) {
  switch (message.type()) {
    case SSL3_MT_CLIENT_HELLO:
      return kInClientHello;
    case SSL3_MT_SERVER_HELLO:
      return crypto_test::is_hello_retry_request(message.whole) ? kInHelloRetryRequest
                                                                : kInServerHello13;
    default:
      return kInEncryptedExtensions;
  }
}

View extensions_of(const TraceMessage& message) {
  ClientHello client;
  ServerHello server;
  EncryptedExtensions encrypted;
  switch (message.type()) {
    case SSL3_MT_CLIENT_HELLO:
      EXPECT_TRUE(parse(message.body(), client).ok());
      return client.extensions;
    case SSL3_MT_SERVER_HELLO:
      EXPECT_TRUE(parse(message.body(), server).ok());
      return server.extensions;
    default:
      EXPECT_TRUE(parse(message.body(), encrypted).ok());
      return encrypted.extensions;
  }
}

// The client of the traces has sent these; what we do not know counts as the application's own.
void note_sent(Handshake& hs, const TraceMessage& hello) {
  Reader block(extensions_of(hello));
  uint16_t type = 0;
  View body;
  hs.sent = 0;
  while (next_extension(block, type, body)) {
    hs.sent |= extension_bit(type);
    if (extension_bit(type) == 0) EXPECT_TRUE(hs.custom_sent.push_back(type));
  }
}

// Input keying material of an extraction.
Octets input_of(const Trace& trace, std::string_view label) {
  for (const auto& step : trace) {
    if (step.is("extract secret") && step.label() == label) return step["IKM"];
  }
  ADD_FAILURE() << label;
  return {};
}

Octets ticket_key(const Trace& first) {
  for (const auto& step : first) {
    if (step.is("generate resumption secret")) return step["expanded"];
  }
  ADD_FAILURE();
  return {};
}

}  // namespace

TEST_P(Rfc8448Handshake, MessagesAreParsedAndBuilt) {
  ASSERT_GE(messages_.size(), 6U);
  for (const TraceMessage& message : messages_) {
    SCOPED_TRACE(static_cast<int>(message.type()));
    switch (message.type()) {
      case SSL3_MT_CLIENT_HELLO:
        expect_rebuilt<ClientHello>(message);
        break;
      case SSL3_MT_SERVER_HELLO:
        expect_rebuilt<ServerHello>(message);
        break;
      case SSL3_MT_ENCRYPTED_EXTENSIONS:
        expect_rebuilt<EncryptedExtensions>(message);
        break;
      case SSL3_MT_CERTIFICATE_REQUEST:
        expect_rebuilt<CertificateRequest13>(message);
        break;
      case SSL3_MT_CERTIFICATE:
        expect_rebuilt<Certificate13>(message);
        break;
      case SSL3_MT_CERTIFICATE_VERIFY:
        expect_rebuilt<CertificateVerify>(message);
        break;
      case SSL3_MT_FINISHED:
        expect_rebuilt<Finished>(message);
        break;
      case SSL3_MT_END_OF_EARLY_DATA:
        expect_rebuilt<EndOfEarlyData>(message);
        break;
      case SSL3_MT_NEWSESSION_TICKET:
        expect_rebuilt<NewSessionTicket13>(message);
        break;
      default:
        ADD_FAILURE() << "a message that no trace has";
    }
  }
}

// Each extension is read by the side that it is for.
TEST_P(Rfc8448Handshake, ExtensionsAreRead) {
  Side client(false), server(true);
  Handshake& hs = *client.hs;
  SessionRef session(new_session());
  session->cipher = suite();
  for (const TraceMessage& message : messages_) {
    SCOPED_TRACE(static_cast<int>(message.type()));
    switch (message.type()) {
      case SSL3_MT_CLIENT_HELLO:
        ASSERT_TRUE(read_extensions(*server.hs, kInClientHello, extensions_of(message)).ok());
        EXPECT_FALSE(server.hs->offers.supported_groups.empty());
        server.hs->hello_retry_request = GetParam() == kRetry;
        note_sent(hs, message);
        if (GetParam() == kResumed) {
          hs.psks.push_back({session.get(), {}, 0, false});
        }
        hs.share_groups.clear();
        hs.share_groups.push_back(GetParam() == kRetry && hs.hello_retry_request ? 23 : 29);
        break;
      case SSL3_MT_SERVER_HELLO:
        ASSERT_TRUE(read_extensions(hs, place_of(message), extensions_of(message)).ok());
        EXPECT_EQ(hs.selected_version, TLS1_3_VERSION);
        hs.hello_retry_request = place_of(message) == kInHelloRetryRequest;
        break;
      case SSL3_MT_ENCRYPTED_EXTENSIONS:
        ASSERT_TRUE(read_extensions(hs, kInEncryptedExtensions, extensions_of(message)).ok());
        break;
      default:
        break;
    }
  }
  EXPECT_EQ(hs.server_share_group, GetParam() == kRetry ? 23 : 29);
  EXPECT_EQ(hs.resuming, GetParam() == kResumed);
  EXPECT_EQ(hs.negotiated->early_data_status,
            GetParam() == kResumed ? SSL_EARLY_DATA_ACCEPTED : SSL_EARLY_DATA_NOT_SENT);
  EXPECT_EQ(hs.cookie.empty(), GetParam() != kRetry);
  EXPECT_EQ(server.hs->offers.psk, GetParam() == kResumed);
  EXPECT_EQ(server.hs->offers.early_data, GetParam() == kResumed);
  EXPECT_TRUE(server.hs->offers.psk_dhe_ke);
}

// Both Finished are those that our side would send, and those that the other side takes.
TEST_P(Rfc8448Handshake, FinishedAndResumptionSecret) {
  Side client(false), server(true);
  size_t seen = 0;
  for (const TraceMessage& message : messages_) {
    if (message.type() == SSL3_MT_NEWSESSION_TICKET) continue;
    if (message.type() == SSL3_MT_FINISHED) {
      ++seen;
      TrafficSecret secret = traffic_secret(
          HashId::sha256, secret_of(trace_, message.from_server ? "s hs traffic" : "c hs traffic"));
      Side& sender = message.from_server ? server : client;
      Side& receiver = message.from_server ? client : server;
      receiver.receive(message);
      EXPECT_TRUE(check_finished(*receiver.hs, secret).ok());
      receiver.absorb(message);
      ASSERT_TRUE(send_finished(*sender.hs, secret).ok());
      EXPECT_EQ(to_hex(sender.hs->scratch.view()), to_hex(message.whole));
      continue;
    }
    client.absorb(message);
    server.absorb(message);
  }
  EXPECT_EQ(seen, 2U);
  EarlySecret early;
  HandshakeSecret handshake_secret;
  MasterSecret master;
  Octets psk = GetParam() == kResumed ? ticket_key(read_trace(kFull)) : Octets();
  ASSERT_TRUE(early.start(sha256(), psk) &&
              std::move(early).next(input_of(trace_, "handshake"), handshake_secret) &&
              std::move(handshake_secret).next(master));
  for (Side* side : {&client, &server}) {
    ASSERT_TRUE(keep_resumption_secret(*side->hs, master).ok());
    EXPECT_EQ(to_hex(side->hs->conn.resumption_secret.view()),
              to_hex(secret_of(trace_, "res master")));
  }
}

// RFC 8446 4.4.3, of servers and of section 6's client.
TEST_P(Rfc8448Handshake, SignaturesVerify) {
  Side reader(false);
  X509Ptr certificate;
  int verified = 0;
  for (const TraceMessage& message : messages_) {
    if (message.type() == SSL3_MT_CERTIFICATE) {
      Certificate13 parsed;
      CertificateEntry entry;
      ASSERT_TRUE(parse(message.body(), parsed).ok());
      Reader entries(parsed.entries);
      ASSERT_TRUE(next(entries, entry));
      const unsigned char* at = entry.data.data();
      certificate.reset(d2i_X509(nullptr, &at, static_cast<long>(entry.data.size())));
      ASSERT_NE(certificate, nullptr);
    }
    if (message.type() == SSL3_MT_CERTIFICATE_VERIFY) {
      CertificateVerify parsed;
      Digest hash;
      Bytes content;
      ASSERT_TRUE(parse(message.body(), parsed).ok());
      ASSERT_TRUE(reader.hs->transcript.hash(hash));
      ASSERT_TRUE(certificate_verify_content(message.from_server, hash.view(), content));
      const SignatureScheme* scheme = find_signature_scheme(parsed.scheme);
      ASSERT_NE(scheme, nullptr);
      EVP_PKEY* key = X509_get0_pubkey(certificate.get());
      EXPECT_TRUE(
          verify_signature(algorithms(), *scheme, key, content.view(), parsed.signature).ok());
      content.data()[content.size() - 1] ^= 1;
      EXPECT_FALSE(
          verify_signature(algorithms(), *scheme, key, content.view(), parsed.signature).ok());
      ERR_clear_error();
      ++verified;
    }
    if (message.type() != SSL3_MT_NEWSESSION_TICKET) reader.absorb(message);
  }
  EXPECT_EQ(verified, GetParam() == kResumed ? 0 : GetParam() == kClientAuthentication ? 2 : 1);
}

// --- Section 4: the ticket of section 3 and what it is good for ---

TEST(Rfc8448Resumption, TicketBecomesASession) {
  Trace first = read_trace(kFull);
  std::vector<TraceMessage> messages = messages_of(first);
  Side client(false);
  client.hs->conn.session.reset(new_session());
  client.hs->conn.resumption_secret.assign(secret_of(first, "res master"));
  NewSessionTicket13 ticket;
  ASSERT_TRUE(parse(find_message(messages, SSL3_MT_NEWSESSION_TICKET)->body(), ticket).ok());
  ASSERT_TRUE(accept_ticket13(*client.hs, ticket).ok());
  const Session& session = *client.hs->conn.session;
  EXPECT_EQ(to_hex(session.master_key.view()), to_hex(ticket_key(first)));
  EXPECT_EQ(to_hex(session.ticket.view()), to_hex(ticket.ticket));
  EXPECT_EQ(session.ticket_lifetime_hint, 30U);
  EXPECT_EQ(session.max_early_data, 1024U);
}

TEST(Rfc8448Resumption, BinderAndEarlySecrets) {
  Trace trace = read_trace(kResumed);
  std::vector<TraceMessage> messages = messages_of(trace);
  const TraceMessage& hello = messages[0];
  Side server(true);
  ASSERT_TRUE(read_extensions(*server.hs, kInClientHello, extensions_of(hello)).ok());
  const ClientOffers& offers = server.hs->offers;
  // The ticket of section 3.
  NewSessionTicket13 ticket;
  std::vector<TraceMessage> first = messages_of(read_trace(kFull));
  ASSERT_TRUE(parse(find_message(first, SSL3_MT_NEWSESSION_TICKET)->body(), ticket).ok());
  Reader list(offers.psk_identities);
  PskIdentity identity;
  ASSERT_TRUE(next_identity(list, identity) && list.empty());
  EXPECT_EQ(to_hex(identity.identity), to_hex(ticket.ticket));
  EXPECT_LT(identity.obfuscated_age - ticket.age_add, 30000U) << "within its lifetime";

  SessionRef session(new_session());
  ASSERT_TRUE(session->master_key.assign(ticket_key(read_trace(kFull))));
  session->cipher = suite();
  View binder = binder_at(offers.psk_binders, 0);
  View truncated = View(hello.whole).first(hello.whole.size() - offers.psk_binders.size() - 2);
  Secret ours;
  ASSERT_TRUE(compute_binder(*server.hs, *session, false, truncated, ours));
  EXPECT_EQ(to_hex(ours.view()), to_hex(binder));
  // A key of the application has another label.
  ASSERT_TRUE(compute_binder(*server.hs, *session, true, truncated, ours));
  EXPECT_NE(to_hex(ours.view()), to_hex(binder));

  // With the hello in the transcript: early traffic and exporter.
  EarlySecret early;
  TrafficSecret traffic;
  ASSERT_TRUE(server.hs->transcript.add(hello.whole) && server.hs->transcript.start(sha256()));
  server.hs->conn.session = std::move(session);
  server.hs->resuming = true;
  ASSERT_TRUE(start_early_secret(*server.hs, early));
  ASSERT_TRUE(derive_early_secrets(*server.hs, sha256(), early, traffic).ok());
  EXPECT_EQ(to_hex(traffic.view()), to_hex(secret_of(trace, "c e traffic")));
  EXPECT_EQ(to_hex(server.hs->conn.early_exporter.view()),
            to_hex(secret_of(trace, "e exp master")));
}

// The trace's records of early data and of the second flight open with the keys that we derive, in
// the order in which the keys change.
TEST(Rfc8448Resumption, EarlyDataUpToTheFinished) {
  Trace trace = read_trace(kResumed);
  RecordReader reader;
  auto use = [&](const char* label) {
    TrafficSecret secret = traffic_secret(HashId::sha256, secret_of(trace, label));
    EXPECT_TRUE(reader.change_keys(algorithms(), *suite(), secret).ok());
  };
  std::vector<std::string> seen;
  for (const auto& step : trace) {
    if (step.actor != "client" || !step.is("send")) continue;
    Octets record = step["complete_record"];
    Opened opened = reader.open(record);
    ASSERT_EQ(opened.kind, Opened::Kind::record) << step.what;
    EXPECT_EQ(to_hex(opened.content), to_hex(step["payload"]));
    bool message = opened.type == ContentType::handshake;
    seen.push_back(std::to_string(static_cast<int>(opened.type)) + "/" +
                   std::to_string(message ? opened.content[0] : 0));
    if (!message) continue;
    switch (opened.content[0]) {
      case SSL3_MT_CLIENT_HELLO:
        use("c e traffic");
        break;
      case SSL3_MT_END_OF_EARLY_DATA:
        use("c hs traffic");
        break;
      default:
        use("c ap traffic");
    }
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"22/1", "23/0", "22/5", "22/20", "23/0", "21/0"}));
}

// A client of ours that holds the trace's ticket offers it with early data, and a server that knows
// the trace's key takes both.
TEST(Rfc8448Resumption, SessionIsResumed) {
  Trace first = read_trace(kFull);
  NewSessionTicket13 ticket;
  std::vector<TraceMessage> messages = messages_of(first);
  ASSERT_TRUE(parse(find_message(messages, SSL3_MT_NEWSESSION_TICKET)->body(), ticket).ok());
  engine_test::Resumption made{engine_test::new_client_context(), nullptr, {}};
  {
    Side client(false);
    client.hs->conn.session.reset(new_session());
    Session& session = *client.hs->conn.session;
    session.version = TLS1_3_VERSION;
    session.cipher = suite();
    session.cipher_id = TLS1_3_CK_AES_128_GCM_SHA256;
    client.hs->conn.resumption_secret.assign(secret_of(first, "res master"));
    ASSERT_TRUE(accept_ticket13(*client.hs, ticket).ok());
    made.session.reset(SSL_SESSION_dup(client.hs->conn.session.get()));
  }
  made.key = {octets(ticket.ticket), ticket_key(first), 0, false, 0x1301};
  engine_test::Script script;
  script.keys = {made.key};
  script.accept_early_data = true;
  script.call = engine_test::write_early("ABCDEF");
  engine_test::Peer peer(engine_test::client_again(made), script);
  EXPECT_TRUE(peer.handshake());
  EXPECT_EQ(peer.offered(), std::vector<Octets>{octets(ticket.ticket)});
  EXPECT_TRUE(peer.resumed());
  EXPECT_EQ(peer.early_data(), "ABCDEF");
}

}  // namespace handfast
