#include "cli/terminal_progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "otoscope/core/text.h"

namespace otoscope::cli {
namespace {

int columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

double seconds_between(std::chrono::steady_clock::time_point a,
                       std::chrono::steady_clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

std::string rate_text(double rate) {
  char text[24];
  std::snprintf(text, sizeof text, rate >= 100 ? "%.0f" : rate >= 10 ? "%.1f" : "%.2f", rate);
  return text;
}

}  // namespace

TerminalProgress::TerminalProgress() : terminal_(isatty(STDERR_FILENO) != 0) {}

TerminalProgress::~TerminalProgress() {
  if (drawn_) clear_line();
}

void TerminalProgress::start(std::string_view task, int64_t total, std::string_view unit) {
  task_ = task, unit_ = unit, live_.clear();
  total_ = total, done_ = 0, first_done_ = -1;
  started_ = Clock::now();
  shown_ = {};
  active_ = true;
  if (!terminal_) std::fprintf(stderr, "%s: %s\n", task_.c_str(), amount(total_).c_str());
}

void TerminalProgress::advance(int64_t done, std::string_view live) {
  if (first_done_ < 0) {
    // A resumed step starts in the middle: what was done before says nothing about the rate.
    first_done_ = done > 1 ? done : 0;
    if (first_done_ > 0) started_ = Clock::now();
  }
  done_ = done;
  live_ = live;
  const auto now = Clock::now();
  if (seconds_between(shown_, now) < (terminal_ ? 0.1 : 10.0)) return;
  if (!terminal_ &&
      shown_ == Clock::time_point{}) {  // the first line would come before there is a rate
    shown_ = now;
    return;
  }
  shown_ = now;
  draw();
}

std::string TerminalProgress::amount(int64_t count) const {
  return unit_ == "bytes" ? human_bytes(count) : std::to_string(count) + " " + unit_;
}

std::string TerminalProgress::status() const {
  const double elapsed = seconds_between(started_, Clock::now());
  const double rate =
      elapsed > 0 ? static_cast<double>(done_ - std::max<int64_t>(0, first_done_)) / elapsed : 0;
  std::string text = unit_ == "bytes"
                         ? human_bytes(done_) + " of " + human_bytes(total_)
                         : std::to_string(done_) + "/" + std::to_string(total_) + " " + unit_;
  if (rate > 0) {
    text += ", " + (unit_ == "bytes" ? human_bytes(std::llround(rate)) : rate_text(rate)) + "/s";
    if (done_ < total_)
      text += ", " + human_seconds(static_cast<double>(total_ - done_) / rate) + " left";
  }
  if (!live_.empty()) text += ", " + live_;
  return text;
}

void TerminalProgress::draw() {
  if (!terminal_) {
    std::fprintf(stderr, "%s: %s\n", task_.c_str(), status().c_str());
    return;
  }
  constexpr int kBar = 20;
  const int filled =
      total_ > 0 ? static_cast<int>(std::min<int64_t>(kBar, kBar * done_ / total_)) : 0;
  std::string line = task_ + " [" + std::string(static_cast<size_t>(filled), '#') +
                     std::string(static_cast<size_t>(kBar - filled), '.') + "] " + status();
  const auto width = static_cast<size_t>(columns() - 1);
  if (line.size() > width) line.resize(width);
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void TerminalProgress::clear_line() {
  if (terminal_ && drawn_) std::fprintf(stderr, "\r\033[K");
  drawn_ = false;
}

void TerminalProgress::finish() {
  if (!active_) return;
  active_ = false;
  clear_line();
  std::fprintf(stderr, "%s: done, %s in %s%s%s\n", task_.c_str(), amount(done_).c_str(),
               human_seconds(seconds_between(started_, Clock::now())).c_str(),
               live_.empty() ? "" : ", ", live_.c_str());
}

void TerminalProgress::note(std::string_view text) {
  clear_line();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

}  // namespace otoscope::cli
