// Limits of the protocol version: SSL_CTX_set_min_proto_version(3).
#pragma once

namespace handfast {

// Could the two be the ends of one range? 0: no limit.
[[nodiscard]] bool version_bounds_fit(int minimum, int maximum);

// Sets `bound` to a version, or to 0 for none, if a method of version `method` can have such a
// bound: methods of a single version accept every one and ignore it. False: no such version.
[[nodiscard]] bool set_version_bound(int method, int version, int& bound);

}  // namespace handfast
