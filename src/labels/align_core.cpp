#include "labels/align_core.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "otoscope/core/statistics.h"

namespace otoscope::labels {
namespace {

constexpr int64_t kMostCells = int64_t{64} << 20;  // bytes of the path's memory
constexpr int kBlock = 16;                         // template frames

// Under wrong texts of n phones the margin of a path lies about 0 with a deviation of
// kSpread / √(n + kFewPhones): measured on people (docs/labels.md, "Left out").
constexpr double kSpread = 0.13, kFewPhones = 5;

/// The speech's frames without its pauses, at the recording's pace.
struct Template {
  std::vector<float> at;       // (J): place in the speech's frames, fractional
  std::vector<int32_t> phone;  // (J)
  std::vector<int64_t> joints;
};

int64_t active_frames(const SoundFeatures& sound) {
  const float threshold = sound.floor_db + 0.35F * (sound.speech_db - sound.floor_db);
  return std::count_if(sound.level_db.begin(), sound.level_db.end(),
                       [&](float level) { return level > threshold; });
}

Template make_template(const SoundFeatures& recording, const Speech& speech,
                       const SoundFeatures& spoken) {
  std::vector<int32_t> frames, phones;
  size_t p = 0;
  for (int64_t t = 0; t < spoken.frames(); ++t) {
    while (p + 1 < speech.phones.size() && speech.phones[p].end <= t * kAlignHop) ++p;
    if (speech.phones.empty() || speech.phones[p].ipa.empty()) continue;
    frames.push_back(static_cast<int32_t>(t));
    phones.push_back(static_cast<int32_t>(p));
  }
  Template made;
  if (frames.empty()) return made;
  const double pace =
      std::clamp(static_cast<double>(active_frames(recording)) /
                     static_cast<double>(std::max<int64_t>(1, active_frames(spoken))),
                 0.4, 2.5);
  const auto n = static_cast<double>(frames.size());
  const auto J = std::max<int64_t>(1, std::llround(n * pace));
  for (int64_t j = 0; j < J; ++j) {
    const double x =
        std::clamp((static_cast<double>(j) + 0.5) * n / static_cast<double>(J) - 0.5, 0.0, n - 1);
    const auto low = static_cast<size_t>(x), nearest = static_cast<size_t>(std::lround(x));
    const double part = x - static_cast<double>(low);
    const bool together = low + 1 < frames.size() && frames[low + 1] == frames[low] + 1;
    made.at.push_back(static_cast<float>(frames[together ? low : nearest] + (together ? part : 0)));
    made.phone.push_back(phones[nearest]);
  }
  for (int64_t j = 0; j <= J; ++j) {
    const auto at = static_cast<size_t>(j);
    const bool edge = j == 0 || j == J;
    if (edge ||
        (made.phone[at] != made.phone[at - 1] &&
         speech.phones[static_cast<size_t>(made.phone[at])].word !=
             speech.phones[static_cast<size_t>(made.phone[at - 1])].word) ||
        made.phone[at] > made.phone[at - 1] + 1)
      made.joints.push_back(j);
  }
  return made;
}

/// (J, d): cepstra at fractional places.
Tensor<float> cepstra_at(const SoundFeatures& spoken, const std::vector<float>& places) {
  const int64_t d = spoken.cepstra.shape()[1];
  Tensor<float> out({static_cast<int64_t>(places.size()), d});
  for (size_t j = 0; j < places.size(); ++j) {
    const auto low = static_cast<int64_t>(places[j]);
    const int64_t high = std::min(low + 1, spoken.frames() - 1);
    const float part = places[j] - static_cast<float>(low);
    const float *a = spoken.cepstra.data() + low * d, *b = spoken.cepstra.data() + high * d;
    float* to = out.data() + static_cast<int64_t>(j) * d;
    for (int64_t c = 0; c < d; ++c) to[c] = a[c] + part * (b[c] - a[c]);
  }
  return out;
}

class Costs {
 public:
  Costs(const SoundFeatures& recording, const SoundFeatures& spoken, const Template& made,
        const FrameDistances& encoder, const AlignTuning& tuning)
      : recording_(recording),
        made_(made),
        encoder_(encoder),
        d_(recording.cepstra.shape()[1]),
        encoder_weight_(encoder.values.empty() ? 0.0F : static_cast<float>(tuning.encoder_weight)) {
    // Bands (d, J), so that the inner loop runs over the template, with a block to spare.
    const auto J = static_cast<int64_t>(made.at.size());
    const Tensor<float> cepstra = cepstra_at(spoken, made.at);
    by_band_.resize(static_cast<size_t>(d_ * J + kBlock));
    for (int64_t j = 0; j < J; ++j)
      for (int64_t c = 0; c < d_; ++c)
        by_band_[static_cast<size_t>(c * J + j)] = cepstra.data()[j * d_ + c];
    if (encoder_weight_ > 0)
      for (const float at : made.at) places_.push_back(place(at, encoder.columns));
  }

