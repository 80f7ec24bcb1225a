// A client that sends early data, against servers that answer wrongly (RFC 8446 sections 4.2.10 and
// 4.5).
#include <gtest/gtest.h>

#include "engine_psk_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

constexpr uint32_t kLimit = 1000;

// A session whose ticket allows kLimit bytes, of a connection with ALPN "h2".
Resumption early_ticket(uint32_t limit = kLimit, const Script& script = {}) {
  Ticket13 ticket;
  ticket.extensions = {{TLSEXT_TYPE_early_data, u16(static_cast<uint16_t>(limit >> 16)) +
                                                    u16(static_cast<uint16_t>(limit))}};
  return client_with_ticket(ticket, nullptr, script);
}

void offer_h2(SSL* ssl) {
  SSL_set_alpn_protos(ssl, reinterpret_cast<const uint8_t*>("\2h2\5other"), 9);
}

Octets protocol(const Octets& name) {
  return vector16(vector8(name));
}

Script accepting(const Resumption& made, const std::string& text = "early") {
  Script script;
  script.keys = {made.key};
  script.accept_early_data = true;
  script.call = write_early(text);
  return script;
}

Script rejecting(const Resumption& made, const std::string& text = "early") {
  Script script = accepting(made, text);
  script.accept_early_data = false;
  return script;
}

void expect_status(Peer& peer, int status) {
  EXPECT_EQ(SSL_get_early_data_status(peer.ssl()), status);
}

// The connection is good in both directions.
void expect_data_flows(Peer& peer) {
  EXPECT_EQ(SSL_write(peer.ssl(), "more", 4), 4);
  Arrived arrived;
  ASSERT_TRUE(peer.take_record(arrived));
  EXPECT_EQ(arrived.type, ContentType::application_data);
  EXPECT_EQ(arrived.content, octets(as_view("more")));
  peer.send(ContentType::application_data, {'x'});
  peer.drive();
  EXPECT_EQ(peer.decrypted(), "x");
}

void fails(const Script& script, const Resumption& made, const Failure& failure,
           const Configure& configure = nullptr) {
  Peer peer(client_again(made, configure), script);
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, failure);
}

size_t count_types(const Octets& records, uint8_t type) {
  size_t found = 0;
  for (size_t at = 0; at + 5 <= records.size();) {
    found += records[at] == type ? 1 : 0;
    at += 5 + (static_cast<size_t>(records[at + 3]) << 8 | records[at + 4]);
  }
  return found;
}

}  // namespace

TEST(EngineEarlyClient, Accepted) {
  Resumption made = early_ticket();
  Peer peer(client_again(made), accepting(made));
  EXPECT_TRUE(peer.handshake());
  EXPECT_TRUE(peer.resumed());
  EXPECT_EQ(peer.early_data(), "early");
  expect_status(peer, SSL_EARLY_DATA_ACCEPTED);
  expect_data_flows(peer);
}

TEST(EngineEarlyClient, Rejected) {
  Resumption made = early_ticket();
  for (bool resumed : {true, false}) {
    Script script = rejecting(made);
    script.server_hello = [&](HelloParts& parts, bool) {
      if (!resumed) remove(parts.extensions, TLSEXT_TYPE_psk);
    };
    Peer peer(client_again(made), script);
    EXPECT_TRUE(peer.handshake());
    EXPECT_EQ(peer.resumed(), resumed);
    EXPECT_EQ(peer.early_data(), "early") << "it was sent all the same";
    expect_status(peer, SSL_EARLY_DATA_REJECTED);
    expect_data_flows(peer);
  }
}

TEST(EngineEarlyClient, NotAnnouncedWithoutNeed) {
  Resumption made = early_ticket();
  Script script;
  script.keys = {made.key};
  Peer peer(client_again(made), script);
  EXPECT_TRUE(peer.handshake());
  EXPECT_TRUE(peer.resumed());
  Extensions hello = peer.hello_extensions();
  EXPECT_EQ(find(hello, TLSEXT_TYPE_early_data), nullptr);
  expect_status(peer, SSL_EARLY_DATA_NOT_SENT);
}

