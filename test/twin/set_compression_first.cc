// SSL_COMP_set0_compression_methods(NULL) before anything else, as programs do at start-up.
#include "support/report.h"

namespace {

void run() {
  STACK_OF(SSL_COMP)* before = SSL_COMP_set0_compression_methods(nullptr);
  twin::out("before: %d", before != nullptr);
  twin::out("after: %d", SSL_COMP_get_compression_methods() != nullptr);
  sk_SSL_COMP_pop_free(SSL_COMP_set0_compression_methods(before),
                       [](SSL_COMP* method) { OPENSSL_free(method); });
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"set_first", run}}, argc, argv);
}
