/// Runs the real program on the cases in tests/cli/cases/*.oto: a command, its exit status, and
/// lines that must occur in what it prints (`expect`) or in what it complains about (`error`).
/// $WORK is an empty folder of the case's own, $DATA is tests/.

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "support/close.h"

namespace otoscope::cli {
namespace {

struct Outcome {
  int status = -1;
  std::string out, err;
};

Outcome run_shell(const std::string& command, const std::filesystem::path& work) {
  const std::string line =
      "cd '" + work.string() + "' && export WORK='" + work.string() +
      "' DATA='" OTOSCOPE_TEST_DIR "' OTOSCOPE_HOME='" + (work / "home").string() +
      "' PATH='" OTOSCOPE_BINARY_DIR "/bin':\"$PATH\" && { " + command + " ; } >'" +
      (work / "stdout").string() + "' 2>'" + (work / "stderr").string() + "' </dev/null";
  const int raw = std::system(line.c_str());
  return {WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw), io::read_file(work / "stdout"),
          io::read_file(work / "stderr")};
}

void run_case_file(const std::filesystem::path& file) {
  const otoscope::testing::TemporaryFolder work;
  Outcome outcome;
  std::string command;
  int line_number = 0;
  for (const std::string& line : split(io::read_file(file), '\n')) {
    ++line_number;
    const size_t space = line.find(' ');
    const std::string word = line.substr(0, space),
                      rest = space == std::string::npos ? "" : trimmed(line.substr(space));
    INFO(file.filename().string(), ":", line_number, ": ", command, "\nstdout: ", outcome.out,
         "\nstderr: ", outcome.err);
    if (word == "run") {
      command = rest;
      outcome = run_shell(command, work.path());
    } else if (word == "status") {
      CHECK(outcome.status == std::stoi(rest));
    } else if (word == "expect") {
      CHECK_MESSAGE(outcome.out.find(rest) != std::string::npos,
                    "expected on standard output: ", rest);
    } else if (word == "error") {
      CHECK_MESSAGE(outcome.err.find(rest) != std::string::npos,
                    "expected on standard error: ", rest);
    } else if (word == "lines") {
      CHECK_MESSAGE(std::count(outcome.err.begin(), outcome.err.end(), '\n') == std::stoi(rest),
                    "lines on standard error");
    } else if (!line.empty() && word[0] != '#') {
      FAIL("unknown word ", word);
    }
  }
}

}  // namespace

TEST_CASE("the program does what tests/cli/cases say") {
  int files = 0;
  std::vector<std::filesystem::path> cases;
  for (const auto& entry : std::filesystem::directory_iterator(OTOSCOPE_TEST_DIR "/cli/cases"))
    if (entry.path().extension() == ".oto") cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  for (const auto& file : cases) {
    run_case_file(file);
    ++files;
  }
  CHECK(files > 0);
}

}  // namespace otoscope::cli
