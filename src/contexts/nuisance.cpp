#include "otoscope/contexts/nuisance.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "otoscope/audio/level.h"
#include "otoscope/audio/mel.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/statistics/ranks.h"

namespace otoscope::contexts {
namespace {

constexpr int kMels = 80;
constexpr double kTiltHz = 2000;

double db(double power) {
  return power > 0 ? std::max(static_cast<double>(audio::kQuietestDb), 10 * std::log10(power))
                   : static_cast<double>(audio::kQuietestDb);
}

/// Slaney's scale: linear to 1 kHz, then 27 steps to a factor of 6.4.
double hz_of_mel(double mel) {
  return mel < 15 ? mel * 200 / 3 : 1000 * std::exp((mel - 15) * std::log(6.4) / 27);
}

/// Centre and width of a filter in Hz.
struct Band {
  double centre, width;
};
std::vector<Band> bands() {
  const double top = 15 + 27 * std::log(8.0) / std::log(6.4);  // 8 kHz
  std::vector<Band> all;
  for (int m = 0; m < kMels; ++m) {
    const auto edge = [&](int i) { return hz_of_mel(top * i / (kMels + 1)); };
    all.push_back({edge(m + 1), (edge(m + 2) - edge(m)) / 2});
  }
  return all;
}

struct Spectrum {
  double low_hz = 0, high_hz = 0, tilt_db = 0;
};

/// Hz under which `share` of the weights lie, between the centres of bands.
double edge_of(const std::vector<Band>& all, const std::vector<double>& weight, double share) {
  double total = 0, below = 0;
  for (const double w : weight) total += w;
  if (!(total > 0)) return 0;
  for (size_t m = 0; m < weight.size(); ++m) {
    if (below + weight[m] >= share * total) {
      const double inside = weight[m] > 0 ? (share * total - below) / weight[m] : 0;
      return all[m].centre + (inside - .5) * all[m].width;
    }
    below += weight[m];
  }
  return all.back().centre;
}

Spectrum spectrum_of(std::span<const float> pcm) {
  const Tensor<float> mel = audio::mel_power_log10(pcm, kMels);
  const auto all = bands();
  // Filters are area-normalised: a value is a density, times the width a power.
  std::vector<double> power(kMels, 0), raised(kMels, 0);
  for (int64_t t = 0; t < (mel.empty() ? 0 : mel.shape()[0]); ++t)
    for (int m = 0; m < kMels; ++m)
      power[static_cast<size_t>(m)] += std::pow(10.0, static_cast<double>(mel.at(t, m)));
  double below = 0, above = 0;
  for (size_t m = 0; m < power.size(); ++m) {
    power[m] *= all[m].width;
    raised[m] = power[m] * all[m].centre * all[m].centre;
    (all[m].centre < kTiltHz ? below : above) += power[m];
  }
  return {edge_of(all, power, .01), edge_of(all, raised, .99),
          above > 0 && below > 0 ? db(above / below) : static_cast<double>(audio::kQuietestDb)};
}

/// Samples in runs of at least three at the largest size of either sign.
double clipping_share(std::span<const float> pcm) {
  float high = 0, low = 0;
  for (const float x : pcm) high = std::max(high, x), low = std::min(low, x);
  int64_t clipped = 0, run = 0;
  float at = 0;
  const auto end_run = [&] {
    if (run >= 3) clipped += run;
    run = 0;
  };
  for (const float x : pcm) {
    const bool extreme = x != 0 && (x >= high || x <= low);
    if (!extreme || x != at) end_run();
    if (extreme) ++run, at = x;
  }
  end_run();
  return pcm.empty() ? 0 : static_cast<double>(clipped) / static_cast<double>(pcm.size());
}

}  // namespace

std::array<float, kNuisances.size()> nuisances_of(std::span<const float> pcm) {
  std::array<float, kNuisances.size()> out{};
  if (pcm.empty()) return out;
  const auto levels = audio::levels_db(pcm);
  const float loudest = *std::max_element(levels.begin(), levels.end());
  const auto silent = [&](float level) { return level < loudest - audio::kSilenceBelowPeakDb; };
  double power = 0, sum = 0;
  int64_t active = 0;
  for (const float level : levels)
    if (!silent(level)) power += std::pow(10.0, static_cast<double>(level) / 10), ++active;
  float peak = 0;
  for (const float x : pcm) peak = std::max(peak, std::fabs(x)), sum += static_cast<double>(x);
  const double mean = sum / static_cast<double>(pcm.size());
  const double loudness = db(power / static_cast<double>(std::max<int64_t>(1, active)));
  const double floor = quantile(std::vector<double>(levels.begin(), levels.end()), .1);
  const auto first = std::find_if_not(levels.begin(), levels.end(), silent);
  const auto last = std::find_if_not(levels.rbegin(), levels.rend(), silent);
  const double seconds = audio::seconds_of_samples(static_cast<int64_t>(pcm.size()));
  const double window = audio::seconds_of_samples(audio::kWindowSamples);
  const Spectrum spectrum = spectrum_of(pcm);
  const double values[] = {loudness,
                           db(static_cast<double>(peak) * static_cast<double>(peak)),
                           floor,
                           loudness - floor,
                           seconds,
                           std::max(0.0, 1 - seconds / window),
                           audio::seconds_of({first - levels.begin()}),
                           audio::seconds_of({last - levels.rbegin()}),
                           1 - static_cast<double>(active) / static_cast<double>(levels.size()),
                           clipping_share(pcm),
                           spectrum.low_hz,
                           spectrum.high_hz,
                           spectrum.tilt_db,
                           db(mean * mean)};
  static_assert(std::size(values) == kNuisances.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(values[i]);
  return out;
}

}  // namespace otoscope::contexts
