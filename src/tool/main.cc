// handfast: runs unmodified programs on Handfast's libssl.so.3.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tool/launch.h"
#include "tool/library_path.h"

namespace {

using handfast::tool::library_folder;

constexpr int kUsage = 2;

int no_library(const std::string& chosen) {
  fprintf(stderr, "handfast: no libssl.so.3 in %s\n",
          chosen.empty() ? "the folders that belong to this program" : chosen.c_str());
  return handfast::tool::kNotFound;
}

int print_version(const std::string& chosen) {
  printf("handfast %s\n", HANDFAST_VERSION);
  const auto folder = library_folder(chosen);
  if (!folder) return no_library(chosen);
  printf("library %s/libssl.so.3\n", folder->c_str());
  return 0;
}

int run_command_line(const std::vector<std::string>& words) {
  CLI::App app{"Runs unmodified programs on Handfast's libssl.so.3", "handfast"};
  app.require_subcommand(1);
  std::string chosen;
  bool verify = false;
  auto* run = app.add_subcommand(
      "run", "run [--verify] [--lib DIR] -- PROGRAM [ARGS...]: run PROGRAM on Handfast");
  run->add_flag("--verify", verify,
                "report which libssl.so.3 the program really maps; status 125 if not ours");
  run->add_option("--lib", chosen, "folder with the libssl.so.3 to use");
  auto* version = app.add_subcommand("version", "print the version and the library's path");
  version->add_option("--lib", chosen, "folder with the libssl.so.3 to use");

  // Everything after "--" is the program's, whatever it looks like.
  const auto split = std::find(words.begin(), words.end(), "--");
  std::vector<std::string> own(words.begin(), split);
  const std::vector<std::string> command(split == words.end() ? split : split + 1, words.end());
  std::reverse(own.begin(), own.end());  // CLI11 takes them last first
  try {
    app.parse(own);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (version->parsed()) return print_version(chosen);
  if (command.empty()) {
    fprintf(stderr, "handfast: no program given\n%s", run->help().c_str());
    return kUsage;
  }
  const auto folder = library_folder(chosen);
  if (!folder) return no_library(chosen);
  return verify ? handfast::tool::run_verified(*folder, command)
                : handfast::tool::run(*folder, command);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_command_line({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fprintf(stderr, "handfast: %s\n", error.what());
    return kUsage;
  }
}
