#include "otoscope/contexts/direction.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "contexts/standardised.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"
#include "otoscope/model/wer.h"
#include "otoscope/steer/edited.h"
#include "otoscope/steer/hook.h"

namespace otoscope::contexts {
namespace {

constexpr double kDoses[] = {.5, 1, 2};

/// Which items say where to, and which are moved.
struct DirectionHalves {
  std::vector<int64_t> estimate, moved[2];
};
DirectionHalves halves_of(const Design& design, const DirectionOptions& options) {
  Rng rng(options.seed, "contexts: direction");
  std::vector<uint8_t> estimates(static_cast<size_t>(design.groups), 0);
  const auto order = rng.permutation(design.groups);
  for (size_t i = 0; i < order.size() / 2; ++i) estimates[static_cast<size_t>(order[i])] = 1;
  DirectionHalves halves;
  for (int64_t i = 0; i < design.n(); ++i) {
    const auto at = static_cast<size_t>(i);
    auto& moved = halves.moved[design.context[at]];
    if (estimates[static_cast<size_t>(design.group[at])] != 0)
      halves.estimate.push_back(i);
    else if (static_cast<int64_t>(moved.size()) < options.clips)
      moved.push_back(i);
  }
  return halves;
}

/// Means of the first p columns over the items of each context.
struct Means {
  std::vector<double> of[2];
};
Means means_of(View<const float> x, int64_t p, const Design& design,
               std::span<const int64_t> items) {
  Means means;
  double n[2] = {0, 0};
  for (auto& m : means.of) m.assign(static_cast<size_t>(p), 0);
  for (const int64_t i : items) {
    const uint8_t c = design.context[static_cast<size_t>(i)];
    n[c] += 1;
    for (int64_t j = 0; j < p; ++j)
      means.of[c][static_cast<size_t>(j)] += static_cast<double>(x.at(i, j));
  }
  if (n[0] < 2 || n[1] < 2)
    throw UserError("--steer",
                    "expected at least 2 clips of each context in half of the groups, "
                    "got fewer",
                    "give more groups, or leave --steer out");
  for (const size_t c : {size_t{0}, size_t{1}})
    for (double& m : means.of[c]) m /= n[c];
  return means;
}

std::vector<std::vector<float>> random_mixtures(View<const float> raw, int64_t d,
                                                const Design& design, const Means& means,
                                                std::span<const int64_t> items, int count,
                                                uint64_t seed) {
  std::vector<std::vector<float>> all;
  for (int k = 0; k < count; ++k) {
    Rng rng(seed, name_hash("contexts: random direction") + static_cast<uint64_t>(k));
    std::vector<double> sum(static_cast<size_t>(d), 0);
    for (const int64_t i : items) {
      const double weight = rng.normal();
      const auto& mean = means.of[design.context[static_cast<size_t>(i)]];
      for (int64_t j = 0; j < d; ++j)
        sum[static_cast<size_t>(j)] +=
            weight * (static_cast<double>(raw.at(i, j)) - mean[static_cast<size_t>(j)]);
    }
    all.emplace_back(sum.begin(), sum.end());
  }
  return all;
}

/// The features whose means differ most, in units of their deviation, and by how much they do.
steer::Operator feature_move(const Gathered& gathered, const Design& design,
                             std::span<const int64_t> items, int count) {
  const int64_t F = gathered.pooled.firing.shape()[1];
  const View<const float> x = gathered.pooled.features;  // means first, then maxima
  const Means means = means_of(x, F, design, items);
  std::vector<Column> kept;
  Tensor<float> part(Shape{static_cast<int64_t>(items.size()), F});
  for (size_t i = 0; i < items.size(); ++i)
    std::copy_n(x.row(items[i]), F, part.view().row(static_cast<int64_t>(i)));
  standardised(part, kept);
  const auto apart = [&](const Column& c) {
    const auto j = static_cast<size_t>(c.column);
    return std::fabs(means.of[1][j] - means.of[0][j]) / c.deviation;
  };
  std::stable_sort(kept.begin(), kept.end(),
                   [&](const Column& a, const Column& b) { return apart(a) > apart(b); });
  kept.resize(std::min(kept.size(), static_cast<size_t>(count)));
  std::vector<int32_t> features;
  std::vector<float> units;
  for (const Column& c : kept) {
    const auto j = static_cast<size_t>(c.column);
    features.push_back(static_cast<int32_t>(c.column));
    units.push_back(static_cast<float>(means.of[1][j] - means.of[0][j]));
  }
  return steer::on_features(steer::Action::add, features, 1, units);
}

/// What one clip adds to a rate: errors over words, or one where there is text.
struct Counted {
  double above = 0, below = 0;
};
Counted counted(const steer::SoundWindow& window, const steer::Heard& heard, bool words) {
  if (!words) return {heard.wrote() ? 1.0 : 0.0, window.clip.speech ? 0.0 : 1.0};
  if (window.words == 0) return {};
  return {static_cast<double>(model::word_errors(window.reference, heard.normalised).errors()),
          static_cast<double>(window.words)};
}

class Mover {
 public:
  Mover(const model::Whisper& model, const model::Tokenizer& tokenizer, const Items& items,
        const Gathered& gathered, model::Site site, const sae::Sae* sae,
        const DirectionOptions& options, Progress& progress)
      : model_(model),
        tokenizer_(tokenizer),
        items_(items),
        gathered_(gathered),
        site_(site),
        sae_(sae),
        options_(options),
        progress_(progress),
        halves_(halves_of(items.design, options)) {}

