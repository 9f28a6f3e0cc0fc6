#include "otoscope/io/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "io/traces.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"

namespace otoscope::io {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
namespace {

/// What the child is given: files for its streams, a process group, the usual signals.
class Setup {
 public:
  explicit Setup(const ProcessOptions& options) {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    const auto to = [&](int stream, const fs::path& path) {
      posix_spawn_file_actions_addopen(&actions, stream, path.empty() ? "/dev/null" : path.c_str(),
                                       O_WRONLY | O_CREAT | O_TRUNC, 0666);
    };
    posix_spawn_file_actions_addopen(
        &actions, STDIN_FILENO,
        options.input_from.empty() ? "/dev/null" : options.input_from.c_str(), O_RDONLY, 0);
    to(STDOUT_FILENO, options.output_to);
    if (!options.errors_to.empty() && options.errors_to == options.output_to)
      posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    else
      to(STDERR_FILENO, options.errors_to);
    if (!options.folder.empty())
      posix_spawn_file_actions_addchdir_np(&actions, options.folder.c_str());

    // A group of its own: ending it ends what it started. We ignore some signals; it should not.
    sigset_t usual, none;
    sigfillset(&usual);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  ~Setup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

/// True, and the status set, when the child has ended within `patience`.
bool ended(pid_t child, int& status, Clock::duration patience) {
  const auto until = Clock::now() + patience;
  auto nap = std::chrono::milliseconds(1);
  while (true) {
    const pid_t got = ::waitpid(child, &status, WNOHANG);
    if (got == child || (got < 0 && errno != EINTR)) return true;
    if (Clock::now() >= until || interrupt_requested()) return false;
    std::this_thread::sleep_for(nap);
    nap = std::min(nap * 2, std::chrono::milliseconds(20));
  }
}

/// Asks first, then insists.
void end_group(pid_t child, int& status) {
  ::kill(-child, SIGTERM);
  for (int i = 0; i < 200; ++i) {
    if (::waitpid(child, &status, WNOHANG) == child) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (i == 199) {
      ::kill(-child, SIGKILL);
      ::waitpid(child, &status, 0);
      return;
    }
  }
  ::kill(-child, SIGKILL);  // whatever its children still do
}

}  // namespace

int run_process(const std::vector<std::string>& command, const ProcessOptions& options) {
  OTO_ASSERT(!command.empty());
  Setup setup(options);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t child = -1;
  const int error = ::posix_spawnp(&child, arguments[0], &setup.actions, &setup.attributes,
                                   arguments.data(), environ);
  if (error != 0)
    throw UserError(command[0], std::string("cannot be started: ") + std::strerror(error),
                    error == ENOENT ? "install it, or check the folders it writes to" : "");
  int status = 0;
  const bool timed = options.timeout_s > 0;
  const auto patience = timed ? std::chrono::duration_cast<Clock::duration>(
                                    std::chrono::duration<double>(options.timeout_s))
                              : Clock::duration(std::chrono::hours(24 * 365));
  const auto until = Clock::now() + patience;
  const auto slice =
      options.while_running ? Clock::duration(std::chrono::milliseconds(100)) : patience;
  while (!ended(child, status, std::min(slice, until - Clock::now()))) {
    if (Clock::now() >= until || interrupt_requested()) {
      end_group(child, status);
      throw_if_interrupted();
      return 124;
    }
    try {
      if (options.while_running) options.while_running();
    } catch (...) {
      end_group(child, status);
      throw;
    }
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void run_process_checked(const std::vector<std::string>& command, ProcessOptions options) {
  const bool kept = !options.errors_to.empty();
  if (!kept) {
    std::string name = (fs::temp_directory_path() / "otoscope-errors-XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    if (descriptor < 0) throw UserError(name, "cannot write: " + std::string(strerror(errno)));
    ::close(descriptor);
    options.errors_to = name;
  }
  struct Remove {
    fs::path path;
    ~Remove() {
      std::error_code ignored;
      if (!path.empty()) fs::remove(path, ignored);
    }
  } const remove{kept ? fs::path() : options.errors_to};
  const int status = run_process(command, options);
  if (status == 0) return;
  const std::string said = last_line(options.errors_to, int64_t{64} << 20, 300);
  throw UserError(
      command[0],
      "expected exit status 0, got " + std::to_string(status) + (said.empty() ? "" : ": " + said),
      kept ? "see " + options.errors_to.string() : "");
}

fs::path find_program(std::string_view name) {
  if (name.find('/') != name.npos)
    return ::access(std::string(name).c_str(), X_OK) == 0 ? fs::path(name) : fs::path();
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path != nullptr ? path : "/usr/bin:/bin", ':')) {
    fs::path candidate = fs::path(folder.empty() ? "." : folder) / name;
    std::error_code ignored;
    if (fs::is_regular_file(candidate, ignored) && ::access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return {};
}

}  // namespace otoscope::io
