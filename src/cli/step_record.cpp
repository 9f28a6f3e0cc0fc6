#include "cli/step_record.h"

#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "otoscope/core/text.h"
#include "otoscope/core/version.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"

namespace otoscope::cli {
namespace {

namespace fs = std::filesystem;

/// The path in "NAME=PATH" and "PATH" alike.
std::string path_of(const std::string& word) {
  const size_t equals = word.find('=');
  return equals == std::string::npos ? word : word.substr(equals + 1);
}

}  // namespace

int64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

std::string step_inputs(const DemoStep& step) {
  std::string all = std::string(kVersion) + " " + join(step.words, " ");
  for (const std::string& word : step.words)
    for (const std::string& part : split(word, ',')) {
      const fs::path path = path_of(part);
      if (path == step.made || path == fs::path(step.made).parent_path()) continue;
      if (fs::is_regular_file(path)) all += " " + io::sha256_file(path);
      for (const char* name : {"index.json", "cfg.json", "sae_weights.safetensors"})
        if (fs::is_directory(path) && fs::exists(path / name))
          all += " " + io::sha256_file(path / name);
    }
  return io::sha256(all);
}

StepRecord::StepRecord(fs::path file) : file_(std::move(file)) {
  if (!fs::exists(file_)) return;
  const io::Json before = io::read_json(file_);
  for (const auto& [name, step] : before.items())
    steps_[name] = {step.value("command", ""),     step.value("inputs", ""),
                    step.value("made", ""),        step.value("seconds", 0.0),
                    step.value("finished", false), step.value("peak_memory_bytes", int64_t{0})};
}

bool StepRecord::settled(const DemoStep& step) const {
  const auto found = steps_.find(step.name);
  if (step.made.empty() || !fs::exists(step.made) || found == steps_.end()) return false;
  const Entry& before = found->second;
  return before.finished && before.inputs == step_inputs(step) &&
         before.made == io::sha256_file(step.made);
}

void StepRecord::add(const DemoStep& step, double seconds, bool finished) {
  Entry now{join(step.words, " "), "", "", seconds, finished, peak_memory_bytes()};
  if (finished && !step.made.empty()) {
    now.inputs = step_inputs(step);
    now.made = io::sha256_file(step.made);
  }
  if (const auto found = steps_.find(step.name);
      found != steps_.end() && found->second.command == now.command) {
    const Entry& old = found->second;
    if (old.finished && old.inputs == now.inputs) return;
    if (!old.finished) now.seconds += old.seconds;
  }
  steps_[step.name] = now;
  write();
}

void StepRecord::write() const {
  io::Json all = io::Json::object();
  for (const auto& [name, step] : steps_) {
    all[name] = {{"command", step.command},
                 {"seconds", step.seconds},
                 {"finished", step.finished},
                 {"peak_memory_bytes", step.peak_memory_bytes}};
    if (!step.made.empty()) {
      all[name]["inputs"] = step.inputs;
      all[name]["made"] = step.made;
    }
  }
  io::write_json(file_, all);
}

double StepRecord::seconds(const std::string& step) const {
  const auto found = steps_.find(step);
  return found == steps_.end() ? 0 : found->second.seconds;
}

}  // namespace otoscope::cli
