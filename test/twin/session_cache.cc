// SSL_CTX_add_session(3), SSL_CTX_flush_sessions(3) and the settings of session caches and tickets.
#include <openssl/lhash.h>

#include <functional>
#include <string>

#include "support/peers.h"

using twin::out;
using twin::Owned;

namespace {

constexpr long kNow = 1700000000;

Owned<SSL_CTX> new_context() {
  return Owned<SSL_CTX>(SSL_CTX_new(TLS_method()));
}

const unsigned char* bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Owned<SSL_SESSION> new_session(const std::string& id, long timeout = 300, long time = kNow) {
  Owned<SSL_SESSION> session(SSL_SESSION_new());
  twin::require(
      SSL_SESSION_set1_id(session.get(), bytes(id), static_cast<unsigned>(id.size())) == 1 &&
          SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) == 1 &&
          SSL_SESSION_set_timeout(session.get(), timeout) == 1 &&
          SSL_SESSION_set_time(session.get(), time) == time,
      "session");
  return session;
}

std::string id_of(const SSL_SESSION* session) {
  unsigned int length = 0;
  const unsigned char* id = SSL_SESSION_get_id(session, &length);
  return std::string(reinterpret_cast<const char*>(id), length);
}

void on_remove(SSL_CTX*, SSL_SESSION* session) {
  out("removed %s, resumable %d", id_of(session).c_str(), SSL_SESSION_is_resumable(session));
}

void state(SSL_CTX* context) {
  out("number %ld, full %ld", SSL_CTX_sess_number(context), SSL_CTX_sess_cache_full(context));
}

void add_and_remove() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX_sess_set_remove_cb(context.get(), on_remove);
  Owned<SSL_SESSION> one = new_session("one"), two = new_session("two"), other = new_session("one");
  out("add %d", SSL_CTX_add_session(context.get(), one.get()));
  out("add again %d", SSL_CTX_add_session(context.get(), one.get()));
  out("add two %d", SSL_CTX_add_session(context.get(), two.get()));
  state(context.get());
  out("add another of the same id %d", SSL_CTX_add_session(context.get(), other.get()));
  state(context.get());
  out("first still resumable %d", SSL_SESSION_is_resumable(one.get()));
  out("remove two %d", SSL_CTX_remove_session(context.get(), two.get()));
  out("remove two again %d", SSL_CTX_remove_session(context.get(), two.get()));
  out("remove null %d", SSL_CTX_remove_session(context.get(), nullptr));
  out("remove without id %d", SSL_CTX_remove_session(context.get(), new_session("").get()));
  out("remove by the first of the id %d", SSL_CTX_remove_session(context.get(), one.get()));
  state(context.get());
}

void replacement_is_found() {
  Owned<SSL_CTX> context = new_context();
  Owned<SSL> ssl(SSL_new(context.get()));
  Owned<SSL_SESSION> one = new_session("one");
  auto found = [&](const std::string& id) {
    return SSL_has_matching_session_id(ssl.get(), bytes(id), static_cast<unsigned>(id.size()));
  };
  out("before %d", found("one"));
  SSL_CTX_add_session(context.get(), one.get());
  out("after %d, another id %d, a beginning %d, too long %d", found("one"), found("two"),
      found("on"), found(std::string(33, 'x')));
  SSL_CTX_remove_session(context.get(), one.get());
  out("removed %d", found("one"));
}

void context_frees() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX_sess_set_remove_cb(context.get(), on_remove);
  Owned<SSL_SESSION> one = new_session("one", 100), two = new_session("two", 50);
  SSL_CTX_add_session(context.get(), one.get());
  SSL_CTX_add_session(context.get(), two.get());
  context.reset();
  out("sessions live on: %s %s", id_of(one.get()).c_str(), id_of(two.get()).c_str());
}

void flush() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX_sess_set_remove_cb(context.get(), on_remove);
  int order[] = {5, 1, 4, 2, 3, 9, 8, 7, 6};
  for (int place : order) {
    Owned<SSL_SESSION> session = new_session("s" + std::to_string(place), 100 * place);
    SSL_CTX_add_session(context.get(), session.get());
  }
  for (long after : {99, 100, 101, 350, 350, 700}) {
    out("flush at +%ld", after);
    SSL_CTX_flush_sessions(context.get(), kNow + after);
    state(context.get());
  }
  out("flush all");
  SSL_CTX_flush_sessions(context.get(), 0);
  state(context.get());
}

