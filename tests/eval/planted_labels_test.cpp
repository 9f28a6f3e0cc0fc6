#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "otoscope/core/rng.h"
#include "otoscope/sae/train.h"
#include "support/close.h"

namespace otoscope::eval {
namespace {

constexpr int64_t kWidth = 48, kUtterances = 120, kFrames = 150, kPhones = 12, kSpeakers = 5;
constexpr int64_t kLabels = kPhones + kSpeakers + 1;  // and noise
constexpr int64_t kRows = kUtterances * kFrames;

/// Like speech: phones in segments of some frames, one speaker an utterance, noise in some
/// utterances, all under a background that drifts from frame to frame (AR(1)).
struct Speech {
  Tensor<float> x{Shape{kRows, kWidth}};
  std::vector<std::vector<uint8_t>> labels{static_cast<size_t>(kLabels),
                                           std::vector<uint8_t>(static_cast<size_t>(kRows), 0)};
  Speech() {
    Rng rng(1, "planted speech");
    Tensor<float> directions(Shape{kLabels, kWidth});
    for (int64_t l = 0; l < kLabels; ++l) {
      double norm = 0;
      for (int64_t j = 0; j < kWidth; ++j) {
        directions.at(l, j) = static_cast<float>(rng.normal());
        norm += directions.at(l, j) * directions.at(l, j);
      }
      for (int64_t j = 0; j < kWidth; ++j)
        directions.at(l, j) /= static_cast<float>(std::sqrt(norm));
    }
    std::vector<float> drift(kWidth, 0.0f);
    for (int64_t u = 0; u < kUtterances; ++u) {
      const auto speaker = static_cast<int64_t>(rng.below(kSpeakers));
      const bool noisy = rng.below(3) == 0;
      int64_t phone = 0, left = 0;
      for (int64_t t = 0; t < kFrames; ++t, --left) {
        if (left == 0) {
          phone = static_cast<int64_t>(rng.below(kPhones));
          left = 3 + static_cast<int64_t>(rng.below(9));
        }
        const int64_t row = u * kFrames + t;
        const auto add = [&](int64_t label) {
          labels[static_cast<size_t>(label)][static_cast<size_t>(row)] = 1;
          const auto size = static_cast<float>(2.5 + .4 * rng.normal());
          for (int64_t j = 0; j < kWidth; ++j) x.at(row, j) += size * directions.at(label, j);
        };
        for (int64_t j = 0; j < kWidth; ++j) {
          float& d = drift[static_cast<size_t>(j)];
          d = .9f * d + static_cast<float>(.1 * std::sqrt(1 - .81) * rng.normal());
          x.at(row, j) = .7f + d;
        }
        add(phone);
        add(kPhones + speaker);
        if (noisy) add(kPhones + kSpeakers);
      }
    }
  }
};

/// F1 of "feature fires" for a label over rows [begin, end), for every feature.
std::vector<double> f1_of(const SparseRows& codes, const std::vector<uint8_t>& label, int64_t F,
                          int64_t begin, int64_t end) {
  std::vector<double> both(static_cast<size_t>(F)), fired(static_cast<size_t>(F));
  double active = 0;
  for (int64_t b = begin; b < end; ++b) {
    const bool on = label[static_cast<size_t>(b)] != 0;
    active += on ? 1 : 0;
    for (int64_t e = codes.indptr[static_cast<size_t>(b)];
         e < codes.indptr[static_cast<size_t>(b) + 1]; ++e) {
      const auto f = static_cast<size_t>(codes.indices[static_cast<size_t>(e)]);
      fired[f] += 1;
      both[f] += on ? 1 : 0;
    }
  }
  for (size_t f = 0; f < fired.size(); ++f)
    both[f] = fired[f] + active == 0 ? 0 : 2 * both[f] / (fired[f] + active);
  return both;
}

}  // namespace

TEST_CASE("planted labels are recovered at F1 of .9 and more, shuffled ones are not") {
  const Speech speech;
  // The first 90 utterances train and choose the feature of each label; the last 30 judge.
  const int64_t seen = 90 * kFrames;
  const sae::MemoryBatches batches(speech.x.view().slice(0, seen));
  sae::TrainData data;
  data.input = &batches;
  sae::TrainOptions options;
  options.latents = 64;
  options.k = 3;
  options.steps = 600;
  options.batch = 512;
  options.lr = 3e-3;
  const testing::TemporaryFolder folder;
  const auto done = sae::train({options}, data, folder.path(), {}, silent_progress());
  const sae::Sae sae = sae::load(done[0].folder);
  SparseRows codes;
  sae::Encoder(sae).encode(speech.x, codes);

  double mean = 0, null_mean = 0;
  for (int64_t l = 0; l < kLabels; ++l) {
    const auto& label = speech.labels[static_cast<size_t>(l)];
    const auto chosen_by = f1_of(codes, label, sae.F(), 0, seen);
    const auto best = std::max_element(chosen_by.begin(), chosen_by.end()) - chosen_by.begin();
    const double f1 = f1_of(codes, label, sae.F(), seen, kRows)[static_cast<size_t>(best)];
    CAPTURE(l);
    CHECK(f1 >= .7);
    mean += f1 / kLabels;
    // Null: the label sequences of other utterances.
    std::vector<uint8_t> other = label;
    std::rotate(other.begin(), other.begin() + 37 * kFrames + 61, other.end());
    const auto null_by = f1_of(codes, other, sae.F(), 0, seen);
    const auto lucky = std::max_element(null_by.begin(), null_by.end()) - null_by.begin();
    null_mean += f1_of(codes, other, sae.F(), seen, kRows)[static_cast<size_t>(lucky)] / kLabels;
  }
  CHECK(mean >= .9);
  CHECK(null_mean < .5);
  MESSAGE("mean F1 " << mean << ", of shuffled labels " << null_mean);
}

}  // namespace otoscope::eval
