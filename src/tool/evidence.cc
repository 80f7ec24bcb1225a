#include "tool/evidence.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>

namespace handfast::tool {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kLibraryFile = "/libssl.so.3";

std::string proc_path(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

// The parent of each living process.
std::multimap<pid_t, pid_t> children_by_parent() {
  std::multimap<pid_t, pid_t> children;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
    std::ifstream file(proc_path(pid, "stat"));
    std::string line;
    std::getline(file, line);
    // proc(5): the name stands in parentheses and may itself hold any character.
    const size_t after_name = line.rfind(')');
    if (after_name == std::string::npos) continue;
    std::istringstream rest(line.substr(after_name + 1));
    char state = 0;
    pid_t parent = 0;
    if (rest >> state >> parent) children.emplace(parent, pid);
  }
  return children;
}

// Text after `label` in `line`, empty when the label is not there.
std::string text_after(const std::string& line, std::string_view label) {
  const size_t at = line.find(label);
  return at == std::string::npos ? std::string() : line.substr(at + label.size());
}

}  // namespace

std::vector<std::string> mapped_libraries(pid_t pid) {
  std::ifstream maps(proc_path(pid, "maps"));
  std::vector<std::string> found;
  for (std::string line; std::getline(maps, line);) {
    const size_t path_at = line.find('/');
    if (path_at == std::string::npos || !line.ends_with(kLibraryFile)) continue;
    std::string path = line.substr(path_at);
    if (std::find(found.begin(), found.end(), path) == found.end()) {
      found.push_back(std::move(path));
    }
  }
  return found;
}

std::string process_name(pid_t pid) {
  std::error_code error;
  const fs::path program = fs::read_symlink(proc_path(pid, "exe"), error);
  return error ? "?" : program.filename().string();
}

std::vector<pid_t> process_tree(pid_t root) {
  const auto children = children_by_parent();
  std::vector<pid_t> tree = {root};
  for (size_t at = 0; at < tree.size(); ++at) {
    const auto [first, last] = children.equal_range(tree[at]);
    for (auto child = first; child != last; ++child) tree.push_back(child->second);
  }
  return tree;
}

std::vector<Sighting> linker_reports(const std::string& prefix) {
  std::vector<Sighting> sightings;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fs::path(prefix).parent_path(), error)) {
    const std::string extension = entry.path().extension();
    if (extension.size() < 2) continue;
    pid_t pid = 0;
    std::from_chars(extension.data() + 1, extension.data() + extension.size(), pid);
    std::ifstream file(entry.path());
    std::string program = "?";
    size_t unnamed = sightings.size();
    for (std::string line; std::getline(file, line);) {
      if (auto path = text_after(line, "initialize program: "); !path.empty()) {
        program = fs::path(path).filename();
        // A program's own libraries are initialised before it is named.
        for (; unnamed < sightings.size(); ++unnamed) sightings[unnamed].process = program;
      }
      auto library = text_after(line, "calling init: ");
      if (!library.ends_with(kLibraryFile)) continue;
      sightings.push_back({pid, program, std::move(library), false});
    }
  }
  return sightings;
}

}  // namespace handfast::tool
