#include "tool/launch.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <utility>

#include "tool/evidence.h"

namespace handfast::tool {
namespace {

using Clock = std::chrono::steady_clock;

void put_first_in_search_path(const std::string& folder) {
  std::string path = folder;
  if (const char* before = getenv("LD_LIBRARY_PATH"); before != nullptr && *before != '\0') {
    path += ":";
    path += before;
  }
  setenv("LD_LIBRARY_PATH", path.c_str(), 1);
}

int execute(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  const int error = errno;
  fprintf(stderr, "handfast: %s: %s\n", arguments[0], strerror(error));
  return error == ENOENT ? kNotFound : kCannotExecute;
}

// A folder for the dynamic linker's reports; gone with the object.
class ReportFolder {
 public:
  ReportFolder() {
    std::error_code error;
    std::string name = std::filesystem::temp_directory_path(error) / "handfast-XXXXXX";
    if (!error && mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ReportFolder(const ReportFolder&) = delete;
  ReportFolder& operator=(const ReportFolder&) = delete;
  ~ReportFolder() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }

  // Prefix of the report files, empty when there is no folder.
  std::string prefix() const { return path_.empty() ? path_ : path_ + "/ld"; }

 private:
  std::string path_;
};

// Collects and prints sightings, each pair of process and library once.
class Witness {
 public:
  explicit Witness(const std::string& folder) : expected_(folder + "/libssl.so.3") {}

  void look(pid_t root) {
    for (const pid_t pid : process_tree(root)) {
      for (std::string& library : mapped_libraries(pid)) {
        note({pid, process_name(pid), std::move(library), true});
      }
    }
  }

  void note(const Sighting& sighting) {
    std::error_code error;
    const auto canonical = std::filesystem::weakly_canonical(sighting.library, error);
    const std::string library = error ? sighting.library : canonical.string();
    if (!seen_.emplace(sighting.pid, library).second) return;
    const bool ours = library == expected_;
    (ours ? ours_ : others_) += 1;
    fprintf(stderr, "handfast: %s: %d %s %s %s\n", ours ? "verified" : "NOT verified",
            static_cast<int>(sighting.pid), sighting.process.c_str(),
            sighting.mapped ? "maps" : "ended too soon for /proc, its dynamic linker loaded",
            library.c_str());
  }

  bool satisfied() const { return ours_ > 0 && others_ == 0; }
  bool saw_nothing() const { return ours_ + others_ == 0; }

 private:
  std::string expected_;
  std::set<std::pair<pid_t, std::string>> seen_;
  int ours_ = 0;
  int others_ = 0;
};

// The child's wait status once it has ended; other ended descendants are reaped on the way.
bool child_ended(pid_t child, int* status) {
  int ended_status = 0;
  for (pid_t ended; (ended = waitpid(-1, &ended_status, WNOHANG)) > 0;) {
    if (ended != child) continue;
    *status = ended_status;
    return true;
  }
  return false;
}

int exit_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

// Watches until the child ends. A program may load libssl late and end soon after: look every
// millisecond until the first sighting, then only now and then for further processes.
int watch(pid_t child, const sigset_t& signals, Witness& witness) {
  int status = 0;
  const auto start = Clock::now();
  while (!child_ended(child, &status)) {
    witness.look(child);
    const bool eager = witness.saw_nothing() && Clock::now() - start < std::chrono::seconds(3);
    const timespec pause = {0, (eager ? 1 : 20) * 1000000L};
    const int signal = sigtimedwait(&signals, nullptr, &pause);
    if (signal > 0 && signal != SIGCHLD) kill(child, signal);
  }
  return exit_status(status);
}

}  // namespace

int run(const std::string& folder, const std::vector<std::string>& command) {
  put_first_in_search_path(folder);
  return execute(command);
}

int run_verified(const std::string& folder, const std::vector<std::string>& command) {
  const ReportFolder reports;
  // Descendants that lose their parent stay ours to watch.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t signals;
  sigset_t before;
  sigemptyset(&signals);
  for (const int number : {SIGCHLD, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, &before);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    fprintf(stderr, "handfast: fork: %s\n", strerror(errno));
    return kCannotExecute;
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(kCannotExecute);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    if (getenv("LD_DEBUG") == nullptr && !reports.prefix().empty()) {
      setenv("LD_DEBUG", "files", 1);
      setenv("LD_DEBUG_OUTPUT", reports.prefix().c_str(), 1);
    }
    _exit(run(folder, command));
  }
  // The terminal sends these to the child as well; its answer decides when we end.
  signal(SIGINT, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  Witness witness(folder);
  const int status = watch(child, signals, witness);
  for (const Sighting& sighting : linker_reports(reports.prefix())) witness.note(sighting);
  if (witness.satisfied()) return status;
  if (witness.saw_nothing()) {
    fprintf(stderr, "handfast: NOT verified: %s (status %d) never loaded a libssl.so.3\n",
            command[0].c_str(), status);
  }
  return kNotVerified;
}

}  // namespace handfast::tool