void changed_times() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX_sess_set_remove_cb(context.get(), on_remove);
  Owned<SSL_SESSION> one = new_session("one", 100), two = new_session("two", 200),
                     three = new_session("three", 300);
  for (SSL_SESSION* session : {one.get(), two.get(), three.get()}) {
    SSL_CTX_add_session(context.get(), session);
  }
  out("timeout %ld", SSL_SESSION_set_timeout(one.get(), 1000));
  out("time %ld", SSL_SESSION_set_time(three.get(), kNow - 150));
  SSL_CTX_flush_sessions(context.get(), kNow + 160);
  state(context.get());
  SSL_CTX_flush_sessions(context.get(), kNow + 201);
  state(context.get());
}

void never_expires() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX_sess_set_remove_cb(context.get(), on_remove);
  Owned<SSL_SESSION> eternal = new_session("eternal", LONG_MAX), mortal = new_session("mortal", 10);
  SSL_CTX_add_session(context.get(), eternal.get());
  SSL_CTX_add_session(context.get(), mortal.get());
  SSL_CTX_flush_sessions(context.get(), LONG_MAX);
  state(context.get());
}

void size_one() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX_sess_set_remove_cb(context.get(), on_remove);
  out("was %ld", SSL_CTX_sess_set_cache_size(context.get(), 1));
  for (const char* id : {"one", "two", "three"}) {
    Owned<SSL_SESSION> session = new_session(id);
    out("add %d", SSL_CTX_add_session(context.get(), session.get()));
    state(context.get());
  }
}

void unlimited() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX_sess_set_cache_size(context.get(), 0);
  for (int i = 0; i < 2000; i++) {
    Owned<SSL_SESSION> session = new_session("session " + std::to_string(i), 300 + i * 7919 % 1000);
    SSL_CTX_add_session(context.get(), session.get());
  }
  state(context.get());
  for (long after : {400, 800, 1290, 1300}) {
    SSL_CTX_flush_sessions(context.get(), kNow + after);
    state(context.get());
  }
}

void update_time() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_UPDATE_TIME);
  Owned<SSL_SESSION> session = new_session("one");
  SSL_CTX_add_session(context.get(), session.get());
  out("time is new: %d", SSL_SESSION_get_time(session.get()) > kNow);
}

void table() {
  Owned<SSL_CTX> context = new_context();
  Owned<SSL_SESSION> session = new_session("one");
  SSL_CTX_add_session(context.get(), session.get());
  LHASH_OF(SSL_SESSION)* sessions = SSL_CTX_sessions(context.get());
  out("items %lu", OPENSSL_LH_num_items(reinterpret_cast<OPENSSL_LHASH*>(sessions)));
  auto show = [](void* item) { out("item %s", id_of(static_cast<SSL_SESSION*>(item)).c_str()); };
  OPENSSL_LH_doall(reinterpret_cast<OPENSSL_LHASH*>(sessions), show);
}

void settings() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX* c = context.get();
  out("mode %ld, size %ld, timeout %ld", SSL_CTX_get_session_cache_mode(c),
      SSL_CTX_sess_get_cache_size(c), SSL_CTX_get_timeout(c));
  out("mode was %ld", SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_BOTH));
  out("mode is %ld", SSL_CTX_get_session_cache_mode(c));
  out("size was %ld", SSL_CTX_sess_set_cache_size(c, 10));
  out("size refused %ld", SSL_CTX_sess_set_cache_size(c, -1));
  out("size is %ld", SSL_CTX_sess_get_cache_size(c));
  out("timeout was %ld", SSL_CTX_set_timeout(c, 77));
  out("timeout is %ld", SSL_CTX_get_timeout(c));
  out("of null %ld %ld", SSL_CTX_set_timeout(nullptr, 1), SSL_CTX_get_timeout(nullptr));
  Owned<SSL> ssl(SSL_new(c));
  out("default %ld", SSL_get_default_timeout(ssl.get()));
  out("hits %ld %ld, misses %ld, timeouts %ld", SSL_CTX_sess_hits(c), SSL_CTX_sess_cb_hits(c),
      SSL_CTX_sess_misses(c), SSL_CTX_sess_timeouts(c));
  out("connects %ld %ld %ld, accepts %ld %ld %ld", SSL_CTX_sess_connect(c),
      SSL_CTX_sess_connect_good(c), SSL_CTX_sess_connect_renegotiate(c), SSL_CTX_sess_accept(c),
      SSL_CTX_sess_accept_good(c), SSL_CTX_sess_accept_renegotiate(c));
}

