#include "otoscope/contexts/factorial.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "otoscope/contexts/held_out.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"
#include "otoscope/model/wer.h"

namespace otoscope::contexts {
namespace {

/// The four cells, one line a clip and recording: content a in recording 0, in 1, content b in 0,
/// in 1. Groups and order are those of the pairs.
struct Cells {
  std::vector<uint8_t> content, recording;
  std::vector<int32_t> group;
  int32_t groups = 0;
  int64_t n[2] = {0, 0};  // pairs

  int64_t size() const { return static_cast<int64_t>(content.size()); }
};

Cells cells_of(const Comparison& a, const Comparison& b) {
  Cells cells;
  uint8_t content = 0;
  for (const Comparison* one : {&a, &b}) {
    OTO_ASSERT(one->items.paired);
    const Design& d = one->items.design;
    cells.n[content] = d.n() / 2;
    for (int64_t i = 0; i < d.n(); ++i) {
      cells.content.push_back(content);
      cells.recording.push_back(d.context[static_cast<size_t>(i)]);
      cells.group.push_back(cells.groups + d.group[static_cast<size_t>(i)]);
    }
    cells.groups += d.groups;
    content = 1;
  }
  return cells;
}

Tensor<float> stacked(View<const float> a, View<const float> b) {
  Tensor<float> both(Shape{a.shape[0] + b.shape[0], a.shape[1]});
  std::copy_n(a.data, a.size(), both.data());
  std::copy_n(b.data, b.size(), both.data() + a.size());
  return both;
}

Design design_of(std::vector<uint8_t> context, const Cells& cells) {
  Design design;
  design.context = std::move(context);
  design.group = cells.group;
  design.source.assign(design.context.size(), -1);
  design.groups = cells.groups;
  return design;
}

/// `factor` told at each level of `other`, and from level to level.
Crossed crossed(View<const double> gram, const std::vector<uint8_t>& factor,
                const std::vector<uint8_t>& other, const Cells& cells, const TestOptions& options) {
  const Design design = design_of(factor, cells);
  const auto fold = folds_of(design, options.folds, options.seed);
  const int32_t folds = *std::max_element(fold.begin(), fold.end()) + 1;
  Crossed result;
  for (const uint8_t from : {uint8_t{0}, uint8_t{1}})
    for (const uint8_t to : {uint8_t{0}, uint8_t{1}}) {
      std::vector<double> scores(fold.size(), 0);
      for (int32_t f = 0; f < folds; ++f) {
        throw_if_interrupted();
        std::vector<int64_t> train, test;
        for (int64_t i = 0; i < cells.size(); ++i) {
          const auto at = static_cast<size_t>(i);
          if (fold[at] != f && other[at] == from) train.push_back(i);
          if (fold[at] == f && other[at] == to) test.push_back(i);
        }
        const auto of = scores_of(gram, factor, train, test, options.ridge);
        for (size_t t = 0; t < test.size(); ++t) scores[static_cast<size_t>(test[t])] = of[t];
      }
      // Lines of the other level do not count.
      std::vector<int64_t> counted;
      for (int64_t i = 0; i < cells.size(); ++i)
        if (other[static_cast<size_t>(i)] == to) counted.push_back(i);
      std::vector<double> some;
      std::vector<int32_t> of_fold;
      for (const int64_t i : counted) {
        some.push_back(scores[static_cast<size_t>(i)]);
        of_fold.push_back(fold[static_cast<size_t>(i)]);
      }
      (from == to ? result.within[to] : result.across[from]) =
          auroc_of(some, of_fold, part_of(design, counted), options);
    }
  return result;
}

/// Lines of recording 0 and of 1 of each pair, combined.
Tensor<float> combined(View<const float> x, const Cells& cells, double first, double second) {
  Tensor<float> out(Shape{cells.n[0] + cells.n[1], x.shape[1]});
  int64_t line = 0, begin = 0;
  for (const int64_t n : cells.n) {
    for (int64_t i = 0; i < n; ++i, ++line)
      for (int64_t j = 0; j < x.shape[1]; ++j)
        out.at(line, j) = static_cast<float>(first * static_cast<double>(x.at(begin + i, j)) +
                                             second * static_cast<double>(x.at(begin + n + i, j)));
    begin += 2 * n;
  }
  return out;
}

/// One line a pair: which content, which group.
Design pairs_of(const Cells& cells) {
  std::vector<int64_t> firsts;
  for (int64_t i = 0; i < cells.size(); ++i)
    if (cells.recording[static_cast<size_t>(i)] == 0) firsts.push_back(i);
  return part_of(design_of(cells.content, cells), firsts);
}

/// Sums of one rate by content, recording and group.
struct Rates {
  std::vector<double> above[2][2], below[2][2];
  int64_t n = 0;
  explicit Rates(int32_t groups) {
    for (auto* of : {&above, &below})
      for (auto& row : *of)
        for (auto& cell : row) cell.assign(static_cast<size_t>(groups), 0);
  }
  double cell(size_t c, size_t r, std::span<const int32_t> multiplicity) const {
    double a = 0, b = 0;
    for (size_t g = 0; g < multiplicity.size(); ++g) {
      a += multiplicity[g] * above[c][r][g];
      b += multiplicity[g] * below[c][r][g];
    }
    return b > 0 ? a / b : std::numeric_limits<double>::quiet_NaN();
  }
};

void behave(const Comparison& a, const Comparison& b, const Cells& cells,
            const TestOptions& options, Factorial& result) {
  Rates rates(cells.groups);
  bool words = false;
  for (const Comparison* one : {&a, &b})
    for (const auto& window : one->trained.windows) words = words || window.words > 0;
  result.behaviour = words ? "word error rate" : "share with text";
  size_t line = 0;
  for (const Comparison* one : {&a, &b})
    for (size_t i = 0; i < one->trained.heard.size(); ++i, ++line) {
      const steer::SoundWindow& window = one->trained.windows[i];
      const steer::Heard& heard = one->trained.heard[i];
      const size_t c = cells.content[line], r = cells.recording[line];
      const auto g = static_cast<size_t>(cells.group[line]);
      ++rates.n;
      if (words && window.words > 0) {
        rates.above[c][r][g] +=
            static_cast<double>(model::word_errors(window.reference, heard.normalised).errors());
        rates.below[c][r][g] += static_cast<double>(window.words);
      } else if (!words && !window.clip.speech) {
        rates.above[c][r][g] += heard.wrote() ? 1 : 0;
        rates.below[c][r][g] += 1;
      }
    }
  const auto estimate = [&](auto&& of) {
    return cluster_bootstrap(
        cells.groups, rates.n,
        [&](std::span<const int32_t> m) {
          return of([&](size_t c, size_t r) { return rates.cell(c, r, m); });
        },
        options.seed, options.replicates);
  };
  for (const size_t c : {size_t{0}, size_t{1}})
    for (const size_t r : {size_t{0}, size_t{1}})
      result.rate[c][r] = estimate([&](auto&& y) { return y(c, r); });
  result.by_content =
      estimate([](auto&& y) { return (y(1, 0) + y(1, 1) - y(0, 0) - y(0, 1)) / 2; });
  result.by_recording =
      estimate([](auto&& y) { return (y(0, 1) + y(1, 1) - y(0, 0) - y(1, 0)) / 2; });
  result.by_both = estimate([](auto&& y) { return y(1, 1) - y(1, 0) - y(0, 1) + y(0, 0); });
}

}  // namespace

Factorial factorial_of(const Comparison& a, const Comparison& b, const CompareOptions& options,
                       uint64_t seed, Progress& progress) {
  TestOptions test;
  test.folds = options.folds;
  test.ridge = options.ridge;
  test.permutations = options.permutations;
  test.replicates = options.replicates;
  test.seed = seed;
  const Cells cells = cells_of(a, b);
  Factorial result;
  result.clips = {cells.n[0], cells.n[1]};
  progress.start("content x recording", 5, "steps");
  const auto add = [&](const char* name, View<const float> of_a, View<const float> of_b) {
    const Tensor<double> gram = gram_of(stacked(of_a, of_b));
    result.tables.push_back({name, crossed(gram, cells.content, cells.recording, cells, test),
                             crossed(gram, cells.recording, cells.content, cells, test)});
    progress.advance(static_cast<int64_t>(result.tables.size()));
  };
  const bool features = a.trained.pooled.firing.shape()[1] > 0;
  if (features) add("features", a.trained.pooled.features, b.trained.pooled.features);
  add("raw activations", a.trained.pooled.raw, b.trained.pooled.raw);
  add("log-mel", a.trained.mel, b.trained.mel);
  add("nuisances", a.trained.nuisances, b.trained.nuisances);

  // Means of features, else of raw activations: the first half of the columns.
  const Tensor<float> x = features ? stacked(a.trained.pooled.features, b.trained.pooled.features)
                                   : stacked(a.trained.pooled.raw, b.trained.pooled.raw);
  Tensor<float> means(Shape{x.shape()[0], x.shape()[1] / 2});
  for (int64_t i = 0; i < means.shape()[0]; ++i)
    std::copy_n(x.view().row(i), means.shape()[1], means.view().row(i));
  const Design pairs = pairs_of(cells);
  result.content = column_differences(combined(means, cells, .5, .5), pairs, test, options.shown);
  result.interaction =
      column_differences(combined(means, cells, -1, 1), pairs, test, options.shown);
  result.recording =
      column_differences(means, design_of(cells.recording, cells), test, options.shown);
  if (!a.trained.heard.empty() && !b.trained.heard.empty()) behave(a, b, cells, test, result);
  progress.finish();
  return result;
}

}  // namespace otoscope::contexts
