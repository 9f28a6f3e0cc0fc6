#include "labels/align_core.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace otoscope::labels {
namespace {

constexpr int64_t kMostCells = int64_t{64} << 20;  // bytes of the path's memory

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
        cepstra_(cepstra_at(spoken, made.at)),
        encoder_weight_(encoder.values.empty() ? 0.0F : static_cast<float>(tuning.encoder_weight)) {
    // Bands (d, J), so that the inner loop runs over the template.
    const auto J = static_cast<int64_t>(made.at.size());
    by_band_ = Tensor<float>({d_, J});
    for (int64_t j = 0; j < J; ++j)
      for (int64_t c = 0; c < d_; ++c) by_band_.data()[c * J + j] = cepstra_.data()[j * d_ + c];
  }

  void row(int64_t frame, int64_t first, int64_t last, float* costs) const {
    const auto J = static_cast<int64_t>(made_.at.size());
    const float* mine = recording_.cepstra.data() + frame * d_;
    std::fill_n(costs, last - first, 0.0F);
    for (int64_t c = 0; c < d_; ++c) {
      const float value = mine[c];
      const float* theirs = by_band_.data() + c * J + first;
      for (int64_t j = 0; j < last - first; ++j) {
        const float gap = theirs[j] - value;
        costs[j] += gap * gap;
      }
    }
    const float scale = 0.5F / static_cast<float>(d_), rest = 1 - encoder_weight_;
    for (int64_t j = 0; j < last - first; ++j) costs[j] = rest * std::sqrt(costs[j] * scale);
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
  /// Bilinear between the encoder's frames: they are 20 ms apart, centred on samples 320 t.
  void add_encoder(int64_t frame, int64_t first, int64_t last, float* costs) const {
    const auto place = [](float at, int64_t n) {
      const float x = std::min(at / 4.0F, static_cast<float>(n - 1));
      const auto low = static_cast<int64_t>(x);
      return std::tuple(low, std::min(low + 1, n - 1), x - static_cast<float>(low));
    };
    const auto [i0, i1, u] = place(static_cast<float>(frame), encoder_.rows);
    const float *a = encoder_.values.data() + i0 * encoder_.columns,
                *b = encoder_.values.data() + i1 * encoder_.columns;
    for (int64_t j = first; j < last; ++j) {
      const auto [j0, j1, v] = place(made_.at[static_cast<size_t>(j)], encoder_.columns);
      const float left = a[j0] + u * (b[j0] - a[j0]), right = a[j1] + u * (b[j1] - a[j1]);
      costs[j - first] += encoder_weight_ * (left + v * (right - left));
    }
  }

  const SoundFeatures& recording_;
  const Template& made_;
  const FrameDistances& encoder_;
  int64_t d_;
  Tensor<float> cepstra_, by_band_;
  float encoder_weight_;
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

struct Warped {
  WarpPath path;
  double mean_cost = 1;  // of the frames of speech, without penalties
  double chance = 1;     // the same of any frame of speech against any of the template
};

Warped warp_onto(const SoundFeatures& recording, const SoundFeatures& spoken, const Template& made,
                 const FrameDistances& encoder, const AlignTuning& tuning) {
  const Costs costs(recording, spoken, made, encoder, tuning);
  WarpProblem problem;
  problem.frames = recording.frames();
  problem.template_frames = static_cast<int64_t>(made.at.size());
  problem.joints = made.joints;
  problem.cost = [&](int64_t frame, int64_t first, int64_t last, float* row) {
    costs.row(frame, first, last, row);
  };
  const std::vector<float> silence = silence_costs(recording, tuning);
  problem.silence = silence;
  WarpOptions options = tuning.warp;
  if (problem.frames * problem.template_frames > kMostCells)
    options.band = std::max<int64_t>(1, kMostCells / problem.frames / 2 - 1);
  Warped out;
  out.path = warp(problem, options);
  double sum = 0, n = 0;
  for (size_t i = 0; i < out.path.at.size(); ++i) {
    const auto frame = static_cast<int64_t>(i);
    if (!costs.is_speech(frame)) continue;
    const int32_t j = out.path.at[i];
    float cost = 1;  // speech that was taken for silence is not like its text
    if (j >= 0) costs.row(frame, j, j + 1, &cost);
    sum += cost;
    n += 1;
  }
  if (n > 0) out.mean_cost = sum / n;
  out.chance = costs.mean(problem.frames);
  return out;
}

}  // namespace

SpeechPath align_speech(const SoundFeatures& recording, const Speech& speech,
                        const SoundFeatures& spoken, const FrameDistances& encoder,
                        const AlignTuning& tuning) {
  SpeechPath out;
  const Template made = make_template(recording, speech, spoken);
  if (made.at.empty()) return out;
  const Warped forward = warp_onto(recording, spoken, made, encoder, tuning);
  for (const int32_t j : forward.path.at)
    out.phone.push_back(j < 0 ? -1 : made.phone[static_cast<size_t>(j)]);
  if (out.phone.empty()) return out;
  out.score = std::clamp(1 - forward.mean_cost / forward.chance, 0.0, 1.0);
  return out;
}

}  // namespace otoscope::labels
