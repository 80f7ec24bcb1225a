// The measurements. Each prints its rows with print_row().
#ifndef HANDFAST_BENCHMARK_MEASURE_H_
#define HANDFAST_BENCHMARK_MEASURE_H_

#include <string>

#include "lab.h"

namespace bench {

// CPU time of a full handshake, or of a resumed one if the setup resumes, from SSL_new() to
// SSL_free(), for each side.
void measure_handshake(const std::string& name, const Setup& setup, bool quick);

// CPU time of SSL_write() and SSL_read() of one record, at 16 KB, 1 KB and 64 bytes; of DTLS at
// 1200.
void measure_bulk(const std::string& name, const Setup& setup, bool quick);

// CPU time that a server takes for RSA-encrypted premaster secrets, good and bad.
void measure_rsa_oracle(const std::string& name, bool quick);

// Completed handshakes in a second on 1 and on 2 threads that share both contexts.
void measure_threads(bool quick);

// CPU time of SSL_CTX_new() with SSL_CTX_free(), the first of the process and later ones.
void measure_contexts(bool quick);

// CPU time of SSL_CTX_load_verify_file() of the system's CA bundle, the first of the process and
// later ones, into new contexts.
void measure_bundle(bool quick);

// CPU time of SSL_new(), the setting of a role and, for a client, of a host name, and SSL_free().
void measure_connections(bool quick);

// Bytes requested from the allocator and still held by an idle connection of TLS 1.3 or DTLS 1.2,
// for each side. Needs install_counting_allocator().
void measure_memory(bool quick);

// Bytes that a server's cache holds for each session, of TLS 1.2 and of 1.3.
// Needs install_counting_allocator().
void measure_session_cache(bool quick);

// Calls of malloc and realloc in a full handshake, for each side.
// Needs install_counting_allocator().
void measure_mallocs(bool quick);

// Must run before anything else touches libcrypto.
void install_counting_allocator();

}  // namespace bench

#endif  // HANDFAST_BENCHMARK_MEASURE_H_
