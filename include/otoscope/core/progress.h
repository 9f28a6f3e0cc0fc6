#pragma once
/// How long work reports itself. The library only calls; the CLI draws a bar, a test listens, and
/// by default nobody does.

#include <cstdint>
#include <string_view>

namespace otoscope {

class Progress {
 public:
  virtual ~Progress() = default;
  /// A step of known length begins: what it does, how many units, and their name ("windows").
  virtual void start(std::string_view task, int64_t total, std::string_view unit) = 0;
  /// So many units of the present step are done, out of its total; `live` is a short free text
  /// (loss…).
  virtual void advance(int64_t done, std::string_view live = {}) = 0;
  /// The present step is done.
  virtual void finish() = 0;
  /// Something a user wants to know but need not act on ("tokenizer: missing merge inserted").
  virtual void note(std::string_view text) = 0;
};

/// Listens to nothing.
Progress& silent_progress();

}  // namespace otoscope
