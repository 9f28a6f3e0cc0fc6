#include "otoscope/features/coded_rows.h"

#include <algorithm>
#include <unordered_map>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::features {
namespace {

ChosenRows with_clusters(const store::Store& store, std::vector<int64_t> rows, int64_t limit) {
  const auto all = static_cast<int64_t>(rows.size());
  if (limit > 0 && all > limit) {
    for (int64_t i = 0; i < limit; ++i)
      rows[static_cast<size_t>(i)] = rows[static_cast<size_t>(i * all / limit)];
    rows.resize(static_cast<size_t>(limit));
  }
  ChosenRows chosen;
  chosen.rows = std::move(rows);
  std::unordered_map<std::string, int32_t> index;
  std::vector<int32_t> of_item(store.items().size(), -1);
  for (const int64_t row : chosen.rows) {
    const auto item = static_cast<size_t>(store.origin(row).item);
    if (of_item[item] < 0) {
      const store::Item& named = store.items()[item];
      const std::string& name = named.cluster.empty() ? named.id : named.cluster;
      const auto [found, is_new] = index.try_emplace(name, static_cast<int32_t>(index.size()));
      if (is_new) chosen.clusters.push_back(name);
      of_item[item] = found->second;
    }
    chosen.cluster.push_back(of_item[item]);
  }
  return chosen;
}

bool differ(const std::string& a, const std::string& b) {
  return !a.empty() && !b.empty() && a != b;
}

}  // namespace

ChosenRows choose_rows(const store::Store& store, store::Split split, int64_t limit) {
  return with_clusters(store, store.rows_of(split), limit);
}

ChosenRows choose_learning_rows(const store::Store& store, int64_t limit) {
  std::vector<int64_t> rows = store.rows_of(store::Split::train), merged;
  const std::vector<int64_t> dev = store.rows_of(store::Split::dev);
  std::merge(rows.begin(), rows.end(), dev.begin(), dev.end(), std::back_inserter(merged));
  return with_clusters(store, std::move(merged), limit);
}

SparseRows code_rows(const sae::Sae& sae, const store::Store& store, const ChosenRows& chosen,
                     std::string_view what, Progress& progress) {
  check_sae_fits(sae, store);
  constexpr int64_t kBlock = 4096;
  const sae::Encoder encoder(sae);
  Tensor<float> x(Shape{std::min(kBlock, chosen.size()), store.d()});
  SparseRows all, codes;
  progress.start(what, chosen.size(), "rows");
  for (int64_t first = 0; first < chosen.size(); first += kBlock) {
    throw_if_interrupted();
    const int64_t n = std::min(kBlock, chosen.size() - first);
    const auto begin = chosen.rows.begin() + first;
    const View<float> block = x.view().slice(0, n);
    store.gather({begin, begin + n}, block);
    codes.clear();
    encoder.encode(block, codes);
    const int64_t before = all.nnz();
    for (int64_t b = 1; b <= n; ++b)
      all.indptr.push_back(before + codes.indptr[static_cast<size_t>(b)]);
    all.indices.insert(all.indices.end(), codes.indices.begin(), codes.indices.end());
    all.values.insert(all.values.end(), codes.values.begin(), codes.values.end());
    progress.advance(first + n);
  }
  progress.finish();
  return all;
}

void check_sae_fits(const sae::Sae& sae, const store::Store& store) {
  const std::string name = sae.folder.empty() ? "SAE" : sae.folder.string();
  if (sae.d() != store.d())
    throw UserError(name,
                    "expected activations of width " + std::to_string(sae.d()) + ", got " +
                        std::to_string(store.d()) + " in " + store.path().string(),
                    "give the store of the site that the SAE was trained on");
  if (differ(sae.site, store.site()))
    throw UserError(name, "expected activations of " + sae.site + ", got " + store.site(),
                    "give the store of the site that the SAE was trained on");
  if (differ(sae.model_hash, store.model_hash()))
    throw UserError(name,
                    "expected activations of the model that the SAE was trained on, got those of "
                    "another (" +
                        store.model_name() + ")",
                    "give that model's store, or extract again");
}

void check_same_rows(const store::Store& a, const store::Store& b) {
  const auto refuse = [&](const std::string& how) {
    throw UserError(b.path().string(),
                    "expected the same rows as " + a.path().string() + ", but " + how,
                    "extract both sites in one command, or with the same clips, split and packing");
  };
  if (a.rows() != b.rows())
    refuse("it has " + std::to_string(b.rows()) + " rows, not " + std::to_string(a.rows()));
  if (a.items().size() != b.items().size()) refuse("it has other clips");
  for (size_t i = 0; i < a.items().size(); ++i)
    if (a.items()[i].id != b.items()[i].id || a.items()[i].first_row != b.items()[i].first_row)
      refuse("clip " + b.items()[i].id + " stands where " + a.items()[i].id + " does there");
  for (int64_t row = 0; row < a.rows(); ++row) {
    const store::RowOrigin one = a.origin(row), other = b.origin(row);
    if (one.frame != other.frame || one.position != other.position)
      refuse("row " + std::to_string(row) + " is another frame");
  }
}

std::vector<int64_t> firing_counts(const SparseRows& codes, int64_t F) {
  std::vector<int64_t> counts(static_cast<size_t>(F), 0);
  for (const int32_t j : codes.indices) ++counts[static_cast<size_t>(j)];
  return counts;
}

}  // namespace otoscope::features