  /// Blocks of a constant size with room of their own are what compilers turn into vectors.
  void row(int64_t frame, int64_t first, int64_t last, float* costs) const {
    const auto J = static_cast<int64_t>(made_.at.size());
    const float* mine = recording_.cepstra.data() + frame * d_;
    const float scale = 0.5F / static_cast<float>(d_), rest = 1 - encoder_weight_;
    for (int64_t j = first; j < last; j += kBlock) {
      float sums[kBlock] = {};
      for (int64_t c = 0; c < d_; ++c) {
        const float value = mine[c];
        const float* theirs = by_band_.data() + c * J + j;
        for (int k = 0; k < kBlock; ++k) {
          const float gap = theirs[k] - value;
          sums[k] += gap * gap;
        }
      }
      for (float& sum : sums) sum = rest * std::sqrt(sum * scale);
      std::copy_n(sums, std::min<int64_t>(kBlock, last - j), costs + (j - first));
    }
    if (encoder_weight_ > 0) add_encoder(frame, first, last, costs);
  }

  /// Mean over pairs, by at most 64 frames of the recording.
  double mean(int64_t frames) const {
    const auto J = static_cast<int64_t>(made_.at.size());
    std::vector<float> costs(static_cast<size_t>(J));
    double sum = 0, n = 0;
    for (int64_t i = 0; i < frames; i += std::max<int64_t>(1, frames / 64)) {
      if (!is_speech(i)) continue;
      row(i, 0, J, costs.data());
      for (const float cost : costs) sum += cost;
      n += static_cast<double>(J);
    }
    return n > 0 ? std::max(sum / n, 1e-6) : 1;
  }

  bool is_speech(int64_t frame) const {
    return recording_.level_db[static_cast<size_t>(frame)] > recording_.speech_db - 25;
  }

 private:
  /// A frame among those of the encoder, which are 20 ms apart, centred on samples 320 t.
  struct Place {
    int64_t low, high;
    float part;
  };
  static Place place(float at, int64_t n) {
    const float x = std::min(at / 4.0F, static_cast<float>(n - 1));
    const auto low = static_cast<int64_t>(x);
    return {low, std::min(low + 1, n - 1), x - static_cast<float>(low)};
  }

  void add_encoder(int64_t frame, int64_t first, int64_t last, float* costs) const {
    const Place mine = place(static_cast<float>(frame), encoder_.rows);
    const float *a = encoder_.values.data() + mine.low * encoder_.columns,
                *b = encoder_.values.data() + mine.high * encoder_.columns;
    for (int64_t j = first; j < last; ++j) {
      const Place& at = places_[static_cast<size_t>(j)];
      const float left = a[at.low] + mine.part * (b[at.low] - a[at.low]),
                  right = a[at.high] + mine.part * (b[at.high] - a[at.high]);
      costs[j - first] += encoder_weight_ * (left + at.part * (right - left));
    }
  }

