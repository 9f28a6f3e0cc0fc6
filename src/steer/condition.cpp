#include "otoscope/steer/condition.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"

namespace otoscope::steer {
namespace {

/// The rows of a batch that belong to some of its entries, with the spans that name them.
struct WindowPart {
  std::vector<int64_t> at, item;
  std::vector<int32_t> valid, beam;
  model::Rows rows;

  WindowPart(const model::Rows& all, const std::vector<int64_t>& entries) : at(entries), rows(all) {
    for (const int64_t b : at) {
      const auto i = static_cast<size_t>(b);
      item.push_back(all.item.empty() ? b : all.item[i]);
      if (!all.valid.empty()) valid.push_back(all.valid[i]);
      if (!all.beam.empty()) beam.push_back(all.beam[i]);
    }
    rows.B = static_cast<int64_t>(at.size());
    rows.item = item;
    rows.valid = valid;
    rows.beam = beam;
  }
};

Shape with_first(const Shape& shape, int64_t n) {
  Shape sizes{n};
  for (int i = 1; i < shape.rank(); ++i) sizes.push_back(shape[i]);
  return sizes;
}

}  // namespace

std::string_view pool_name(Pool pool) { return pool == Pool::mean ? "mean" : "max"; }

Pool pool_named(std::string_view where, std::string_view name) {
  if (name == "mean") return Pool::mean;
  if (name == "max") return Pool::max;
  throw UserError(where, "expected mean or max, got " + std::string(name));
}

double Condition::score(std::span<const float> pooled) const {
  OTO_ASSERT(pooled.size() == weights.size());
  double sum = bias;
  for (size_t j = 0; j < pooled.size(); ++j)
    sum += static_cast<double>(weights[j]) * static_cast<double>(pooled[j]);
  return sum;
}

void check_condition(std::string_view where, const Condition& condition, int64_t F) {
  if (condition.site.stack != model::Stack::encoder || !model::is_row_site(condition.site))
    throw UserError(
        where, "expected a condition on a site of the encoder with one row per position, got " +
                   model::site_name(condition.site));
  if (condition.features.empty() || condition.features.size() != condition.weights.size())
    throw UserError(where, "expected one weight for each of at least one feature, got " +
                               std::to_string(condition.weights.size()) + " for " +
                               std::to_string(condition.features.size()));
  for (const int32_t j : condition.features)
    if (j < 0 || j >= F)
      throw UserError(
          where, "expected features below " + std::to_string(F) + ", got " + std::to_string(j));
  bool finite = std::isfinite(condition.bias);
  for (const float w : condition.weights) finite = finite && std::isfinite(w);
  if (!finite) throw UserError(where, "expected finite weights and bias in the condition");
}

std::vector<float> pool_features(const sae::Encoder& encoder, View<const float> x, int64_t valid,
                                 std::span<const int32_t> features, Pool pool) {
  std::vector<double> sums(features.size(), 0);
  std::vector<float> pooled(features.size(), 0);
  if (valid <= 0) return pooled;
  SparseRows codes;
  encoder.encode(x.slice(0, valid), codes);
  for (size_t j = 0; j < features.size(); ++j)
    for (size_t e = 0; e < codes.indices.size(); ++e)
      if (codes.indices[e] == features[j]) {
        sums[j] += static_cast<double>(codes.values[e]);
        pooled[j] = std::max(pooled[j], codes.values[e]);
      }
  if (pool == Pool::mean)
    for (size_t j = 0; j < features.size(); ++j)
      pooled[j] = static_cast<float>(sums[j] / static_cast<double>(valid));
  return pooled;
}

Gate::Gate(Condition condition, const sae::Sae& sae)
    : condition_(std::move(condition)), encoder_(std::make_unique<sae::Encoder>(sae)) {
  check_condition("condition", condition_, sae.F());
}
Gate::~Gate() = default;

model::Want Gate::ask(const model::Site& site) {
  // An observer would come too late for an edit of the same site.
  return site == condition_.site ? model::Want::replace : model::Want::none;
}

void Gate::replace(const model::Site&, const model::Rows& rows, View<float> x) {
  for (int64_t b = 0; b < x.shape[0]; ++b) {
    const auto i = static_cast<size_t>(b);
    const int64_t valid =
        rows.valid.empty() ? x.shape[1] : std::min<int64_t>(rows.valid[i], x.shape[1]);
    const std::vector<float> pooled =
        pool_features(*encoder_, x.sub(b), valid, condition_.features, condition_.pool);
    scores_[rows.item.empty() ? b : rows.item[i]] = condition_.score(pooled);
  }
}

double Gate::score(int64_t item) const {
  const auto found = scores_.find(item);
  if (found == scores_.end())
    throw UserError(model::site_name(condition_.site),
                    "expected the encoder pass of item " + std::to_string(item) +
                        " before its decoding, got none",
                    "run encoder and decoder with the same hooks and items");
  return found->second;
}

bool Gate::open(int64_t item) const { return score(item) > 0; }

model::Want GatedHook::ask(const model::Site& site) { return edit_.ask(site); }

void GatedHook::replace(const model::Site& site, const model::Rows& rows, View<float> x) {
  std::vector<int64_t> open;
  for (int64_t b = 0; b < x.shape[0]; ++b)
    if (gate_.open(rows.item.empty() ? b : rows.item[static_cast<size_t>(b)])) open.push_back(b);
  if (open.empty()) return;
  if (static_cast<int64_t>(open.size()) == x.shape[0]) return edit_.replace(site, rows, x);
  const WindowPart part(rows, open);
  auto some = Tensor<float>::uninitialized(with_first(x.shape, part.rows.B));
  const int64_t count = x.shape.tail().count();
  for (size_t i = 0; i < open.size(); ++i)
    std::copy_n(x.data + open[i] * count, count, some.data() + static_cast<int64_t>(i) * count);
  edit_.replace(site, part.rows, some);
  for (size_t i = 0; i < open.size(); ++i)
    std::copy_n(some.data() + static_cast<int64_t>(i) * count, count, x.data + open[i] * count);
}

void GatedHook::observe(const model::Site& site, const model::Rows& rows, View<const float> x) {
  edit_.observe(site, rows, x);
}

}  // namespace otoscope::steer
