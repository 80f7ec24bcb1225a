// SSL_stateless: what becomes of cookies, the application's and the library's.
#include <ctime>

#include "support/hello_editor.h"
#include "support/stateless.h"

namespace {
time_t ahead = 0;  // how far the clock of this program is
}

// The library's clock.
extern "C" time_t time(time_t* out) noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  time_t seconds = now.tv_sec + ahead;
  if (out) *out = seconds;
  return seconds;
}

namespace {
using namespace twin;

void no_generator() {
  Both both(
      {.server_context = [](SSL_CTX* c) { SSL_CTX_set_stateless_cookie_generate_cb(c, nullptr); }});
  both.connect();
  both.listen();
  both.connect();
}

void generator_refuses() {
  Both both;
  generated = 0;
  both.connect();
  both.listen();
  both.connect();
  generated = 1;
}

void lengths_of_cookies() {
  std::string kept = cookie;
  for (size_t length : {1, 255}) {
    cookie = sample(length);
    out("%zu bytes", length);
    Both both;
    both.first_flight();
    both.replace_server();
    both.listen("second hello");
    both.finish();
  }
  cookie = kept;
}

void no_verifier() {
  Both both(
      {.server_context = [](SSL_CTX* c) { SSL_CTX_set_stateless_cookie_verify_cb(c, nullptr); }});
  both.first_flight();
  both.replace_server();
  both.listen("second hello");
  both.connect();
}

void verifier_refuses() {
  Both both;
  both.first_flight();
  both.replace_server();
  verified = 0;
  both.listen("second hello");
  both.connect();
  verified = 1;
}

void changed_cookies() {
  struct Change {
    const char* name;
    std::function<void(std::string&)> body;
  };
  const Change changes[] = {
      {"first byte", in_cookie([](std::string& c) { c[0] ^= 1; })},
      {"byte 9", in_cookie([](std::string& c) { c[9] ^= 1; })},
      {"last byte", in_cookie([](std::string& c) { c.back() ^= 1; })},
      {"one byte less", in_cookie([](std::string& c) { c.pop_back(); })},
      {"one byte more", in_cookie([](std::string& c) { c.push_back('\0'); })},
      {"32 bytes", in_cookie([](std::string& c) { c.resize(32); })},
      {"31 bytes", in_cookie([](std::string& c) { c.resize(31); })},
      {"1 byte", in_cookie([](std::string& c) { c.resize(1); })},
      {"200 bytes of something else", in_cookie([](std::string& c) { c = sample(200); })},
      {"length too long", [](std::string& body) { body.pop_back(); }},
      {"length too short", [](std::string& body) { body.push_back('\0'); }},
      {"no length", [](std::string& body) { body.clear(); }},
  };
  for (const Change& change : changes) {
    out("%s", change.name);
    Both both;
    both.first_flight();
    std::string hello = both.take();
    change_extension(hello, TLSEXT_TYPE_cookie, change.body);
    both.replace_server();
    both.give(hello);
    both.listen();
    both.connect();
  }
}

void cookie_of_another_context() {
  Both both, other;
  both.first_flight();
  both.replace_server(other.server_context.get());
  both.listen();
  both.connect();
}

void old_cookies() {
  for (int seconds : {1, 599, 602, 100000, -5}) {
    out("%d seconds later", seconds);
    Both both;
    both.first_flight();
    both.replace_server();
    ahead = seconds;
    both.listen();
    ahead = 0;
    both.connect();
  }
}

void context_changed_meanwhile() {
  out("ciphersuites");
  Both suites;
  suites.first_flight();
  SSL_CTX_set_ciphersuites(suites.server_context.get(), "TLS_CHACHA20_POLY1305_SHA256");
  suites.replace_server();
  suites.listen();
  suites.connect();

  out("groups, another share was sent");
  Both groups({.client_context = [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "X25519:P-256"); }});
  groups.first_flight();
  SSL_CTX_set1_groups_list(groups.server_context.get(), "P-256");
  groups.replace_server();
  groups.listen();
  groups.connect();

  out("groups, the hello has no share that fits");
  Both retried({.client_context = [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "X25519:P-256"); },
                .server_context = [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "P-256"); }});
  retried.first_flight();
  SSL_CTX_set1_groups_list(retried.server_context.get(), "P-521:P-384:X25519");
  retried.replace_server();
  retried.listen();
  retried.connect();
}

void hello_twice() {
  Both both;
  both.first_flight();
  std::string hello = both.take();
  for (int i = 0; i < 2; ++i) {
    both.replace_server();
    both.give(hello);
    both.listen();
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"no_generator", no_generator},
              {"generator_refuses", generator_refuses},
              {"lengths_of_cookies", lengths_of_cookies},
              {"no_verifier", no_verifier},
              {"verifier_refuses", verifier_refuses},
              {"changed_cookies", changed_cookies},
              {"cookie_of_another_context", cookie_of_another_context},
              {"old_cookies", old_cookies},
              {"context_changed_meanwhile", context_changed_meanwhile},
              {"hello_twice", hello_twice}},
             argc, argv);
}