void callbacks() {
  Owned<SSL_CTX> context = new_context();
  auto on_new = [](SSL*, SSL_SESSION*) { return 0; };
  auto on_get = [](SSL*, const unsigned char*, int, int*) -> SSL_SESSION* { return nullptr; };
  auto generate = [](SSL*, unsigned char*, unsigned int*) { return 1; };
  SSL_CTX* c = context.get();
  out("unset %d %d %d", SSL_CTX_sess_get_new_cb(c) == nullptr,
      SSL_CTX_sess_get_get_cb(c) == nullptr, SSL_CTX_sess_get_remove_cb(c) == nullptr);
  SSL_CTX_sess_set_new_cb(c, on_new);
  SSL_CTX_sess_set_get_cb(c, on_get);
  SSL_CTX_sess_set_remove_cb(c, on_remove);
  out("set %d %d %d", SSL_CTX_sess_get_new_cb(c) == +on_new, SSL_CTX_sess_get_get_cb(c) == +on_get,
      SSL_CTX_sess_get_remove_cb(c) == on_remove);
  Owned<SSL> ssl(SSL_new(c));
  out("generate %d %d", SSL_CTX_set_generate_session_id(c, generate),
      SSL_set_generate_session_id(ssl.get(), generate));
}

void tickets() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX* c = context.get();
  Owned<SSL> before(SSL_new(c));
  out("tickets %zu", SSL_CTX_get_num_tickets(c));
  out("set %d", SSL_CTX_set_num_tickets(c, 7));
  Owned<SSL> ssl(SSL_new(c));
  out("%zu, earlier %zu, new %zu", SSL_CTX_get_num_tickets(c), SSL_get_num_tickets(before.get()),
      SSL_get_num_tickets(ssl.get()));
  out("set %d", SSL_set_num_tickets(ssl.get(), 1));
  out("%zu, context %zu", SSL_get_num_tickets(ssl.get()), SSL_CTX_get_num_tickets(c));
  out("callbacks %d", SSL_CTX_set_session_ticket_cb(c, nullptr, nullptr, nullptr));
  out("key callback %d", SSL_CTX_set_tlsext_ticket_key_evp_cb(c, nullptr));
}

void ticket_keys() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX* c = context.get();
  long length = SSL_CTX_get_tlsext_ticket_keys(c, nullptr, 0);
  out("length %ld", length);
  std::string keys = twin::sample(80), got(80, '\0');
  long returned = SSL_CTX_set_tlsext_ticket_keys(c, keys.data(), 48);
  out("set short %ld [%s]", returned, twin::errors().c_str());
  returned = SSL_CTX_get_tlsext_ticket_keys(c, got.data(), 80);
  out("get %ld, random %d", returned, got != std::string(80, '\0'));
  returned = SSL_CTX_set_tlsext_ticket_keys(c, keys.data(), 80);
  out("set %ld", returned);
  returned = SSL_CTX_get_tlsext_ticket_keys(c, got.data(), 80);
  out("get %ld, equal %d", returned, got == keys);
}

void early_data() {
  Owned<SSL_CTX> context = new_context();
  SSL_CTX* c = context.get();
  out("%u %u", SSL_CTX_get_max_early_data(c), SSL_CTX_get_recv_max_early_data(c));
  out("set %d %d", SSL_CTX_set_max_early_data(c, 100), SSL_CTX_set_recv_max_early_data(c, 200));
  Owned<SSL> ssl(SSL_new(c));
  SSL* s = ssl.get();
  out("%u %u", SSL_get_max_early_data(s), SSL_get_recv_max_early_data(s));
  out("set %d %d", SSL_set_max_early_data(s, 0xffffffff), SSL_set_recv_max_early_data(s, 0));
  out("%u %u", SSL_get_max_early_data(s), SSL_get_recv_max_early_data(s));
  out("%u %u", SSL_CTX_get_max_early_data(c), SSL_CTX_get_recv_max_early_data(c));
  out("status %d", SSL_get_early_data_status(s));
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"add_and_remove", add_and_remove},
                    {"replacement_is_found", replacement_is_found},
                    {"context_frees", context_frees},
                    {"flush", flush},
                    {"changed_times", changed_times},
                    {"never_expires", never_expires},
                    {"size_one", size_one},
                    {"unlimited", unlimited},
                    {"update_time", update_time},
                    {"table", table},
                    {"settings", settings},
                    {"callbacks", callbacks},
                    {"tickets", tickets},
                    {"ticket_keys", ticket_keys},
                    {"early_data", early_data}},
                   argc, argv);
}
