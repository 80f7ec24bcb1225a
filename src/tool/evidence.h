#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <vector>

namespace handfast::tool {

// A process and the libssl.so.3 it uses.
struct Sighting {
  pid_t pid = 0;
  std::string process;  // the program's name
  std::string library;  // path of the libssl.so.3
  bool mapped = false;  // read from /proc/PID/maps, not from the dynamic linker's own report
};

// Every libssl.so.3 that `pid` has mapped now, by /proc/PID/maps; empty when it has ended.
std::vector<std::string> mapped_libraries(pid_t pid);

// Program name of `pid`, "?" when it has ended.
std::string process_name(pid_t pid);

// `root` and all its living descendants.
std::vector<pid_t> process_tree(pid_t root);

// What the dynamic linker reported (LD_DEBUG=files, LD_DEBUG_OUTPUT=`prefix`, files PREFIX.PID):
// one Sighting for each libssl.so.3 that a process initialised.
std::vector<Sighting> linker_reports(const std::string& prefix);

}  // namespace handfast::tool
