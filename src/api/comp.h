// The process's list of TLS compression methods.
#pragma once

namespace handfast {

// Frees the list; for the end of the process.
void free_compression_methods();

}  // namespace handfast
