#include "otoscope/features/sharing.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"
#include "otoscope/features/entropy.h"

namespace otoscope::features {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kSharingGroups = 19;  // under 20, so that the bootstrap leaves one out at a time

/// Labels of the firings of each feature in each language and half of the clusters, with the group
/// that is left out together.
struct Firings {
  struct One {
    std::vector<int32_t> labels, groups;
  };
  int64_t languages = 0, groups = 0;
  std::vector<One> all;  // (F, languages, 2)

  const One& at(int64_t f, int32_t l, int half) const {
    return all[static_cast<size_t>((f * languages + l) * 2 + half)];
  }
};

Firings collect(const SparseRows& codes, int64_t F, const LabelledSpeech& speech, uint64_t seed) {
  Firings out;
  out.languages = speech.languages;
  out.groups = std::min(kSharingGroups, speech.clusters / 2);
  out.all.resize(static_cast<size_t>(F * speech.languages * 2));
  // Halves and groups by a random order of the clusters: each group has clusters of both halves.
  Rng rng(seed, "halves of clusters");
  const std::vector<int64_t> order = rng.permutation(speech.clusters);
  for (int64_t row = 0; row < codes.rows(); ++row) {
    const auto r = static_cast<size_t>(row);
    if (speech.label[r] < 0 || speech.language[r] < 0) continue;
    const int64_t place = order[static_cast<size_t>(speech.cluster[r])];
    const auto half = static_cast<int>(place % 2);
    const auto group =
        static_cast<int32_t>(out.groups == 0 ? 0 : place / 2 % std::max<int64_t>(1, out.groups));
    for (int64_t e = codes.indptr[r]; e < codes.indptr[r + 1]; ++e) {
      const int64_t f = codes.indices[static_cast<size_t>(e)];
      auto& one =
          out.all[static_cast<size_t>((f * speech.languages + speech.language[r]) * 2 + half)];
      one.labels.push_back(speech.label[r]);
      one.groups.push_back(group);
    }
  }
  return out;
}

/// Labels that both languages have on at least kCommon rows.
constexpr int64_t kCommon = 20;

std::vector<uint8_t> common_labels(const LabelledSpeech& speech, int32_t a, int32_t b) {
  std::vector<int64_t> rows_a(static_cast<size_t>(speech.values), 0), rows_b = rows_a;
  for (size_t r = 0; r < speech.label.size(); ++r) {
    if (speech.label[r] < 0) continue;
    rows_a[static_cast<size_t>(speech.label[r])] += speech.language[r] == a;
    rows_b[static_cast<size_t>(speech.label[r])] += speech.language[r] == b;
  }
  std::vector<uint8_t> common(rows_a.size());
  for (size_t v = 0; v < common.size(); ++v)
    common[v] = rows_a[v] >= kCommon && rows_b[v] >= kCommon;
  return common;
}

/// The firings of two languages on labels that both have: the two take the numbers 0 and 1.
Firings of_pair(const Firings& all, int64_t F, int32_t a, int32_t b,
                std::span<const uint8_t> common) {
  Firings pair;
  pair.languages = 2;
  pair.groups = all.groups;
  pair.all.resize(static_cast<size_t>(F * 4));
  for (int64_t f = 0; f < F; ++f)
    for (const int side : {0, 1})
      for (const int half : {0, 1}) {
        const Firings::One& from = all.at(f, side == 0 ? a : b, half);
        Firings::One& to = pair.all[static_cast<size_t>((f * 2 + side) * 2 + half)];
        for (size_t i = 0; i < from.labels.size(); ++i)
          if (common[static_cast<size_t>(from.labels[i])] != 0)
            to.labels.push_back(from.labels[i]), to.groups.push_back(from.groups[i]);
      }
  return pair;
}

std::vector<int32_t> without(const Firings::One& one, int32_t group) {
  if (group < 0) return one.labels;
  std::vector<int32_t> kept;
  for (size_t i = 0; i < one.labels.size(); ++i)
    if (one.groups[i] != group) kept.push_back(one.labels[i]);
  return kept;
}

/// The features of one language pair with the clusters of one group left out (-1: none).
class PairCounter {
 public:
  PairCounter(const Firings& of_pair, int64_t F, int64_t values, const SharingOptions& options)
      : firings_(of_pair), F_(F), values_(values), options_(options) {
    Rng rng(options.seed, "other features");
    strangers_ = rng.permutation(F);
  }

  std::vector<FeatureSharing> measure(int32_t left_out) const {
    std::vector<FeatureSharing> out(static_cast<size_t>(F_), {0, kUnknown, kUnknown, kUnknown});
    parallel_ranges(F_, 32, [&](int64_t begin, int64_t end) {
      for (int64_t f = begin; f < end; ++f) out[static_cast<size_t>(f)] = one(f, left_out);
    });
    return out;
  }