// RFC 8446 4.2.10: "the client MUST NOT include the "early_data" extension in its followup
// ClientHello", which comes in the clear; and 4.1.4 with another hash too.
TEST(EngineEarlyClient, Retry) {
  Resumption made = early_ticket();
  for (uint16_t suite : {0x1301, 0x1302}) {
    Script script = rejecting(made);
    script.retry = true;
    script.suite = suite;
    Peer* self = nullptr;
    script.server_hello = [&](HelloParts&, bool retry) {
      Extensions hello = self->hello_extensions();
      EXPECT_EQ(find(hello, TLSEXT_TYPE_early_data) != nullptr, retry);
    };
    Peer peer(client_again(made), script);
    self = &peer;
    EXPECT_TRUE(peer.handshake());
    EXPECT_EQ(peer.resumed(), suite == 0x1301);
    expect_status(peer, SSL_EARLY_DATA_REJECTED);
    expect_data_flows(peer);
  }
}

TEST(EngineEarlyClient, RetryAndThenAccepted) {
  Resumption made = early_ticket();
  Script script = rejecting(made);
  script.retry = true;
  script.encrypted_extensions = [](Extensions& extensions) {
    set(extensions, TLSEXT_TYPE_early_data, {});
  };
  fails(script, made, {Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION});
}

TEST(EngineEarlyClient, OneChangeCipherSpec) {
  // RFC 8446 D.4: at most one, before the early data or the second flight.
  for (bool retry : {false, true}) {
    Resumption made = early_ticket();
    Script script = rejecting(made);
    script.retry = retry;
    twin::Owned<SSL> ssl = client_again(made);
    Octets records;
    SSL_set_msg_callback(ssl.get(), [](int written, int, int type, const void* data, size_t length,
                                       SSL*, void* argument) {
      if (written == 0 || type != SSL3_RT_HEADER) return;
      const auto* header = static_cast<const uint8_t*>(data);
      auto& seen = *static_cast<Octets*>(argument);
      seen.insert(seen.end(), header, header + 3);
      seen.insert(seen.end(), {0, 0});
      EXPECT_EQ(length, 5U);
    });
    SSL_set_msg_callback_arg(ssl.get(), &records);
    Peer peer(std::move(ssl), script);
    EXPECT_TRUE(peer.handshake());
    EXPECT_EQ(count_types(records, SSL3_RT_CHANGE_CIPHER_SPEC), 1U);
  }
}

// --- Answers that must not be ---

TEST(EngineEarlyClient, AcceptedThoughNotOffered) {
  Script script;
  script.encrypted_extensions = [](Extensions& extensions) {
    set(extensions, TLSEXT_TYPE_early_data, {});
  };
  expect_client_fails(script, {Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION});
  Resumption made = early_ticket();
  script.keys = {made.key};
  fails(script, made, {Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION});
}

TEST(EngineEarlyClient, FormOfTheAnswer) {
  Resumption made = early_ticket();
  Script script = accepting(made);
  script.encrypted_extensions = [](Extensions& extensions) {
    set(extensions, TLSEXT_TYPE_early_data, {0});
  };
  fails(script, made, {Alert::decode_error, SSL_R_BAD_EXTENSION});
  script.encrypted_extensions = [](Extensions& extensions) {
    extensions.push_back({TLSEXT_TYPE_early_data, {}});
  };
  fails(script, made, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION});
  // In the ServerHello: the alert has the keys of early data.
  script = accepting(made);
  script.server_hello = [](HelloParts& parts, bool) {
    set(parts.extensions, TLSEXT_TYPE_early_data, {});
  };
  fails(script, made, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION});
}

