#include "features/translations.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/threads.h"

namespace otoscope::features {
namespace {

constexpr int kLeastClips = 5;

/// Over all pairs of translations, by feature: 2 z_i z_j, and z_i^2 + z_j^2, which is never less.
struct PairSums {
  std::vector<double> products, squares;

  double correlation(size_t f) const { return squares[f] > 0 ? products[f] / squares[f] : 0.0; }
};

/// Products are the square of a prompt's sum less its squares, so pairs need not be visited. `at`:
/// which clip stands at (prompt, language).
PairSums over_pairs(const Tensor<float>& z, const ParallelClips& clips,
                    std::span<const int32_t> at) {
  const auto F = static_cast<size_t>(z.shape()[1]);
  const size_t L = clips.languages.size();
  PairSums out{std::vector<double>(F, 0), std::vector<double>(F, 0)};
  std::vector<double> sum(F), squares(F);
  for (size_t p = 0; p < clips.prompts.size(); ++p) {
    std::fill(sum.begin(), sum.end(), 0.0), std::fill(squares.begin(), squares.end(), 0.0);
    double others = -1;
    for (size_t l = 0; l < L; ++l) {
      if (at[p * L + l] < 0) continue;
      others += 1;
      const float* row = z.view().row(at[p * L + l]);
      for (size_t f = 0; f < F; ++f)
        sum[f] += row[f], squares[f] += static_cast<double>(row[f]) * row[f];
    }
    if (others < 1) continue;
    for (size_t f = 0; f < F; ++f) {
      out.products[f] += sum[f] * sum[f] - squares[f];
      out.squares[f] += others * squares[f];
    }
  }
  return out;
}

std::vector<int32_t> exchanged(const ParallelClips& clips, uint64_t seed, uint64_t r) {
  Rng rng(seed, name_hash("exchange of translations") + r);
  std::vector<int32_t> at = clips.clip;
  const size_t L = clips.languages.size();
  const int32_t bins = 1 + *std::max_element(clips.length_bin.begin(), clips.length_bin.end());
  for (size_t l = 0; l < L; ++l)
    for (int32_t bin = 0; bin < bins; ++bin) {
      std::vector<size_t> places;
      for (size_t p = 0; p < clips.prompts.size(); ++p)
        if (clips.at(p, l) >= 0 && clips.length_bin[p] == bin) places.push_back(p);
      const auto order = rng.permutation(static_cast<int64_t>(places.size()));
      for (size_t i = 0; i < places.size(); ++i)
        at[places[i] * L + l] = clips.at(places[static_cast<size_t>(order[i])], l);
    }
  return at;
}

}  // namespace

Translations follow_translations(View<const float> x, const ParallelClips& clips, int permutations,
                                 uint64_t seed) {
  const int64_t F = x.width(), n = x.rows();
  const size_t L = clips.languages.size();
  // Minus the mean of the language, then of unit square over the clips.
  Tensor<float> z = Tensor<float>::copy_of(x);
  std::vector<uint8_t> counted(static_cast<size_t>(F), 0);
  std::vector<double> squares(static_cast<size_t>(F), 0);
  for (int64_t f = 0; f < F; ++f) {
    std::vector<double> sum(L, 0), count(L, 0);
    int fired = 0;
    for (int64_t i = 0; i < n; ++i) {
      const auto l = static_cast<size_t>(clips.language[static_cast<size_t>(i)]);
      sum[l] += x.at(i, f), count[l] += 1;
      fired += x.at(i, f) > 0;
    }
    for (int64_t i = 0; i < n; ++i) {
      const auto l = static_cast<size_t>(clips.language[static_cast<size_t>(i)]);
      z.at(i, f) = static_cast<float>(x.at(i, f) - sum[l] / count[l]);
      squares[static_cast<size_t>(f)] += static_cast<double>(z.at(i, f)) * z.at(i, f);
    }
    counted[static_cast<size_t>(f)] = fired >= kLeastClips && squares[static_cast<size_t>(f)] > 0;
  }

  const PairSums real = over_pairs(z, clips, clips.clip);
  std::vector<PairSums> null(static_cast<size_t>(permutations));
  parallel_ranges(permutations, 8, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      null[static_cast<size_t>(r)] =
          over_pairs(z, clips, exchanged(clips, seed, static_cast<uint64_t>(r)));
  });
  throw_if_interrupted();

  Translations out;
  out.r.assign(static_cast<size_t>(F), std::numeric_limits<float>::quiet_NaN());
  out.q = out.r;
  std::vector<double> p_values;
  std::vector<size_t> which;
  for (size_t f = 0; f < counted.size(); ++f) {
    if (counted[f] == 0) continue;
    out.r[f] = static_cast<float>(real.correlation(f));
    int64_t hits = 0;
    for (const PairSums& one : null) {
      hits += one.products[f] >= real.products[f] - 1e-9 * squares[f];
      out.chance_r += one.correlation(f) / static_cast<double>(permutations);
    }
    out.mean_r += out.r[f];
    p_values.push_back((1.0 + static_cast<double>(hits)) / (1.0 + permutations));
    which.push_back(f);
  }
  out.features = static_cast<int64_t>(which.size());
  if (which.empty()) return out;
  out.mean_r /= static_cast<double>(out.features);
  out.chance_r /= static_cast<double>(out.features);
  const std::vector<double> q = benjamini_hochberg(p_values);
  for (size_t i = 0; i < which.size(); ++i) {
    out.q[which[i]] = static_cast<float>(q[i]);
    out.significant += q[i] <= 0.05;
  }
  return out;
}

}  // namespace otoscope::features