  Directed run() {
    Directed result;
    for (const auto& window : gathered_.windows) words_ = words_ || window.words > 0;
    result.behaviour = words_ ? "word error rate" : "share with text";
    for (const size_t c : {size_t{0}, size_t{1}})
      for (const int64_t i : halves_.moved[c]) {
        windows_[c].push_back(gathered_.windows[static_cast<size_t>(i)]);
        ++result.clips[c];
        result.words[c] += windows_[c].back().words;
      }
    const int64_t d = gathered_.pooled.raw.shape()[1] / 2;
    const Means means = means_of(gathered_.pooled.raw, d, items_.design, halves_.estimate);
    const auto random = random_mixtures(gathered_.pooled.raw, d, items_.design, means,
                                        halves_.estimate, options_.controls, options_.seed);
    if (sae_ != nullptr) {
      const steer::Operator op =
          feature_move(gathered_, items_.design, halves_.estimate, options_.features);
      result.arms.push_back(arm("features", op, random));
      result.arms.back().features = op.features;
    }
    std::vector<float> v(static_cast<size_t>(d));
    double squares = 0;
    for (size_t j = 0; j < v.size(); ++j) {
      v[j] = static_cast<float>(means.of[1][j] - means.of[0][j]);
      squares += static_cast<double>(v[j]) * static_cast<double>(v[j]);
    }
    result.arms.push_back(
        arm("mean difference", steer::add_direction(v, 1, std::sqrt(squares)), random));
    return result;
  }

 private:
  DirectionArm arm(const std::string& name, const steer::Operator& op,
                   const std::vector<std::vector<float>>& random) {
    DirectionArm made;
    made.name = name;
    std::vector<std::unique_ptr<steer::SteerHook>> hooks;
    const auto add = [&](double dose, std::vector<float> redirect = {}) {
      steer::Operator at = op;
      at.strength = dose;
      steer::SteerOptions steering;
      steering.redirect = std::move(redirect);
      hooks.push_back(std::make_unique<steer::SteerHook>(
          model_.dims(), site_, std::vector<steer::Operator>{at},
          steer::uses_features(op.action) ? sae_ : nullptr, steering));
    };
    for (const double dose : kDoses) add(dose);
    for (const auto& w : random) add(1, w);
    const auto toward = effects(hooks, 0, name);
    for (size_t k = 0; k < std::size(kDoses); ++k)
      made.toward.push_back({kDoses[k], hooks[k]->dose().relative(), toward[k]});
    const double effect = std::fabs(made.toward[1].effect.value);
    int reach = 0;
    for (size_t k = std::size(kDoses); k < toward.size(); ++k) {
      made.controls.push_back(toward[k].value);
      reach += std::fabs(toward[k].value) >= effect - 1e-12 ? 1 : 0;
    }
    made.p = (1.0 + reach) / (1.0 + static_cast<double>(made.controls.size()));
    hooks.clear();
    add(-1);
    made.back = {-1, 0, effects(hooks, 1, name + ", back")[0]};
    made.back.moved = hooks[0]->dose().relative();
    return made;
  }

  /// Change of the rate on the moved clips of a context, one a hook.
  std::vector<Estimate> effects(const std::vector<std::unique_ptr<steer::SteerHook>>& hooks,
                                size_t context, const std::string& task) {
    std::vector<steer::Edited> edits;
    edits.reserve(hooks.size());
    for (const auto& hook : hooks) edits.push_back({task, site_, {hook.get()}});
    steer::HearOptions hear;
    hear.batch = options_.batch;
    const auto heard = steer::hear_edits(model_, tokenizer_, windows_[context], edits, hear,
                                         "move along " + task, progress_);
    std::vector<Estimate> all;
    all.reserve(heard.size());
    for (const auto& with : heard) all.push_back(change(with, context));
    return all;
  }

  Estimate change(const std::vector<steer::Heard>& with, size_t context) const {
    const Design part = part_of(items_.design, halves_.moved[context]);
    std::vector<double> above(static_cast<size_t>(part.groups), 0), below = above;
    for (size_t i = 0; i < with.size(); ++i) {
      const auto g = static_cast<size_t>(part.group[i]);
      const auto at = static_cast<size_t>(halves_.moved[context][i]);
      const Counted now = counted(windows_[context][i], with[i], words_);
      above[g] += now.above - counted(windows_[context][i], gathered_.heard[at], words_).above;
      below[g] += now.below;
    }
    return bootstrap_ratio(above, below, static_cast<int64_t>(with.size()), options_.seed,
                           options_.replicates);
  }

  const model::Whisper& model_;
  const model::Tokenizer& tokenizer_;
  const Items& items_;
  const Gathered& gathered_;
  model::Site site_;
  const sae::Sae* sae_;
  const DirectionOptions& options_;
  Progress& progress_;
  DirectionHalves halves_;
  std::vector<steer::SoundWindow> windows_[2];
  bool words_ = false;
};

}  // namespace

Directed move_along(const model::Whisper& model, const model::Tokenizer& tokenizer,
                    const Items& items, const Gathered& gathered, const model::Site& site,
                    const sae::Sae* sae, const DirectionOptions& options, Progress& progress) {
  if (gathered.heard.empty())
    throw UserError("--steer", "expected decoding, got --no-decode",
                    "the effect is on what the model writes");
  return Mover(model, tokenizer, items, gathered, site, sae, options, progress).run();
}

}  // namespace otoscope::contexts