 private:
  bool enough(int64_t f, int32_t left_out) const {
    for (const int32_t l : {a_, b_})
      for (const int half : {0, 1})
        if (count(f, l, half, left_out) < options_.least) return false;
    return true;
  }
  int64_t count(int64_t f, int32_t l, int half, int32_t left_out) const {
    const Firings::One& found = firings_.at(f, l, half);
    const auto out =
        left_out < 0 ? 0 : std::count(found.groups.begin(), found.groups.end(), left_out);
    return static_cast<int64_t>(found.labels.size()) - out;
  }

  FeatureSharing one(int64_t f, int32_t left_out) const {
    FeatureSharing out{0, kUnknown, kUnknown, kUnknown};
    if (!enough(f, left_out)) return out;
    // The stranger is the next feature of a random order that fires enough.
    int64_t stranger = -1;
    for (int64_t step = 1; step < F_ && stranger < 0; ++step) {
      const int64_t other =
          strangers_[static_cast<size_t>((strangers_[static_cast<size_t>(f)] + step) % F_)];
      if (other != f && enough(other, left_out)) stranger = other;
    }
    std::vector<int32_t> sides[4] = {
        without(firings_.at(f, a_, 0), left_out), without(firings_.at(f, a_, 1), left_out),
        without(firings_.at(f, b_, 0), left_out), without(firings_.at(f, b_, 1), left_out)};
    std::vector<int32_t> strange[2];
    if (stranger >= 0)
      for (const int half : {0, 1})
        strange[half] = without(firings_.at(stranger, b_, half), left_out);
    int64_t n = options_.most;
    for (const auto& side : sides) n = std::min(n, static_cast<int64_t>(side.size()));
    for (const auto& side : strange)
      if (stranger >= 0) n = std::min(n, static_cast<int64_t>(side.size()));
    out = {n, 0, 0, stranger < 0 ? kUnknown : 0};
    for (int draw = 0; draw < options_.draws; ++draw) {
      const auto counts = [&](const std::vector<int32_t>& side, uint64_t which) {
        const uint64_t stream =
            (static_cast<uint64_t>(f) * 64 + static_cast<uint64_t>(draw)) * 8 + which;
        return label_counts(drawn(side, n, options_.seed, stream), values_);
      };
      const auto a0 = counts(sides[0], 0), a1 = counts(sides[1], 1), b0 = counts(sides[2], 2),
                 b1 = counts(sides[3], 3);
      const double share = 0.5 / options_.draws;
      out.across += share * (shared_distribution(a0, b1) + shared_distribution(a1, b0));
      out.within += share * (shared_distribution(a0, a1) + shared_distribution(b0, b1));
      if (stranger >= 0)
        out.other += share * (shared_distribution(a0, counts(strange[1], 4)) +
                              shared_distribution(a1, counts(strange[0], 5)));
    }
    return out;
  }

  const Firings& firings_;
  int64_t F_, values_;
  static constexpr int32_t a_ = 0, b_ = 1;
  const SharingOptions& options_;
  std::vector<int64_t> strangers_;
};

struct Means {
  double across = 0, within = 0, other = 0;
  int64_t features = 0;
};

Means means_of(std::span<const FeatureSharing> by_feature) {
  Means means;
  for (const FeatureSharing& one : by_feature) {
    if (std::isnan(one.across) || std::isnan(one.other)) continue;
    means.across += one.across, means.within += one.within, means.other += one.other;
    ++means.features;
  }
  const double n = means.features == 0 ? kUnknown : static_cast<double>(means.features);
  means.across /= n, means.within /= n, means.other /= n;
  return means;
}

}  // namespace

