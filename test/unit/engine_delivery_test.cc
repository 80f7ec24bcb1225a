// The same conversation, however its bytes are delivered: whole, byte by byte, in random pieces.
#include <gtest/gtest.h>

#include <random>

#include "support/peers.h"

namespace {

using twin::Owned;

// How bytes move between the two sides, and what the sides' BIOs allow.
struct Delivery {
  size_t piece = SIZE_MAX;        // bytes that one side may read before the other runs
  bool random = false;            // 1 to `piece` of them
  size_t write_limit = SIZE_MAX;  // bytes that a BIO takes before it asks for a retry
  uint32_t seed = 1;
};

// Bytes on their way. Each end sees only what was delivered, and blocks when it has none.
struct Wire {
  std::string undelivered, ready;
  size_t room = SIZE_MAX;  // what the writer may still write
  size_t moved = 0;
};

int wire_read(BIO* bio, char* data, size_t size, size_t* done) {
  auto* wire = static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *done = std::min(size, wire->ready.size());
  if (*done == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  std::memcpy(data, wire->ready.data(), *done);
  wire->ready.erase(0, *done);
  return 1;
}

int wire_write(BIO* bio, const char* data, size_t size, size_t* done) {
  auto* wire = static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *done = std::min(size, wire->room);
  if (*done == 0) {
    BIO_set_retry_write(bio);
    return -1;
  }
  wire->room -= *done;
  wire->moved += *done;
  wire->undelivered.append(data, *done);
  return 1;
}

long wire_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO* new_wire(const char* name, Wire* wire) {
  static BIO_METHOD* method = [&] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, name);
    BIO_meth_set_read_ex(made, wire_read);
    BIO_meth_set_write_ex(made, wire_write);
    BIO_meth_set_ctrl(made, wire_control);
    return made;
  }();
  BIO* bio = BIO_new(method);
  BIO_set_data(bio, wire);
  BIO_set_init(bio, 1);
  return bio;
}

// What one side does: handshake, write, read until the end, shut down.
class Side {
 public:
  Side(SSL* ssl, std::string to_send, bool updates)
      : ssl_(ssl), to_send_(std::move(to_send)), updates_(updates) {}

  [[nodiscard]] bool over() const { return stage_ == Stage::over; }
  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }

  // Calls the SSL until it blocks; `in` and `out` are its wires.
  void run(const Wire& in, const Wire& out) {
    while (stage_ != Stage::over && failure_.empty()) {
      ERR_clear_error();
      int result = step();
      if (result > 0) continue;
      int error = SSL_get_error(ssl_, result);
      check(error, in, out);
      return;
    }
  }

 private:
  enum class Stage { handshake, write, update, read, shutdown, over };

  int step() {
    switch (stage_) {
      case Stage::handshake:
        return advance(SSL_do_handshake(ssl_));
      case Stage::write:
        return write();
      case Stage::update:
        if (updates_) {
          EXPECT_EQ(SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED), 1);
        }
        updates_ = false;
        return advance(SSL_do_handshake(ssl_));
      case Stage::read:
        return read();
      case Stage::shutdown: {
        int result = SSL_shutdown(ssl_);
        // 0: ours is out, theirs is awaited by the next call.
        return result == 0 ? 1 : advance(result);
      }
      case Stage::over:
        break;
    }
    return 1;
  }

  int advance(int result) {
    if (result > 0) stage_ = static_cast<Stage>(static_cast<int>(stage_) + 1);
    return result;
  }

  // Two writes with a KeyUpdate between them.
  int write() {
    size_t half = sent_ == 0 ? to_send_.size() / 2 : to_send_.size() - sent_;
    size_t done = 0;
    int result = SSL_write_ex(ssl_, to_send_.data() + sent_, half, &done);
    if (result <= 0) return result;
    EXPECT_EQ(done, half);
    sent_ += done;
    if (updates_ || sent_ == to_send_.size()) {
      stage_ = updates_ ? Stage::update : Stage::read;
    }
    return 1;
  }

  int read() {
    // After the update there is the second half to write.
    if (sent_ < to_send_.size()) {
      stage_ = Stage::write;
      return 1;
    }
    char buffer[700];
    size_t done = 0;
    int result = SSL_read_ex(ssl_, buffer, sizeof buffer, &done);
    received_.append(buffer, done);
    if (result > 0 && received_.size() == to_send_.size()) stage_ = Stage::shutdown;
    return result;
  }

  void check(int error, const Wire& in, const Wire& out) {
    if (error == SSL_ERROR_WANT_READ) {
      EXPECT_TRUE(in.ready.empty()) << "WANT_READ with bytes there";
      EXPECT_TRUE(SSL_want_read(ssl_));
    } else if (error == SSL_ERROR_WANT_WRITE) {
      EXPECT_EQ(out.room, 0U) << "WANT_WRITE with room there";
      EXPECT_TRUE(SSL_want_write(ssl_));
    } else {
      failure_ = twin::error_name(error) + (": " + twin::errors());
    }
    EXPECT_EQ(ERR_peek_error(), 0U) << "a retry leaves nothing in the queue";
  }

  SSL* ssl_;
  std::string to_send_, received_, failure_;
  size_t sent_ = 0;
  bool updates_;
  Stage stage_ = Stage::handshake;
};

