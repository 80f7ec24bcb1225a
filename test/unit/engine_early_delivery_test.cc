// The same conversation with early data, however slow the BIOs are, and with every way to go on
// from where a write was stopped.
#include <gtest/gtest.h>

#include "support/resumption13.h"

namespace {

using twin::Faults;
using twin::Owned;

enum class Server { accepts, rejects, retries, handshakes };

const char* name_of(Server server) {
  constexpr const char* kNames[] = {"Accepts", "Rejects", "Retries", "Handshakes"};
  return kNames[static_cast<int>(server)];
}

const std::string& chunk(size_t index) {
  static const std::string chunks[] = {twin::sample(10, 1), twin::sample(300, 2),
                                       twin::sample(700, 3)};
  return chunks[index];
}

std::string all_chunks() {
  return chunk(0) + chunk(1) + chunk(2);
}

// A call is done, must be made again, or has failed, which no test here expects.
bool done(SSL* ssl, bool good, const char* call) {
  int error = SSL_get_error(ssl, good ? 1 : 0);
  bool again = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  EXPECT_TRUE(good || again) << call << ": " << twin::error_name(error) << " " << twin::errors();
  if (again) {
    EXPECT_EQ(ERR_peek_error(), 0U) << "a retry leaves nothing in the queue";
  }
  return good;
}

class Conversation {
 public:
  Conversation(Server server, SSL_SESSION* session, twin::Peers& peers)
      : server_kind_(server), peers_(peers) {
    twin::renew(peers_);
    twin::link_memory(peers_, &client_faults, &server_faults);
    offer(session);
    if (server == Server::rejects) SSL_set_max_early_data(this->server(), 0);
    if (server == Server::retries) SSL_set1_groups_list(this->server(), "P-256");
  }

  Faults client_faults, server_faults;
  SSL* client() { return peers_.client.get(); }
  SSL* server() { return peers_.server.get(); }

  // The client's next call; false: it must be repeated.
  bool step_client() {
    ERR_clear_error();
    if (written_ < 3) {
      size_t count = 0;
      const std::string& text = chunk(written_);
      bool good = SSL_write_early_data(client(), text.data(), text.size(), &count) == 1;
      if (!done(client(), good, "SSL_write_early_data")) return false;
      EXPECT_EQ(count, text.size());
      ++written_;
      return true;
    }
    if (client_stage_ == 0) {
      if (!done(client(), SSL_do_handshake(client()) == 1, "client's SSL_do_handshake"))
        return false;
    } else if (client_stage_ == 1) {
      if (!done(client(), SSL_write(client(), "late", 4) == 4, "client's SSL_write")) return false;
    } else if (!read(client(), from_server_, "late")) {
      return false;
    }
    ++client_stage_;
    return true;
  }
  // As new, with the same SSLs.
  void clear(SSL_SESSION* session) {
    EXPECT_EQ(SSL_clear(client()), 1);
    EXPECT_EQ(SSL_clear(server()), 1);
    client_faults = server_faults = {};
    twin::link_memory(peers_, &client_faults, &server_faults);
    offer(session);
    written_ = 0;
    client_stage_ = server_stage_ = 0;
    early_ = from_client_ = from_server_ = "";
  }
  // The application writes no more early data.
  void stop_writing() { written_ = 3; }

  bool step_server() {
    ERR_clear_error();
    if (server_stage_ == 0 && server_kind_ != Server::handshakes) return read_early();
    if (server_stage_ == 1 || (server_stage_ == 0 && server_kind_ == Server::handshakes)) {
      if (!done(server(), SSL_do_handshake(server()) == 1, "server's SSL_do_handshake"))
        return false;
      server_stage_ = 2;
      return true;
    }
    if (server_stage_ == 2) {
      if (!read(server(), from_client_, "late")) return false;
    } else if (!done(server(), SSL_write(server(), "late", 4) == 4, "server's SSL_write")) {
      return false;
    }
    ++server_stage_;
    return true;
  }
  [[nodiscard]] bool client_over() const { return client_stage_ == 3; }
  [[nodiscard]] bool server_over() const { return server_stage_ == 4; }