// RFC 8446 4.2.10: "the client MUST verify that the server's selected_identity is 0", and without a
// key at all there is nothing to accept.
TEST(EngineEarlyClient, AcceptedWithoutTheKey) {
  Resumption made = early_ticket();
  Script script = accepting(made);
  script.server_hello = [](HelloParts& parts, bool) { remove(parts.extensions, TLSEXT_TYPE_psk); };
  fails(script, made, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION});

  script = accepting(made);
  script.keys.push_back(external_key(1));
  script.server_hello = [](HelloParts& parts, bool) {
    set(parts.extensions, TLSEXT_TYPE_psk, u16(1));
  };
  auto with_another = [](SSL* ssl) { use(ssl, external_key(1)); };
  fails(script, made, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION}, with_another);
  // Rejected, it may be the second.
  script.accept_early_data = false;
  Peer peer(client_again(made, with_another), script);
  EXPECT_TRUE(peer.handshake());
  expect_status(peer, SSL_EARLY_DATA_REJECTED);
}

// "The same TLS version, cipher suite and ALPN protocol".
TEST(EngineEarlyClient, AcceptedWithAnotherSuite) {
  Resumption made = early_ticket();
  Script script = accepting(made);
  script.suite = 0x1303;
  fails(script, made, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION});
  script.accept_early_data = false;
  Peer peer(client_again(made), script);
  EXPECT_TRUE(peer.handshake());
  expect_status(peer, SSL_EARLY_DATA_REJECTED);
}

TEST(EngineEarlyClient, AcceptedWithAnotherProtocol) {
  struct {
    Octets before, now;
    bool right;
  } const cases[] = {
      {{'h', '2'}, {'h', '2'}, true},
      {{'h', '2'}, octets(as_view("other")), false},
      {{'h', '2'}, {}, false},
      {{}, {'h', '2'}, false},
      {{}, {}, true},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(std::string(test.before.begin(), test.before.end()) + " then " +
                 std::string(test.now.begin(), test.now.end()));
    Ticket13 ticket;
    ticket.extensions = {{TLSEXT_TYPE_early_data, {0, 0, 1, 0}}};
    Script first;
    first.encrypted_extensions = [&](Extensions& extensions) {
      if (!test.before.empty())
        set(extensions, TLSEXT_TYPE_application_layer_protocol_negotiation, protocol(test.before));
    };
    Resumption made = client_with_ticket(
        ticket,
        [](SSL_CTX* context) {
          SSL_CTX_set_alpn_protos(context, reinterpret_cast<const uint8_t*>("\2h2\5other"), 9);
        },
        first);
    for (bool alpn_first : {false, true}) {
      Script script = accepting(made);
      script.encrypted_extensions = [&](Extensions& extensions) {
        if (test.now.empty()) return;
        Extension alpn{TLSEXT_TYPE_application_layer_protocol_negotiation, protocol(test.now)};
        extensions.insert(alpn_first ? extensions.begin() : extensions.end(), alpn);
      };
      if (!test.right) {
        fails(script, made, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION});
        continue;
      }
      Peer peer(client_again(made), script);
      EXPECT_TRUE(peer.handshake());
      expect_status(peer, SSL_EARLY_DATA_ACCEPTED);
    }
  }
}

// --- How much ---

TEST(EngineEarlyClient, AsMuchAsTheTicketAllows) {
  Resumption made = early_ticket();
  Peer peer(client_again(made), accepting(made, std::string(kLimit, 'e')));
  EXPECT_TRUE(peer.handshake());
  EXPECT_EQ(peer.early_data(), std::string(kLimit, 'e'));

  // Of several records.
  Resumption large = early_ticket(50000);
  Peer second(client_again(large), accepting(large, std::string(50000, 'e')));
  EXPECT_TRUE(second.handshake());
  EXPECT_EQ(second.early_data(), std::string(50000, 'e'));
}

