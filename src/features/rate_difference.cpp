#include <algorithm>
#include <cmath>
#include <limits>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"
#include "otoscope/features/sharing.h"

namespace otoscope::features {
namespace {

constexpr double kFourfold = 2;  // log2

/// Rows and firings of one language by cluster.
struct ByCluster {
  std::vector<int64_t> rows;  // (C)
  std::vector<float> fired;   // (C, F)
};

ByCluster count(const SparseRows& codes, int64_t F, std::span<const int32_t> language,
                std::span<const int32_t> cluster, int64_t clusters, int32_t wanted) {
  ByCluster out;
  out.rows.assign(static_cast<size_t>(clusters), 0);
  out.fired.assign(static_cast<size_t>(clusters * F), 0);
  for (size_t r = 0; r < language.size(); ++r) {
    if (language[r] != wanted) continue;
    const auto c = static_cast<size_t>(cluster[r]);
    ++out.rows[c];
    for (int64_t e = codes.indptr[r]; e < codes.indptr[r + 1]; ++e)
      out.fired[c * static_cast<size_t>(F) +
                static_cast<size_t>(codes.indices[static_cast<size_t>(e)])] += 1;
  }
  return out;
}

double log2_ratio(double fired_a, double rows_a, double fired_b, double rows_b) {
  return std::log2((fired_a + 0.5) / (rows_a + 1)) - std::log2((fired_b + 0.5) / (rows_b + 1));
}

}  // namespace

std::vector<RateDifference> rate_differences(const SparseRows& codes, int64_t F,
                                             std::span<const int32_t> language,
                                             std::span<const int32_t> cluster, int64_t languages,
                                             int64_t clusters, int64_t least, int permutations,
                                             uint64_t seed) {
  OTO_ASSERT(static_cast<int64_t>(language.size()) == codes.rows() &&
             language.size() == cluster.size());
  std::vector<ByCluster> by_language;
  for (int32_t l = 0; l < languages; ++l)
    by_language.push_back(count(codes, F, language, cluster, clusters, l));

  std::vector<RateDifference> out;
  for (int32_t a = 0; a < languages; ++a)
    for (int32_t b = a + 1; b < languages; ++b) {
      throw_if_interrupted();
      const ByCluster &one = by_language[static_cast<size_t>(a)],
                      &other = by_language[static_cast<size_t>(b)];
      std::vector<size_t> both;
      for (size_t c = 0; c < one.rows.size(); ++c)
        if (one.rows[c] > 0 && other.rows[c] > 0) both.push_back(c);

      /// Log ratios with the languages of some prompts exchanged.
      const auto ratios = [&](const std::vector<uint8_t>& exchanged, RateDifference* counts) {
        std::vector<double> fired_a(static_cast<size_t>(F), 0), fired_b = fired_a;
        double rows_a = 0, rows_b = 0;
        for (size_t i = 0; i < both.size(); ++i) {
          const ByCluster &first = exchanged[i] != 0 ? other : one,
                          &second = exchanged[i] != 0 ? one : other;
          rows_a += static_cast<double>(first.rows[both[i]]);
          rows_b += static_cast<double>(second.rows[both[i]]);
          const float* in_a = first.fired.data() + both[i] * static_cast<size_t>(F);
          const float* in_b = second.fired.data() + both[i] * static_cast<size_t>(F);
          for (size_t f = 0; f < fired_a.size(); ++f) fired_a[f] += in_a[f], fired_b[f] += in_b[f];
        }
        std::vector<float> log_ratio(fired_a.size(), std::numeric_limits<float>::quiet_NaN());
        for (size_t f = 0; f < fired_a.size(); ++f) {
          if (fired_a[f] + fired_b[f] >= static_cast<double>(least))
            log_ratio[f] = static_cast<float>(log2_ratio(fired_a[f], rows_a, fired_b[f], rows_b));
          if (counts == nullptr) continue;
          counts->fired_a.push_back(static_cast<int64_t>(fired_a[f]));
          counts->fired_b.push_back(static_cast<int64_t>(fired_b[f]));
        }
        return log_ratio;
      };
      const auto fourfold = [](const std::vector<float>& log_ratio) {
        return std::count_if(log_ratio.begin(), log_ratio.end(),
                             [](float x) { return std::fabs(x) >= kFourfold; });
      };

      RateDifference pair;
      pair.a = a, pair.b = b;
      pair.prompts = static_cast<int64_t>(both.size());
      pair.log2_ratio = ratios(std::vector<uint8_t>(both.size(), 0), &pair);
      pair.features = std::count_if(pair.log2_ratio.begin(), pair.log2_ratio.end(),
                                    [](float x) { return !std::isnan(x); });
      const int64_t real = fourfold(pair.log2_ratio);
      pair.fourfold = wilson(real, pair.features);
      pair.fourfold.method = "Wilson, over features";
      std::vector<double> chance(static_cast<size_t>(permutations), 0);
      parallel_ranges(permutations, 4, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          Rng rng(seed, name_hash("exchange of languages") + static_cast<uint64_t>(r));
          std::vector<uint8_t> exchanged(both.size());
          for (uint8_t& flip : exchanged) flip = rng.below(2) != 0;
          chance[static_cast<size_t>(r)] =
              static_cast<double>(fourfold(ratios(exchanged, nullptr)));
        }
      });
      const auto n = static_cast<double>(std::max<int64_t>(1, pair.features));
      int64_t hits = 0;
      for (const double found : chance) {
        pair.fourfold_chance += found / n / static_cast<double>(permutations);
        hits += found >= static_cast<double>(real);
      }
      pair.fourfold_chance_95 = quantile(chance, 0.95) / n;
      pair.p = (1.0 + static_cast<double>(hits)) / (1.0 + permutations);
      out.push_back(std::move(pair));
    }
  return out;
}

}  // namespace otoscope::features