  const SoundFeatures& recording_;
  const Template& made_;
  const FrameDistances& encoder_;
  int64_t d_;
  std::vector<float> by_band_;
  float encoder_weight_;
  std::vector<Place> places_;  // of the template's frames
};

std::vector<float> silence_costs(const SoundFeatures& recording, const AlignTuning& tuning) {
  const float range = std::max(1.0F, recording.speech_db - recording.floor_db);
  std::vector<float> costs;
  for (const float level : recording.level_db) {
    const double above = std::clamp((level - recording.floor_db) / range, 0.0F, 1.0F);
    costs.push_back(static_cast<float>(tuning.silence_base + tuning.silence_slope * above));
  }
  return costs;
}

/// Φ of the path's margin over the same sounds in other orders, 1 - its cost / the mean cost of
/// paths onto those. They have one length, voice and level, so what makes all paths cheap or dear
/// falls out, and the score means the same in every language and at every length.
double score_by_order(double cost, const WarpProblem& problem, const WarpOptions& options,
                      int64_t phones) {
  const int64_t J = problem.template_frames;
  const std::array<int64_t, 3> begins = {J / 4, J / 2, 3 * J / 4};
  double turned = 0;
  for (const double one : turned_costs(problem, options, begins)) turned += one;
  if (!(turned > 0) || !std::isfinite(turned)) return 0.5;
  const double margin = 1 - cost * static_cast<double>(begins.size()) / turned;
  return normal_cdf(margin * std::sqrt(static_cast<double>(phones) + kFewPhones) / kSpread);
}

/// 1 - mean cost of the path's frames of speech / mean cost of all pairs.
double score_by_pairs(const Costs& costs, const WarpPath& path) {
  double sum = 0, n = 0;
  for (size_t i = 0; i < path.at.size(); ++i) {
    const auto frame = static_cast<int64_t>(i);
    if (!costs.is_speech(frame)) continue;
    const int32_t j = path.at[i];
    float cost = 1;  // speech that was taken for silence is not like its text
    if (j >= 0) costs.row(frame, j, j + 1, &cost);
    sum += cost;
    n += 1;
  }
  const double mean = n > 0 ? sum / n : 1;
  return std::clamp(1 - mean / costs.mean(static_cast<int64_t>(path.at.size())), 0.0, 1.0);
}

}  // namespace

SpeechPath align_speech(const SoundFeatures& recording, const Speech& speech,
                        const SoundFeatures& spoken, const FrameDistances& encoder,
                        const AlignTuning& tuning) {
  SpeechPath out;
  const Template made = make_template(recording, speech, spoken);
  if (made.at.empty()) return out;
  const Costs costs(recording, spoken, made, encoder, tuning);
  const std::vector<float> silence = silence_costs(recording, tuning);
  WarpProblem problem;
  problem.frames = recording.frames();
  problem.template_frames = static_cast<int64_t>(made.at.size());
  problem.joints = made.joints;
  problem.silence = silence;
  problem.cost = [&](int64_t frame, int64_t first, int64_t last, float* row) {
    costs.row(frame, first, last, row);
  };
  WarpOptions options = tuning.warp;
  if (problem.frames * problem.template_frames > kMostCells)
    options.band = std::max<int64_t>(1, kMostCells / problem.frames / 2 - 1);
  const WarpPath path = warp(problem, options);
  if (path.at.empty()) return out;
  for (const int32_t j : path.at)
    out.phone.push_back(j < 0 ? -1 : made.phone[static_cast<size_t>(j)]);
  if (!encoder.values.empty()) {
    out.score = score_by_pairs(costs, path);
    return out;
  }
  const auto phones = std::count_if(speech.phones.begin(), speech.phones.end(),
                                    [](const SpokenPhone& phone) { return !phone.ipa.empty(); });
  out.score = score_by_order(path.cost, problem, options, phones);
  return out;
}

}  // namespace otoscope::labels
