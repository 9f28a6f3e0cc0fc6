#include "features/tally.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "otoscope/core/errors.h"

namespace otoscope::features {
namespace {

constexpr size_t kMostLanguages = 8;  // beyond it, intervals of language shares are not kept

size_t at(int64_t row, int64_t width, int64_t column) {
  return static_cast<size_t>(row * width + column);
}

}  // namespace

TallyBuilder::TallyBuilder(const store::Store& store, int64_t F, const EvidenceOptions& options)
    : store_(store), F_(F) {
  std::map<std::string, int32_t> clusters;
  std::set<std::string> languages;
  for (const store::Item& item : store.items()) {
    clusters.emplace(item.cluster, 0);
    if (!item.language.empty()) languages.insert(item.language);
  }
  for (auto& [name, index] : clusters) {
    index = static_cast<int32_t>(tally_.clusters.size());
    tally_.clusters.push_back(name);
  }
  tally_.languages.assign(languages.begin(), languages.end());
  for (const store::Item& item : store.items()) {
    cluster_of_item_.push_back(clusters[item.cluster]);
    const auto found = std::find(tally_.languages.begin(), tally_.languages.end(), item.language);
    language_of_item_.push_back(found == tally_.languages.end()
                                    ? -1
                                    : static_cast<int32_t>(found - tally_.languages.begin()));
  }

  const auto features = static_cast<size_t>(F);
  const size_t C = tally_.clusters.size(), L = tally_.languages.size();
  tally_.fired.assign(features, 0);
  tally_.value_sum.assign(features, 0);
  tally_.value_max.assign(features, 0);
  tally_.cluster_rows.assign(C, 0);
  tally_.cluster_fired.assign(C * features, 0);
  tally_.language_rows.assign(L, 0);
  tally_.language_fired.assign(L * features, 0);
  if (L <= kMostLanguages) {
    tally_.cluster_language_fired.assign(L, std::vector<float>(C * features, 0));
    tally_.cluster_language_rows.assign(L, std::vector<int64_t>(C, 0));
  }
  tally_.position_bins = options.position_bins;
  tally_.position_rows.assign(static_cast<size_t>(options.position_bins), 0);
  tally_.position_fired.assign(static_cast<size_t>(options.position_bins) * features, 0);
  tally_.silent_fired.assign(features, 0);
  tally_.loudness_sum.assign(features, 0);
  tally_.loudness_count.assign(features, 0);
  tally_.items_fired.assign(features, 0);
  tally_.largest_item.assign(features, 0);
  last_item_.assign(features, -1);
  in_this_item_.assign(features, 0);

  int64_t furthest = 0;
  for (int64_t row = 0; row < store.rows(); ++row)
    furthest = std::max<int64_t>(furthest, store.origin(row).position);
  position_width_ =
      std::max<int64_t>(1, (furthest + options.position_bins) / options.position_bins);
}

void TallyBuilder::add(const SparseRows& codes, std::span<const int64_t> rows,
                       const RowFacts& facts) {
  OTO_ASSERT(codes.rows() == static_cast<int64_t>(rows.size()));
  for (int64_t b = 0; b < codes.rows(); ++b) {
    const int64_t row = rows[static_cast<size_t>(b)];
    const store::RowOrigin origin = store_.origin(row);
    const auto item = static_cast<size_t>(origin.item);
    const int32_t cluster = cluster_of_item_[item], language = language_of_item_[item];
    const int64_t bin =
        std::min<int64_t>(origin.position / position_width_, tally_.position_bins - 1);
    const float loudness =
        facts.loudness_db.empty() ? NAN : facts.loudness_db[static_cast<size_t>(row)];
    const bool audible = !std::isnan(loudness);
    const bool silent = !facts.silent.empty() && facts.silent[static_cast<size_t>(row)] != 0;
    const bool by_language = language >= 0 && !tally_.cluster_language_fired.empty();

    ++tally_.rows;
    ++tally_.cluster_rows[static_cast<size_t>(cluster)];
    ++tally_.position_rows[static_cast<size_t>(bin)];
    if (language >= 0) ++tally_.language_rows[static_cast<size_t>(language)];
    if (by_language)
      ++tally_.cluster_language_rows[static_cast<size_t>(language)][static_cast<size_t>(cluster)];
    if (silent) ++tally_.silent_rows;
    if (audible) {
      ++audible_rows_;
      loudness_sum_ += loudness;
      loudness_squares_ += static_cast<double>(loudness) * loudness;
    }

    for (int64_t e = codes.indptr[static_cast<size_t>(b)];
         e < codes.indptr[static_cast<size_t>(b) + 1]; ++e) {
      const int64_t feature = codes.indices[static_cast<size_t>(e)];
      const auto f = static_cast<size_t>(feature);
      const float value = codes.values[static_cast<size_t>(e)];
      ++tally_.fired[f];
      tally_.value_sum[f] += value;
      tally_.value_max[f] = std::max(tally_.value_max[f], value);
      tally_.cluster_fired[at(cluster, F_, feature)] += 1;
      tally_.position_fired[at(bin, F_, feature)] += 1;
      if (language >= 0) tally_.language_fired[at(language, F_, feature)] += 1;
      if (by_language)
        tally_.cluster_language_fired[static_cast<size_t>(language)][at(cluster, F_, feature)] += 1;
      if (silent) ++tally_.silent_fired[f];
      if (audible) {
        tally_.loudness_sum[f] += loudness;
        ++tally_.loudness_count[f];
      }
      if (last_item_[f] != origin.item) {
        last_item_[f] = origin.item;
        in_this_item_[f] = 0;
        ++tally_.items_fired[f];
      }
      tally_.largest_item[f] = std::max(tally_.largest_item[f], ++in_this_item_[f]);
    }
  }
}

Tally TallyBuilder::finish() {
  if (audible_rows_ > 0) {
    const auto n = static_cast<double>(audible_rows_);
    tally_.loudness_mean = loudness_sum_ / n;
    tally_.loudness_variance =
        std::max(0.0, loudness_squares_ / n - tally_.loudness_mean * tally_.loudness_mean);
  }
  return std::move(tally_);
}

}  // namespace otoscope::features