  // Both to the end, in turn.
  void run() {
    for (int idle = 0; !(client_over() && server_over()) && idle < 200 && good();) {
      uint64_t before = twin::traffic(peers_);
      bool moved = !client_over() && step_client();
      moved = (!server_over() && step_server()) || moved;
      idle = moved || twin::traffic(peers_) != before ? 0 : idle + 1;
    }
    EXPECT_TRUE(client_over() && server_over());
  }

  // `repeated`: each write of early data was made again until it was done.
  void expect_outcome(bool repeated) {
    bool accepted = server_kind_ == Server::accepts;
    int status = accepted ? SSL_EARLY_DATA_ACCEPTED : SSL_EARLY_DATA_REJECTED;
    EXPECT_EQ(SSL_get_early_data_status(client()), status);
    EXPECT_EQ(SSL_get_early_data_status(server()), status);
    EXPECT_EQ(SSL_session_reused(client()), 1);
    if (repeated) {
      EXPECT_EQ(early_, accepted ? all_chunks() : "");
    } else {
      EXPECT_EQ(early_, all_chunks().substr(0, early_.size()));
    }
    EXPECT_EQ(from_client_, "late");
    EXPECT_EQ(from_server_, "late");
  }

 private:
  void offer(SSL_SESSION* session) {
    Owned<SSL_SESSION> copy(SSL_SESSION_dup(session));  // a connection that is cut off spoils it
    EXPECT_EQ(SSL_set_session(client(), copy.get()), 1);
  }
  static bool good() { return !testing::Test::HasFailure(); }

  bool read_early() {
    char buffer[200];
    size_t count = 0;
    int status = SSL_read_early_data(server(), buffer, sizeof buffer, &count);
    early_.append(buffer, count);
    if (!done(server(), status != SSL_READ_EARLY_DATA_ERROR, "SSL_read_early_data")) return false;
    if (status == SSL_READ_EARLY_DATA_FINISH) server_stage_ = 1;
    return true;
  }
  static bool read(SSL* ssl, std::string& data, const std::string& expected) {
    char buffer[200];
    size_t count = 0;
    if (!done(ssl, SSL_read_ex(ssl, buffer, sizeof buffer, &count) == 1, "SSL_read")) return false;
    data.append(buffer, count);
    return data.size() == expected.size();
  }

  Server server_kind_;
  twin::Peers& peers_;
  size_t written_ = 0;
  int client_stage_ = 0, server_stage_ = 0;
  std::string early_, from_client_, from_server_;
};

class EngineEarlyDelivery : public testing::TestWithParam<Server> {
 protected:
  EngineEarlyDelivery()
      : peers_(twin::tickets_peers({.server_context =
                                        [](SSL_CTX* context) {
                                          SSL_CTX_set_max_early_data(context, 2000);
                                          SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
                                        }})),
        session_(twin::first_session(peers_)) {}
  Conversation begin() { return Conversation(GetParam(), session_.get(), peers_); }

  twin::Peers peers_;
  Owned<SSL_SESSION> session_;
};

INSTANTIATE_TEST_SUITE_P(Servers, EngineEarlyDelivery,
                         testing::Values(Server::accepts, Server::rejects, Server::retries,
                                         Server::handshakes),
                         [](const auto& server) { return name_of(server.param); });

}  // namespace

TEST_P(EngineEarlyDelivery, Whole) {
  Conversation conversation = begin();
  conversation.run();
  conversation.expect_outcome(true);
}

TEST_P(EngineEarlyDelivery, ByteByByte) {
  for (int which = 1; which < 16; ++which) {
    Conversation conversation = begin();
    twin::Flow slow{.piece = 1, .retry_between = true};
    if ((which & 1) != 0) conversation.client_faults.read = slow;
    if ((which & 2) != 0) conversation.client_faults.write = slow;
    if ((which & 4) != 0) conversation.server_faults.read = slow;
    if ((which & 8) != 0) conversation.server_faults.write = slow;
    conversation.run();
    conversation.expect_outcome(true);
  }
}

