// What a twin program prints: cases, return values, errors. Public API only.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace twin {

/// One line on stdout, printf-style.
[[gnu::format(printf, 1, 2)]] inline void out(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::putchar('\n');
}

/// printf into a string.
[[gnu::format(printf, 1, 2)]] inline std::string text(const char* format, ...) {
  char buffer[1024];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

inline const char* error_name(int error) {
  switch (error) {
    case SSL_ERROR_NONE:
      return "NONE";
    case SSL_ERROR_SSL:
      return "SSL";
    case SSL_ERROR_WANT_READ:
      return "WANT_READ";
    case SSL_ERROR_WANT_WRITE:
      return "WANT_WRITE";
    case SSL_ERROR_WANT_X509_LOOKUP:
      return "WANT_X509_LOOKUP";
    case SSL_ERROR_SYSCALL:
      return "SYSCALL";
    case SSL_ERROR_ZERO_RETURN:
      return "ZERO_RETURN";
    case SSL_ERROR_WANT_CONNECT:
      return "WANT_CONNECT";
    case SSL_ERROR_WANT_ACCEPT:
      return "WANT_ACCEPT";
    case SSL_ERROR_WANT_ASYNC:
      return "WANT_ASYNC";
    case SSL_ERROR_WANT_CLIENT_HELLO_CB:
      return "WANT_CLIENT_HELLO_CB";
    case SSL_ERROR_WANT_RETRY_VERIFY:
      return "WANT_RETRY_VERIFY";
    default:
      return "?";
  }
}

/// Empties the error queue into text: library and reason of each entry, oldest first.
inline std::string errors() {
  std::string result;
  while (unsigned long code = ERR_get_error()) {
    const char* library = ERR_lib_error_string(code);
    const char* reason = ERR_reason_error_string(code);
    if (ERR_SYSTEM_ERROR(code)) reason = std::strerror(ERR_GET_REASON(code));
    if (!result.empty()) result += ", ";
    result += text("%s/%s", library ? library : "?", reason ? reason : "?");
  }
  return result;
}

/// "1 []", or "0 [SSL routines/…]": the answer of a call that SSL_get_error does not explain.
inline std::string answer(long returned) {
  return text("%ld [%s]", returned, errors().c_str());
}

/// "-1 WANT_READ", or "-1 SSL [SSL routines/…]": a return value as SSL_get_error explains it.
inline std::string outcome(SSL* ssl, int returned) {
  std::string result = text("%d %s", returned, error_name(SSL_get_error(ssl, returned)));
  std::string queue = errors();
  return queue.empty() ? result : result + " [" + queue + "]";
}

/// outcome(), and SSL_want where it tells the caller what to do.
inline std::string outcome_and_want(SSL* ssl, int returned) {
  int error = SSL_get_error(ssl, returned), want = SSL_want(ssl);
  bool failed = error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
  std::string result = outcome(ssl, returned);
  return failed ? result : result + text(", want %d", want);
}

struct Case {
  std::string name;
  std::function<void()> run;
};

/// Writes the path of the mapped libssl to the descriptor that the runner gave.
inline void tell_library() {
  const char* descriptor = std::getenv("TWIN_LIBRARY_FD");
  if (!descriptor) return;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    size_t slash = line.find('/');
    if (slash == std::string::npos || line.find("/libssl.so", slash) == std::string::npos) continue;
    line = line.substr(slash);
    if (write(std::atoi(descriptor), line.data(), line.size()) < 0) std::abort();
    break;
  }
  close(std::atoi(descriptor));
}

/// main() of every twin program: runs all cases, or those named on the command line.
inline int run(const std::vector<Case>& cases, int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  signal(SIGPIPE, SIG_IGN);
  tell_library();
  for (const Case& one : cases) {
    bool wanted = argc < 2;
    for (int i = 1; i < argc; i++) wanted |= one.name == argv[i];
    if (!wanted) continue;
    out("== %s", one.name.c_str());
    one.run();
    std::string left = errors();
    if (!left.empty()) out("left in the error queue: %s", left.c_str());
  }
  return 0;
}

}  // namespace twin
