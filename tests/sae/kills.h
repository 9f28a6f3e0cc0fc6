#pragma once
/// Training in a process of its own that is killed at random times. The child is this very test
/// program, told by the environment where to train: a fork alone would inherit OpenMP's threads
/// without their bodies.

#include <doctest/doctest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "otoscope/sae/train.h"
#include "sae/planted.h"
#include "support/close.h"

extern char** environ;

namespace otoscope::testing {

inline constexpr const char* kTrainFolder = "OTOSCOPE_TEST_TRAIN_FOLDER";

/// Trains a BatchTopK and a Matryoshka SAE into the folder, with a checkpoint every few steps.
inline std::vector<sae::Trained> train_small_grid(const std::filesystem::path& folder,
                                                  int64_t steps) {
  static const Planted planted = plant(4000, 24, 40, 3, 7);
  const sae::MemoryBatches batches(planted.x.view());
  sae::TrainData data;
  data.input = &batches;
  std::vector<sae::TrainOptions> grid;
  for (const char* arch : {"batchtopk", "matryoshka"}) {
    sae::TrainOptions o;
    o.arch = arch;
    o.latents = 96, o.k = 4, o.steps = steps, o.batch = 128;
    grid.push_back(o);
  }
  grid[1].dead_window = 600;  // so that AuxK and its counters matter
  sae::RunOptions how;
  how.checkpoint_steps = 3;
  return sae::train(grid, data, folder, how, silent_progress());
}

/// The body of the child: trains where the environment says.
inline void child_body(int64_t steps) {
  if (const char* folder = std::getenv(kTrainFolder)) train_small_grid(folder, steps);
}

inline pid_t start_child(const std::filesystem::path& folder, const std::string& test_case) {
  ::setenv(kTrainFolder, folder.c_str(), 1);
  std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  std::string filter = "-tc=" + test_case, quiet = "-m", all = "--no-skip";
  char* arguments[] = {self.data(), filter.data(), all.data(), quiet.data(), nullptr};
  pid_t child = -1;
  REQUIRE(::posix_spawn(&child, self.c_str(), nullptr, nullptr, arguments, environ) == 0);
  ::unsetenv(kTrainFolder);
  return child;
}

/// Kills the training `kills` times at random moments of at most `longest_ms`, lets it end, and
/// compares with a run that was left alone.
inline void survive_kills(int kills, double longest_ms, int64_t steps,
                          const std::string& test_case) {
  const TemporaryFolder killed, alone;
  Rng rng(2024, "kills");
  int hit = 0;
  for (int i = 0; i < kills; ++i) {
    const pid_t child = start_child(killed.path(), test_case);
    std::this_thread::sleep_for(
        std::chrono::microseconds(static_cast<int64_t>(1000 * rng.uniform(5.0, longest_ms))));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    hit += WIFSIGNALED(status);
  }
  CHECK(hit > 0);
  const auto resumed = train_small_grid(killed.path(), steps);
  const auto straight = train_small_grid(alone.path(), steps);
  for (size_t i = 0; i < resumed.size(); ++i) {
    CHECK(sae::load(resumed[i].folder).hash == sae::load(straight[i].folder).hash);
    // Nothing half-written is left beside the results.
    for (const auto& entry : std::filesystem::recursive_directory_iterator(resumed[i].folder))
      CHECK_MESSAGE(entry.path().filename().string().find(".tmp") == std::string::npos,
                    entry.path().string());
  }
}

}  // namespace otoscope::testing
