#pragma once
/// What the demo does, as command lines that anyone can type.

#include <filesystem>
#include <string>
#include <vector>

namespace otoscope::cli {

inline constexpr const char* kDemoModel = "whisper-base";
inline constexpr const char* kDemoData = "prompts";
inline constexpr const char* kDemoOut = "encoder.out";
inline constexpr const char* kDemoMiddle = "encoder.blocks.3.resid_post";

struct DemoStep {
  std::string name;  // stable, for times.json
  std::string what;
  std::vector<std::string> words;
  /// Its one result, where its verb does not know by itself that it is done.
  std::string made = {};
};

/// full: with the runs that take an hour.
std::vector<DemoStep> demo_steps(const std::filesystem::path& out, bool full);

/// run.json: version, the steps, and the SHA-256 of every index, SAE, evaluation and database.
void write_run_record(const std::filesystem::path& out, const std::vector<DemoStep>& steps);

}  // namespace otoscope::cli
