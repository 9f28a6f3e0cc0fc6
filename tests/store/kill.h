#pragma once
/// An extraction in a process of its own, killed at random moments and begun again.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "otoscope/core/threads.h"
#include "otoscope/store/extract.h"
#include "store/corpus.h"

namespace otoscope::testing {

inline constexpr const char* kFolder = "OTOSCOPE_TEST_KILL_FOLDER";

inline void extract_for_kill(const std::filesystem::path& folder,
                             const std::filesystem::path& out) {
  store::ExtractOptions options;
  options.store = "f32";
  options.pack = true;
  options.batch = 2;
  options.shard_mb = 1;
  const auto& dims = nano().dims();
  const int before = threads();
  set_threads(1);  // on a busy machine threads wait for each other, and products keep their bits
  const auto clips = corpus(folder, std::vector<int64_t>(120, 30000));
  store::extract(nano(), "whisper-nano",
                 {model::find_site(dims, "encoder.blocks.0.resid_post"),
                  model::find_site(dims, "encoder.out")},
                 clips, options, out, silent_progress());
  options.pack = false;  // tokens, the decoder's wide sites so that there are several shards
  store::extract(
      nano(), "whisper-nano",
      {model::find_site(dims, "decoder.blocks.0.mlp_post"), model::find_site(dims, "logits")},
      clips, options, out / "tokens", silent_progress());
  set_threads(before);
}

/// Not a fork: a forked child hangs in its first parallel region once its parent has had one.
inline pid_t start_child(const std::filesystem::path& folder) {
  ::setenv(kFolder, folder.c_str(), 1);
  const char* arguments[] = {"/proc/self/exe", "--no-skip", "-tc=the child of the kill test",
                             nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = -1;
  REQUIRE(::posix_spawn(&child, arguments[0], &actions, nullptr,
                        const_cast<char* const*>(arguments), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

inline void check_kills(int kills, uint64_t seed) {
  const TemporaryFolder folder;
  extract_for_kill(folder.path(), folder.path() / "whole");
  const std::string want = hash_of_tree(folder.path() / "whole");

  using Clock = std::chrono::steady_clock;
  const auto finish = [&] {
    int status = -1;
    const auto start = Clock::now();
    const pid_t child = start_child(folder.path());
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const double seconds = finish();
  CHECK(hash_of_tree(folder.path() / "out") == want);
  std::filesystem::remove_all(folder.path() / "out");

  Rng rng(seed, "kills");
  int struck = 0;
  for (int tries = 0; struck < kills && tries < 3 * kills; ++tries) {
    const pid_t child = start_child(folder.path());
    std::this_thread::sleep_for(std::chrono::duration<double>(rng.uniform(0, seconds)));
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == child) {  // done already: begin a new store
      CHECK(status == 0);
      CHECK(hash_of_tree(folder.path() / "out") == want);
      std::filesystem::remove_all(folder.path() / "out");
      continue;
    }
    ::kill(child, SIGKILL);
    REQUIRE(::waitpid(child, &status, 0) == child);
    ++struck;
  }
  CHECK(struck == kills);
  finish();
  CHECK(hash_of_tree(folder.path() / "out") == want);
}

}  // namespace otoscope::testing

TEST_CASE("the child of the kill test" * doctest::skip()) {
  const char* folder = std::getenv(otoscope::testing::kFolder);
  REQUIRE(folder != nullptr);
  otoscope::testing::extract_for_kill(folder, std::filesystem::path(folder) / "out");
}
