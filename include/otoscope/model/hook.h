#pragma once
/// One hook, three powers: ask (which sites, so that the rest costs nothing), observe, replace.
/// Capture, splice, steer, ablate and trace are all written on it.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/model/site.h"

namespace otoscope::model {

enum class Want : uint8_t { none = 0, observe = 1, replace = 2, both = 3 };
inline bool wants(Want want, Want power) {
  return (static_cast<uint8_t>(want) & static_cast<uint8_t>(power)) != 0;
}

enum class Pass : uint8_t { encoder, decoder_forced, decoder_cached };

/// Which rows a hook is looking at. Spans have B entries (B = rows of the batch: clips, or clips x
/// beams).
struct Rows {
  Pass pass = Pass::encoder;
  int64_t B = 0;
  int64_t T = 0;                  // positions in this call (1 in a cached step)
  int64_t position = 0;           // place of the first of them in its sequence
  int step = -1;                  // decode step (0 = the prompt), -1 outside cached decoding
  std::span<const int64_t> item;  // what the caller calls the clip or window
  std::span<const int32_t>
      valid;  // encoder: frames that carry audio; decoder: tokens that are not padding
  std::span<const int32_t> beam;  // beam index, empty when there are none
};

class Hook {
 public:
  virtual ~Hook() = default;
  /// Once per site before the run. Want::none costs nothing after.
  virtual Want ask(const Site& site) = 0;
  /// Edits x in place (shape fixed: site_shape). Runs before any observer.
  virtual void replace(const Site&, const Rows&, View<float> /*x*/) {}
  /// Sees the final value.
  virtual void observe(const Site&, const Rows&, View<const float> /*x*/) {}
  /// Beam search or batch compaction reordered the rows: row i now continues what was row
  /// source[i].
  virtual void reorder(std::span<const int32_t> /*source*/) {}
};

using Hooks = std::span<Hook* const>;

/// Keeps copies of what it saw at the sites it was asked for, one tensor per call.
class Recorder : public Hook {
 public:
  explicit Recorder(std::vector<Site> sites) : sites_(std::move(sites)) {}
  Want ask(const Site& site) override;
  void observe(const Site& site, const Rows& rows, View<const float> x) override;
  /// The values of the last call at a site; UserError if the site was never reached.
  const Tensor<float>& last(const Site& site) const;
  /// All calls at a site in order.
  const std::vector<Tensor<float>>& all(const Site& site) const;

 private:
  std::vector<Site> sites_;
  std::vector<std::pair<Site, std::vector<Tensor<float>>>> seen_;
};

/// Replaces one site by what a function makes of it.
class Edit : public Hook {
 public:
  using Function = std::function<void(const Rows&, View<float>)>;
  Edit(Site site, Function function) : site_(site), function_(std::move(function)) {}
  Want ask(const Site& site) override { return site == site_ ? Want::replace : Want::none; }
  void replace(const Site&, const Rows& rows, View<float> x) override { function_(rows, x); }

 private:
  Site site_;
  Function function_;
};

}  // namespace otoscope::model
