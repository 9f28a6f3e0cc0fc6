#pragma once
/// Progress for people: a bar with rate and time left on a terminal, plain lines elsewhere. All of
/// it goes to standard error, so standard output stays clean for results.

#include <chrono>
#include <string>

#include "otoscope/core/progress.h"

namespace otoscope::cli {

class TerminalProgress : public Progress {
 public:
  TerminalProgress();
  ~TerminalProgress() override;
  void start(std::string_view task, int64_t total, std::string_view unit) override;
  void advance(int64_t done, std::string_view live) override;
  void finish() override;
  void note(std::string_view text) override;

 private:
  using Clock = std::chrono::steady_clock;
  std::string amount(int64_t count) const;
  std::string status() const;
  void draw();
  void clear_line();

  bool terminal_;
  bool active_ = false, drawn_ = false;
  std::string task_, unit_, live_;
  int64_t total_ = 0, done_ = 0, first_done_ = -1;
  Clock::time_point started_, shown_;
};

}  // namespace otoscope::cli
