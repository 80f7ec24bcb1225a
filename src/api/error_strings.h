// Texts of libssl's reason codes.
#pragma once

namespace handfast {

// Makes the texts of all SSL_R_* known to libcrypto's error queue. Calling it again is harmless.
void load_error_strings();

}  // namespace handfast