TEST_P(EngineEarlyDelivery, RandomPieces) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    Conversation conversation = begin();
    for (Faults* faults : {&conversation.client_faults, &conversation.server_faults}) {
      faults->read = {.piece = 90, .random_pieces = true, .retry_between = seed % 2 == 0};
      faults->write = {.piece = 200, .random_pieces = true, .retry_between = seed % 3 == 0};
      faults->read.seed = seed;
      faults->write.seed = seed + 100;
    }
    conversation.run();
    conversation.expect_outcome(true);
  }
}

namespace {

// What an application may do when a write of early data, or anything behind it, was stopped.
enum class Then { repeat, handshake, read, write, peek };

// One stop after `bytes` of the client's; false: it did not come to that.
bool stopped_once(Conversation& conversation, int64_t bytes, Then then) {
  twin::Flow& flow = conversation.client_faults.write;
  flow.stall_at = bytes;
  SSL* client = conversation.client();
  // Until the stop; the server sees nothing of it yet.
  while (!conversation.client_over() && conversation.step_client()) {
  }
  bool stopped = SSL_want_write(client) != 0;
  if (stopped) {
    char byte = 0;
    ERR_clear_error();
    if (then == Then::handshake) EXPECT_EQ(SSL_do_handshake(client), -1);
    if (then == Then::read) EXPECT_EQ(SSL_read(client, &byte, 1) > 0, false);
    if (then == Then::peek) EXPECT_EQ(SSL_peek(client, &byte, 1) > 0, false);
    if (then == Then::write) EXPECT_EQ(SSL_write(client, "late", 4) > 0, false);
    bool unasked = ERR_GET_REASON(ERR_peek_error()) == ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED;
    EXPECT_TRUE(ERR_peek_error() == 0 || unasked) << twin::errors();
    ERR_clear_error();
    if (then != Then::repeat) {
      flow.stall_at = -1;
      // Where the hello itself was stopped, only the same call goes on.
      if (!unasked && then != Then::peek) conversation.stop_writing();
    }
  }
  flow.stall_at = -1;
  return stopped;
}

}  // namespace

TEST_P(EngineEarlyDelivery, StoppedAtEachByte) {
  int64_t end = 0;
  for (Then then : {Then::repeat, Then::handshake, Then::read, Then::peek, Then::write}) {
    int64_t bytes = 0;
    for (;; bytes += then == Then::repeat ? 1 : 7) {
      SCOPED_TRACE(testing::Message() << bytes << " bytes, then " << static_cast<int>(then));
      Conversation conversation = begin();
      // The client's flight is over when it waits for the server.
      if (!stopped_once(conversation, bytes, then)) break;
      conversation.run();
      conversation.expect_outcome(then == Then::repeat || then == Then::peek);
      if (HasFailure()) return;
    }
    if (end == 0) end = bytes;
    EXPECT_GT(bytes, 1000 + 200);
  }
}

// SSL_clear(3) and SSL_free(3) at any place, of either side.
TEST_P(EngineEarlyDelivery, ClearedAtEachPlace) {
  bool over = false;
  for (int64_t bytes = 0; !over; bytes += 11) {
    SCOPED_TRACE(testing::Message() << bytes << " bytes");
    Conversation conversation = begin();
    conversation.client_faults.write.stall_at = bytes;
    conversation.server_faults.write.stall_at = bytes / 2;
    for (int i = 0; i < 20; ++i) {
      if (!conversation.client_over()) conversation.step_client();
      if (!conversation.server_over()) conversation.step_server();
    }
    over = conversation.client_over() && conversation.server_over();
    conversation.clear(session_.get());
    conversation.run();
    conversation.expect_outcome(true);
    // Freed on the way.
    Conversation next = begin();
    next.client_faults.write.stall_at = bytes;
    next.server_faults.write.stall_at = bytes / 2;
    for (int i = 0; i < 20; ++i) {
      if (!next.client_over()) next.step_client();
      if (!next.server_over()) next.step_server();
    }
    peers_.client.reset();
    peers_.server.reset();
    ASSERT_FALSE(HasFailure());
  }
}
