// Kernel TLS: SSL_OP_ENABLE_KTLS in SSL_CTX_set_options(3), BIO_get_ktls_send(3), SSL_sendfile(3).
#pragma once

#include "connection/connection.h"

namespace handfast {

// A flow has ended: leaves the protection of records to the kernel if the application wants it and
// the kernel can; otherwise everything stays as it is. In TLS 1.3 that is what we send; in TLS 1.2
// what we receive too. Fails when the kernel does not take the keys of a KeyUpdate.
[[nodiscard]] Verdict leave_to_kernel(Connection& connection, Handshake& hs);

// Writes the output buffer, whose records the kernel will protect. Returns as BIO_write(3) does.
int write_to_kernel(Connection& connection);

// What a failed read of a record that the kernel opens means; ok: nothing special.
Verdict kernel_read_failure();

// SSL_sendfile(3) on a connection that is open for writing.
ossl_ssize_t send_file(Connection& connection, int file, off_t offset, size_t size);

}  // namespace handfast