// "Servers SHOULD [...] terminate": the client does not let it come to that.
TEST(EngineEarlyClient, MoreThanTheTicketAllows) {
  Resumption made = early_ticket();
  {
    Peer peer(client_again(made), accepting(made, std::string(kLimit + 1, 'e')));
    peer.drive();
    EXPECT_EQ(peer.outcome().error, SSL_ERROR_SSL);
    EXPECT_TRUE(peer.outcome().has(SSL_R_TOO_MUCH_EARLY_DATA));
  }
  for (size_t first : {size_t{1}, size_t{500}, size_t{kLimit}}) {
    twin::Owned<SSL> ssl = client_again(made);
    twin::Owned<BIO> out(BIO_new(BIO_s_mem()));
    BIO_up_ref(out.get());
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out.get());
    size_t done = 0;
    std::string text(kLimit + 1, 'e');
    EXPECT_EQ(SSL_write_early_data(ssl.get(), text.data(), first, &done), 1);
    size_t before = BIO_ctrl_pending(out.get());
    EXPECT_EQ(SSL_write_early_data(ssl.get(), text.data(), kLimit + 1 - first, &done), 0);
    EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_TOO_MUCH_EARLY_DATA);
    EXPECT_EQ(SSL_get_error(ssl.get(), 0), SSL_ERROR_SSL);
    EXPECT_LE(BIO_ctrl_pending(out.get()), before + 5 + 2 + 17) << "no more than an alert";
    ERR_clear_error();
    EXPECT_EQ(SSL_write_early_data(ssl.get(), text.data(), 1, &done), 0);
    EXPECT_LE(SSL_do_handshake(ssl.get()), 0);
    ERR_clear_error();
  }
}

TEST(EngineEarlyClient, NotAllowed) {
  Resumption none = client_with_ticket();
  for (bool with_session : {true, false}) {
    twin::Owned<SSL> ssl = with_session ? client_again(none) : new_client();
    size_t done = 7;
    EXPECT_EQ(SSL_write_early_data(ssl.get(), "x", 1, &done), 0);
    EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
    EXPECT_EQ(SSL_get_error(ssl.get(), 0), SSL_ERROR_SSL);
    ERR_clear_error();
  }
}

// RFC 8446 4.2.10: what it was meant for.
TEST(EngineEarlyClient, OtherNameOrProtocol) {
  struct {
    const char* name;
    Configure configure;
    int reason;
  } const cases[] = {
      {"name", [](SSL* ssl) { SSL_set_tlsext_host_name(ssl, "elsewhere.example"); },
       SSL_R_INCONSISTENT_EARLY_DATA_SNI},
      {"no name", [](SSL* ssl) { SSL_set_tlsext_host_name(ssl, nullptr); },
       SSL_R_INCONSISTENT_EARLY_DATA_SNI},
      {"protocol",
       [](SSL* ssl) { SSL_set_alpn_protos(ssl, reinterpret_cast<const uint8_t*>("\5other"), 6); },
       SSL_R_INCONSISTENT_EARLY_DATA_ALPN},
  };
  Ticket13 ticket;
  ticket.extensions = {{TLSEXT_TYPE_early_data, {0, 0, 1, 0}}};
  Script first;
  first.encrypted_extensions = [](Extensions& extensions) {
    set(extensions, TLSEXT_TYPE_server_name, {});
    set(extensions, TLSEXT_TYPE_application_layer_protocol_negotiation, protocol({'h', '2'}));
  };
  Resumption made{new_client_context(), nullptr, {}};
  {
    Peer peer(new_client(made.context.get(),
                         [](SSL* ssl) {
                           SSL_set_tlsext_host_name(ssl, "localhost");
                           offer_h2(ssl);
                         }),
              first);
    ASSERT_TRUE(peer.handshake());
    peer.send_in_records(ticket.message());
    peer.drive();
    made.session.reset(SSL_get1_session(peer.ssl()));
    made.key = peer.key_of(ticket);
    SSL_shutdown(peer.ssl());
  }
  auto same = [](SSL* ssl) {
    SSL_set_tlsext_host_name(ssl, "localhost");
    offer_h2(ssl);
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    Peer peer(client_again(made,
                           [&](SSL* ssl) {
                             same(ssl);
                             test.configure(ssl);
                           }),
              accepting(made));
    peer.drive();
    EXPECT_TRUE(peer.outcome().has(test.reason));
    EXPECT_EQ(peer.outcome().error, SSL_ERROR_SSL);
  }
  Script script = accepting(made);
  script.encrypted_extensions = first.encrypted_extensions;
  Peer peer(client_again(made, same), script);
  EXPECT_TRUE(peer.handshake());
  expect_status(peer, SSL_EARLY_DATA_ACCEPTED);
}