struct Conversation {
  const char* name;
  twin::Setup setup;
  size_t size = 3000;
  bool updates = true;
};

// What must be the same in every delivery.
std::string outcome(const twin::Peers& peers, const Side& client, const Side& server) {
  SSL* ssl = peers.client.get();
  X509* shown = SSL_get0_peer_certificate(peers.server.get());
  return twin::text(
      "%s %s client %zu server %zu state %d %d group %d %d cert %d shutdown %d %d%s%s",
      SSL_get_version(ssl), SSL_get_cipher_name(ssl), client.received().size(),
      server.received().size(), SSL_get_state(ssl), SSL_get_state(peers.server.get()),
      static_cast<int>(SSL_get_negotiated_group(ssl)),
      static_cast<int>(SSL_get_negotiated_group(peers.server.get())), shown != nullptr,
      SSL_get_shutdown(ssl), SSL_get_shutdown(peers.server.get()), client.failure().c_str(),
      server.failure().c_str());
}

void deliver(Wire& wire, const Delivery& delivery, std::minstd_rand& random) {
  size_t count = delivery.piece;
  if (delivery.random) count = 1 + random() % delivery.piece;
  count = std::min(count, wire.undelivered.size());
  wire.ready.append(wire.undelivered, 0, count);
  wire.undelivered.erase(0, count);
  wire.room = delivery.random && delivery.write_limit != SIZE_MAX
                  ? 1 + random() % delivery.write_limit
                  : delivery.write_limit;
}

std::string converse(const Conversation& conversation, const Delivery& delivery,
                     twin::Peers& peers) {
  Wire up, down;
  SSL_set_bio(peers.client.get(), new_wire("wire", &down), new_wire("wire", &up));
  SSL_set_bio(peers.server.get(), new_wire("wire", &up), new_wire("wire", &down));
  Side client(peers.client.get(), twin::sample(conversation.size, 1), conversation.updates);
  Side server(peers.server.get(), twin::sample(conversation.size, 2), conversation.updates);
  std::minstd_rand random(delivery.seed);
  up.room = down.room = delivery.write_limit;
  for (int idle = 0; !(client.over() && server.over()) && idle < 4;) {
    size_t before = up.moved + down.moved + up.undelivered.size() + down.undelivered.size();
    client.run(down, up);
    deliver(up, delivery, random);
    server.run(up, down);
    deliver(down, delivery, random);
    size_t after = up.moved + down.moved + up.undelivered.size() + down.undelivered.size();
    idle = before == after ? idle + 1 : 0;
  }
  EXPECT_TRUE(client.over() && server.over());
  EXPECT_EQ(client.received(),
            twin::sample(conversation.size, 2).substr(0, client.received().size()));
  EXPECT_EQ(server.received(),
            twin::sample(conversation.size, 1).substr(0, server.received().size()));
  std::string said = outcome(peers, client, server);
  peers.client.reset();  // before the wires go
  peers.server.reset();
  return said;
}

