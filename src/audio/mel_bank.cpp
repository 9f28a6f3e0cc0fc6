#include "audio/mel_bank.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <numbers>

#include "audio/spectrum.h"
#include "otoscope/audio/mel.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/threads.h"

namespace otoscope::audio {
namespace {

constexpr float kPowerFloor = 1e-10f;
constexpr float kLog10Of2 = 0.30102999566398120f;
constexpr int64_t kGrain = 128;  // frames a piece; a multiple of the lanes

const std::array<float, kFftSamples>& hann() {
  static const auto window = [] {
    std::array<float, kFftSamples> w{};
    for (int n = 0; n < kFftSamples; ++n)
      w[static_cast<size_t>(n)] =
          static_cast<float>(0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * n / kFftSamples));
    return w;
  }();
  return window;
}

}  // namespace

const MelBank& MelBank::of(int n_mels) {
  static std::mutex mutex;
  static std::map<int, std::unique_ptr<const MelBank>> banks;
  const std::lock_guard lock(mutex);
  auto& bank = banks[n_mels];
  if (!bank) bank.reset(new MelBank(n_mels));
  return *bank;
}

MelBank::MelBank(int n_mels) : n_mels_(n_mels) {
  const Tensor<float> dense = mel_filters(n_mels);
  for (int m = 0; m < n_mels; ++m) {
    const float* row = dense.view().row(m);
    int first = 0, last = kBins;
    while (first < last && row[first] == 0.0f) ++first;
    while (last > first && row[last - 1] == 0.0f) --last;
    filters_.push_back({first, last - first, weights_.size()});
    weights_.insert(weights_.end(), row + first, row + last);
  }
}

void MelBank::frames(const float* samples, int64_t begin, int64_t end, View<float> out) const {
  const auto& window = hann();
  Lanes x[kFftSamples], power[kBins];
  for (int64_t f = begin; f < end; f += kLanes) {
    const int used = static_cast<int>(std::min<int64_t>(kLanes, end - f));
    for (int lane = 0; lane < kLanes; ++lane) {
      // Lanes without a frame repeat the last one: their result is not used.
      const float* frame = samples + kHopSamples * (f + std::min(lane, used - 1));
      for (int i = 0; i < kFftSamples; ++i) x[i][lane] = frame[i] * window[static_cast<size_t>(i)];
    }
    power_spectra(x, power);
    for (int m = 0; m < n_mels_; ++m) {
      const Filter& filter = filters_[static_cast<size_t>(m)];
      const float* weights = weights_.data() + filter.weights;
      Lanes sum = {};
      for (int i = 0; i < filter.bins; ++i) sum += weights[i] * power[filter.first_bin + i];
      for (int lane = 0; lane < used; ++lane)
        out.at(f + lane, m) = kLog10Of2 * std::log2(std::max(sum[lane], kPowerFloor));
    }
  }
}

void MelBank::log10_power(const float* samples, View<float> out) const {
  OTO_ASSERT(out.width() == n_mels_);
  parallel_ranges(out.shape[0], kGrain,
                  [&](int64_t begin, int64_t end) { frames(samples, begin, end, out); });
}

int64_t reflected(int64_t i, int64_t n) {
  if (n == 1) return 0;
  const int64_t period = 2 * (n - 1);
  i = ((i % period) + period) % period;
  return i < n ? i : period - i;
}

}  // namespace otoscope::audio