std::vector<PairSharing> measure_sharing(const SparseRows& codes, int64_t F,
                                         const LabelledSpeech& speech,
                                         const SharingOptions& options) {
  OTO_ASSERT(static_cast<int64_t>(speech.label.size()) == codes.rows() &&
             speech.label.size() == speech.language.size() &&
             speech.label.size() == speech.cluster.size());
  const Firings firings = collect(codes, F, speech, options.seed);
  std::vector<PairSharing> pairs;
  for (int32_t a = 0; a < speech.languages; ++a)
    for (int32_t b = a + 1; b < speech.languages; ++b) {
      throw_if_interrupted();
      PairSharing pair;
      pair.a = a, pair.b = b;
      const std::vector<uint8_t> common = common_labels(speech, a, b);
      pair.labels = std::count(common.begin(), common.end(), uint8_t{1});
      const Firings of_both = of_pair(firings, F, a, b, common);
      const PairCounter counter(of_both, F, speech.values, options);
      pair.by_feature = counter.measure(-1);
      const Means whole = means_of(pair.by_feature);
      pair.features = whole.features;
      std::vector<Means> left_out;
      for (int32_t g = 0; g < firings.groups; ++g) left_out.push_back(means_of(counter.measure(g)));
      const auto estimate = [&](auto&& value) {
        const auto statistic = [&](std::span<const int32_t> times) {
          for (size_t g = 0; g < times.size(); ++g)
            if (times[g] == 0) return value(left_out[g]);
          return value(whole);
        };
        Estimate result = cluster_bootstrap(std::max<int64_t>(1, firings.groups), whole.features,
                                            statistic, options.seed);
        result.clusters = speech.clusters;
        if (firings.groups > 1)
          result.method = "t over pseudo-values, one of " + std::to_string(firings.groups) +
                          " groups of clusters left out";
        return result;
      };
      pair.across = estimate([](const Means& m) { return m.across; });
      pair.within = estimate([](const Means& m) { return m.within; });
      pair.other = estimate([](const Means& m) { return m.other; });
      pair.shared =
          estimate([](const Means& m) { return (m.across - m.other) / (m.within - m.other); });
      pairs.push_back(std::move(pair));
    }
  return pairs;
}

double LabelPrecision::ratio(int32_t a, int32_t b) const {
  if (by_language.empty()) return kUnknown;
  const double one = by_language[static_cast<size_t>(a)],
               other = by_language[static_cast<size_t>(b)];
  if (std::isnan(one) || std::isnan(other) || std::max(one, other) <= 0) return kUnknown;
  return std::min(one, other) / std::max(one, other);
}

std::vector<LabelPrecision> label_precisions(const SparseRows& choosing,
                                             const LabelledSpeech& choosing_rows,
                                             const SparseRows& test,
                                             const LabelledSpeech& test_rows, int64_t F,
                                             int64_t least) {
  OTO_ASSERT(choosing_rows.values == test_rows.values);
  const auto V = static_cast<size_t>(test_rows.values),
             L = static_cast<size_t>(test_rows.languages);
  std::vector<int64_t> hits(static_cast<size_t>(F) * V, 0), fired(static_cast<size_t>(F), 0);
  const auto each = [](const SparseRows& codes, const LabelledSpeech& speech, auto&& visit) {
    for (int64_t row = 0; row < codes.rows(); ++row) {
      const auto r = static_cast<size_t>(row);
      if (speech.label[r] < 0 || speech.language[r] < 0) continue;
      for (int64_t e = codes.indptr[r]; e < codes.indptr[r + 1]; ++e)
        visit(static_cast<size_t>(codes.indices[static_cast<size_t>(e)]),
              static_cast<size_t>(speech.label[r]), static_cast<size_t>(speech.language[r]));
    }
  };
  each(choosing, choosing_rows, [&](size_t f, size_t label, size_t) {
    ++hits[f * V + label];
    ++fired[f];
  });
  std::vector<LabelPrecision> out(static_cast<size_t>(F));
  for (size_t f = 0; f < out.size(); ++f) {
    out[f].by_language.assign(L, kUnknown);
    if (fired[f] < least) continue;
    const auto first = hits.begin() + static_cast<std::ptrdiff_t>(f * V);
    const auto best = std::max_element(first, first + static_cast<std::ptrdiff_t>(V));
    out[f].label = static_cast<int32_t>(best - first);
    out[f].chosen = static_cast<double>(*best) / static_cast<double>(fired[f]);
  }

  std::vector<int64_t> right(out.size() * L, 0), all(out.size() * L, 0), exists(V * L, 0);
  for (size_t r = 0; r < test_rows.label.size(); ++r)
    if (test_rows.label[r] >= 0 && test_rows.language[r] >= 0)
      ++exists[static_cast<size_t>(test_rows.label[r]) * L +
               static_cast<size_t>(test_rows.language[r])];
  each(test, test_rows, [&](size_t f, size_t label, size_t language) {
    ++all[f * L + language];
    right[f * L + language] += static_cast<int32_t>(label) == out[f].label;
  });
  for (size_t f = 0; f < out.size(); ++f)
    for (size_t l = 0; l < L && out[f].label >= 0; ++l)
      if (all[f * L + l] >= least && exists[static_cast<size_t>(out[f].label) * L + l] >= least)
        out[f].by_language[l] =
            static_cast<double>(right[f * L + l]) / static_cast<double>(all[f * L + l]);
  return out;
}

}  // namespace otoscope::features
