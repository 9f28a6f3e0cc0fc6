#include "otoscope/io/process.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

#include "otoscope/core/interrupt.h"
#include "otoscope/io/file.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using testing::error_of;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("arguments arrive as they are, streams go to files, the folder is kept") {
  const testing::TemporaryFolder folder;
  const auto out = folder.path() / "out", err = folder.path() / "err";
  CHECK(io::run_process({"printf", "%s|%s", "a b", "$HOME;`ls`"}, {.output_to = out}) == 0);
  CHECK(io::read_file(out) == "a b|$HOME;`ls`");
  CHECK(io::run_process({"sh", "-c", "cat; echo one; echo two >&2; exit 7"},
                        {.output_to = out, .errors_to = err}) == 7);
  CHECK(io::read_file(out) == "one\n");
  CHECK(io::read_file(err) == "two\n");
  CHECK(io::run_process({"sh", "-c", "echo one; echo two >&2"},
                        {.output_to = out, .errors_to = out}) == 0);
  CHECK(io::read_file(out) == "one\ntwo\n");
  CHECK(io::run_process({"pwd", "-P"}, {.output_to = out, .folder = folder.path()}) == 0);
  CHECK(io::read_file(out) == std::filesystem::canonical(folder.path()).string() + "\n");
}

TEST_CASE("a program that is missing, fails or dies is told apart") {
  CHECK(has(error_of([] { io::run_process({"otoscope-no-such-program"}); }),
            "[otoscope-no-such-program] cannot be started: No such file or directory"));
  CHECK(io::run_process({"sh", "-c", "kill -9 $$"}) == 128 + SIGKILL);
  CHECK(error_of([] {
          io::run_process_checked({"sh", "-c", "echo first >&2; echo last words >&2; exit 3"});
        }) == "[sh] expected exit status 0, got 3: last words.");
  CHECK_NOTHROW(io::run_process_checked({"true"}));
}

TEST_CASE("a program that takes too long is ended with its children") {
  const testing::TemporaryFolder folder;
  const auto out = folder.path() / "out";
  int status = 0;
  CHECK(seconds_of([&] {
          status = io::run_process({"sh", "-c", "sleep 60 & echo $!; wait"},
                                   {.output_to = out, .timeout_s = 0.2});
        }) < 10);
  CHECK(status == 124);
  const int grandchild = std::stoi(io::read_file(out));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  // gone, or a zombie that nobody reaps here
  const std::string stat = "/proc/" + std::to_string(grandchild) + "/stat";
  CHECK((!std::filesystem::exists(stat) || has(io::read_file(stat), ") Z")));
}

TEST_CASE("ctrl-C ends the program") {
  clear_interrupt();
  std::thread key([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    request_interrupt();
  });
  CHECK(seconds_of([] { CHECK_THROWS_AS(io::run_process({"sleep", "60"}), Interrupted); }) < 10);
  key.join();
  clear_interrupt();
}

TEST_CASE("programs are found on the path") {
  CHECK(!io::find_program("sh").empty());
  CHECK(io::find_program("otoscope-no-such-program").empty());
  CHECK(io::find_program("/bin/sh") == "/bin/sh");
  CHECK(io::find_program("/bin/otoscope-no-such-program").empty());
}
