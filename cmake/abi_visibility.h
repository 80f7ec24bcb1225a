// Compiled ahead of every file of src/api: the system's headers declare the C ABI without a
// visibility, so under -fvisibility=hidden the definitions would not be exported.
#pragma once
#pragma GCC visibility push(default)
#include <openssl/dtls1.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/ssl2.h>
#include <openssl/ssl3.h>
#include <openssl/sslerr.h>
#include <openssl/tls1.h>
#pragma GCC visibility pop
