#pragma once
/// times.json of a demo: which command each step ran, on what, how long it took and what it made.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "cli/demo_steps.h"

namespace otoscope::cli {

class StepRecord {
 public:
  explicit StepRecord(std::filesystem::path file);

  /// True where the step's result lies there, made by the same command from the same inputs. Steps
  /// whose verb itself knows what is done (no `made`) are never settled.
  bool settled(const DemoStep& step) const;
  /// Seconds are kept from the call that did the work: one that finds it done leaves them, one that
  /// runs another command begins anew.
  void add(const DemoStep& step, double seconds, bool finished);
  double seconds(const std::string& step) const;

 private:
  struct Entry {
    std::string command, inputs, made;
    double seconds = 0;
    bool finished = false;
    int64_t peak_memory_bytes = 0;
  };
  void write() const;

  std::filesystem::path file_;
  std::map<std::string, Entry> steps_;
};

/// Of this process, so far.
int64_t peak_memory_bytes();

/// SHA-256 over the command and the content of the files and folders that it names (of a folder:
/// the files that bind its content by hash). What the step makes is left out.
std::string step_inputs(const DemoStep& step);

}  // namespace otoscope::cli