void client_certificate(SSL_CTX* context) {
  twin::use_certificate(context, "client-ed25519");
}

void ask(SSL_CTX* context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

void no_middlebox_compat(SSL_CTX* context) {
  SSL_CTX_clear_options(context, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
}

void only_p256(SSL_CTX* context) {
  EXPECT_EQ(SSL_CTX_set1_groups_list(context, "P-256"), 1);
}

std::vector<Conversation> conversations() {
  std::vector<Conversation> all = {
      {"plain", {}},
      {"client certificate", {.client_context = client_certificate, .server_context = ask}},
      {"hello retry", {.server_context = only_p256}},
      {"no middlebox compatibility",
       {.client_context = no_middlebox_compat, .server_context = no_middlebox_compat}},
      {"large certificate", {.certificate = "server-large"}},
      {"everything",
       {.certificate = "server-chain",
        .client_context =
            [](SSL_CTX* context) {
              client_certificate(context);
              no_middlebox_compat(context);
            },
        .server_context =
            [](SSL_CTX* context) {
              ask(context);
              only_p256(context);
            }}},
  };
  for (const char* suite : {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
                            "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"}) {
    all.push_back(
        {suite,
         {.client_context =
              [suite](SSL_CTX* context) { EXPECT_EQ(SSL_CTX_set_ciphersuites(context, suite), 1); },
          .server_context =
              [suite](SSL_CTX* context) {
                EXPECT_EQ(SSL_CTX_set_ciphersuites(context, suite), 1);
              }}});
  }
  return all;
}

std::string expected(const Conversation& conversation) {
  twin::Peers peers = twin::make_peers(conversation.setup);
  return converse(conversation, {}, peers);
}

void compare(const Conversation& conversation, const std::string& whole, const Delivery& delivery) {
  SCOPED_TRACE(conversation.name);
  SCOPED_TRACE(delivery.seed);
  twin::Peers peers = twin::make_peers(conversation.setup);
  EXPECT_EQ(converse(conversation, delivery, peers), whole);
}

}  // namespace

TEST(EngineDelivery, WholeConversations) {
  for (const Conversation& conversation : conversations()) {
    SCOPED_TRACE(conversation.name);
    std::string said = expected(conversation);
    EXPECT_NE(said.find("client 3000 server 3000 state 1 1"), std::string::npos) << said;
    EXPECT_NE(said.find("shutdown 3 3"), std::string::npos) << said;
  }
}

TEST(EngineDelivery, ByteByByte) {
  for (Conversation conversation : conversations()) {
    conversation.size = 300;
    compare(conversation, expected(conversation), {.piece = 1});
  }
}

TEST(EngineDelivery, OneByteAtATimeIsWritten) {
  for (Conversation conversation : conversations()) {
    conversation.size = 300;
    compare(conversation, expected(conversation), {.write_limit = 1});
    compare(conversation, expected(conversation), {.piece = 1, .write_limit = 1});
  }
}

TEST(EngineDelivery, RandomPieces) {
  for (const Conversation& conversation : conversations()) {
    std::string whole = expected(conversation);
    for (uint32_t seed = 1; seed <= 24; ++seed) {
      Delivery delivery{.piece = seed % 3 == 0 ? 7U : 600U, .random = true, .seed = seed};
      if (seed % 2 == 0) delivery.write_limit = seed % 4 == 0 ? 50 : 900;
      compare(conversation, whole, delivery);
    }
  }
}

TEST(EngineDelivery, DataOfManyRecords) {
  Conversation conversation{.name = "50 kB", .setup = {}, .size = 50000};
  std::string whole = expected(conversation);
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    compare(conversation, whole,
            {.piece = 5000, .random = true, .write_limit = 4000, .seed = seed});
  }
}
