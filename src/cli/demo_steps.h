#pragma once
/// What the demo does, as command lines that anyone can type.

#include <filesystem>
#include <string>
#include <vector>

namespace otoscope::cli {

struct DemoStep {
  std::string name;  // stable, for times.json
  std::string what;
  std::vector<std::string> words;
};

std::vector<DemoStep> demo_steps(const std::filesystem::path& out);

/// run.json: version, the steps, and the SHA-256 of every index, SAE, evaluation and database.
void write_run_record(const std::filesystem::path& out, const std::vector<DemoStep>& steps);

}  // namespace otoscope::cli
