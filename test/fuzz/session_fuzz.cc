// Sessions from untrusted bytes: what d2i_SSL_SESSION accepts must print, copy, and encode to a
// form that reads back as the same session.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

namespace {

struct Free {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Session = std::unique_ptr<SSL_SESSION, Free>;

void expect(bool good) {
  if (!good) std::abort();
}

std::string encode(const SSL_SESSION* session) {
  unsigned char* der = nullptr;
  int length = i2d_SSL_SESSION(session, &der);
  expect(length > 0);
  std::string result(reinterpret_cast<char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const unsigned char* position = data;
  Session session(d2i_SSL_SESSION(nullptr, &position, static_cast<long>(size)));
  if (!session) {
    expect(ERR_peek_error() != 0 && position == data);
    ERR_clear_error();
    return 0;
  }
  expect(position > data && position <= data + size);

  std::string der = encode(session.get());
  position = reinterpret_cast<const unsigned char*>(der.data());
  Session again(d2i_SSL_SESSION(nullptr, &position, static_cast<long>(der.size())));
  expect(again != nullptr && encode(again.get()) == der);
  Session copy(SSL_SESSION_dup(session.get()));
  // A copy has no lifetime hint without a ticket.
  bool lone_hint = SSL_SESSION_has_ticket(session.get()) == 0 &&
                   SSL_SESSION_get_ticket_lifetime_hint(session.get()) != 0;
  expect(copy != nullptr && (lone_hint || encode(copy.get()) == der));

  std::unique_ptr<BIO, Free> sink(BIO_new(BIO_s_null()));
  expect(SSL_SESSION_print(sink.get(), session.get()) == 1);
  SSL_SESSION_print_keylog(sink.get(), session.get());
  ERR_clear_error();
  return 0;
}
