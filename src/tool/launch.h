#pragma once

#include <string>
#include <vector>

namespace handfast::tool {

// Exit statuses of our own; the others are the program's (128 + n when signal n ended it).
inline constexpr int kNotVerified = 125;
inline constexpr int kCannotExecute = 126;
inline constexpr int kNotFound = 127;

// Replaces this process by `command` with `folder` first in LD_LIBRARY_PATH. Returns only when that
// fails, with the exit status to end with.
int run(const std::string& folder, const std::vector<std::string>& command);

// Runs `command` as a child and reports on stderr which libssl.so.3 it and its descendants really
// use. Returns the child's status, or kNotVerified unless at least one process used the library in
// `folder` and none used another.
int run_verified(const std::string& folder, const std::vector<std::string>& command);

}  // namespace handfast::tool
