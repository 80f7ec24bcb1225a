/* A program as any user would write it: makes a context and says which library served it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

int main(void) {
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  Dl_info info;
  if (context == NULL) {
    ERR_print_errors_fp(stderr);
    return 1;
  }
  SSL_CTX_free(context);
  if (dladdr((void*)SSL_CTX_new, &info) == 0) return 2;
  puts(info.dli_fname);
  return 0;
}
