// Many threads resume TLS 1.3 sessions of one shared SSL_CTX on each side.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "engine_thread_support.h"
#include "support/resumption13.h"

namespace {

// Sessions that any client has got, for any thread to use.
class Pool {
 public:
  void add(SSL_SESSION* session) {
    std::lock_guard<std::mutex> held(guard_);
    sessions_.emplace_back(session);
  }
  // The session itself, which other threads may be using too.
  twin::Owned<SSL_SESSION> any(size_t number) {
    std::lock_guard<std::mutex> held(guard_);
    if (sessions_.empty()) return nullptr;
    SSL_SESSION* session = sessions_[number % sessions_.size()].get();
    SSL_SESSION_up_ref(session);
    return twin::Owned<SSL_SESSION>(session);
  }
  void clear() { sessions_.clear(); }

 private:
  std::mutex guard_;
  std::vector<twin::Owned<SSL_SESSION>> sessions_;
};
Pool pool;

int keep_session(SSL*, SSL_SESSION* session) {
  pool.add(session);
  return 1;
}

struct Said {
  bool good = false, resumed = false, early = false;
};

// Early data if the session allows it, a handshake, data both ways, tickets.
Said converse(SSL_CTX* client_context, SSL_CTX* server_context, SSL_SESSION* offered) {
  Said said;
  twin::Peers peers;
  peers.client.reset(SSL_new(client_context));
  peers.server.reset(SSL_new(server_context));
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL_set_connect_state(client);
  SSL_set_accept_state(server);
  twin::link_memory(peers);
  if (offered != nullptr && SSL_set_session(client, offered) != 1) return said;
  bool writes_early = offered != nullptr && SSL_SESSION_get_max_early_data(offered) > 0;
  size_t done = 0;
  char buffer[100];
  if (writes_early && SSL_write_early_data(client, "early", 5, &done) != 1) return said;
  int status = SSL_READ_EARLY_DATA_SUCCESS;
  std::string early;
  int up = -1, down = -1;
  for (int i = 0; i < 10 && (up != 1 || down != 1); ++i) {
    while (status != SSL_READ_EARLY_DATA_FINISH) {
      status = SSL_read_early_data(server, buffer, sizeof buffer, &done);
      if (status == SSL_READ_EARLY_DATA_ERROR) break;
      early.append(buffer, done);
    }
    up = SSL_do_handshake(client);
    if (status == SSL_READ_EARLY_DATA_FINISH) down = SSL_do_handshake(server);
  }
  said.resumed = SSL_session_reused(server) != 0;
  said.early = SSL_get_early_data_status(server) == SSL_EARLY_DATA_ACCEPTED;
  said.good = up == 1 && down == 1 && early == (said.early ? "early" : "") &&
              twin::transfer(client, server, "up") == "2 bytes equal" &&
              twin::transfer(server, client, "down") == "4 bytes equal";
  SSL_shutdown(client);
  SSL_shutdown(server);
  ERR_clear_error();
  return said;
}

enum class Tickets { stateless, stateful, once };

class EngineThread13 : public testing::TestWithParam<Tickets> {
 protected:
  EngineThread13()
      : peers_(twin::tickets_peers(
            {.client_context =
                 [](SSL_CTX* context) { SSL_CTX_sess_set_new_cb(context, keep_session); },
             .server_context =
                 [](SSL_CTX* context) {
                   SSL_CTX_sess_set_cache_size(context, 60);
                   if (GetParam() == Tickets::stateful) {
                     SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
                   }
                   if (GetParam() == Tickets::once) SSL_CTX_set_max_early_data(context, 100);
                 }})) {
    // libcrypto works out what it keeps of a certificate when it is first used, and guards that
    // with atomics which a sanitizer cannot see in it.
    EXPECT_TRUE(converse(client(), server(), nullptr).good);
  }
  ~EngineThread13() override { pool.clear(); }
  SSL_CTX* client() { return peers_.client_context.get(); }
  SSL_CTX* server() { return peers_.server_context.get(); }

  twin::Peers peers_;
};

INSTANTIATE_TEST_SUITE_P(Tickets, EngineThread13,
                         testing::Values(Tickets::stateless, Tickets::stateful, Tickets::once),
                         [](const auto& tickets) {
                           return tickets.param == Tickets::stateless  ? "Stateless"
                                  : tickets.param == Tickets::stateful ? "Stateful"
                                                                       : "Once";
                         });

}  // namespace

TEST_P(EngineThread13, ManyThreadsResume) {
  std::atomic<int> resumptions{0};
  int failures = in_threads([&](int thread, int round) {
    // Some begin anew, some come back with what another thread has got, some take sessions away.
    twin::Owned<SSL_SESSION> offered;
    if (round % 4 != 0) offered = pool.any(static_cast<size_t>(thread * kRounds + round));
    // Early data cannot be written with a session that another thread has just used up.
    bool copied = offered && GetParam() == Tickets::once;
    if (copied) offered.reset(SSL_SESSION_dup(offered.get()));
    if (copied && SSL_SESSION_is_resumable(offered.get()) == 0) offered.reset();
    Said said = converse(client(), server(), offered.get());
    resumptions += said.resumed ? 1 : 0;
    if (round % 6 == 5 && offered) SSL_CTX_remove_session(server(), offered.get());
    if (thread == 0 && round == kRounds / 2) SSL_CTX_flush_sessions(server(), 1);
    return said.good;
  });
  EXPECT_EQ(failures, 0);
  EXPECT_GT(resumptions, 0);
  EXPECT_EQ(SSL_CTX_sess_accept_good(server()), kThreads * kRounds + 1);
}

// RFC 8446 8.1: all threads come with one ticket at the same time; one of them is first.
TEST_P(EngineThread13, ManyThreadsComeWithOneTicket) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(converse(client(), server(), nullptr).good);
    twin::Owned<SSL_SESSION> ticket = pool.any(0);
    pool.clear();
    std::atomic<int> resumptions{0}, early{0};
    int failures = in_threads([&](int, int round) {
      if (round > 0) return true;
      twin::Owned<SSL_SESSION> copy(SSL_SESSION_dup(ticket.get()));
      Said said = converse(client(), server(), copy.get());
      resumptions += said.resumed ? 1 : 0;
      early += said.early ? 1 : 0;
      return said.good;
    });
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(resumptions, GetParam() == Tickets::once ? 1 : kThreads);
    EXPECT_EQ(early, GetParam() == Tickets::once ? 1 : 0);
    pool.clear();
  }
}
