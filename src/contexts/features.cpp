/// What gives the context away, column by column, as JSON.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "contexts/controls.h"
#include "contexts/json.h"
#include "otoscope/contexts/nuisance.h"

namespace otoscope::contexts {
namespace {

using io::OrderedJson;

/// The listed columns of a table, one after the other.
Tensor<float> listed(View<const float> x, std::span<const ColumnDifference> columns) {
  Tensor<float> some(Shape{x.shape[0], static_cast<int64_t>(columns.size())});
  for (int64_t i = 0; i < x.shape[0]; ++i)
    for (size_t k = 0; k < columns.size(); ++k)
      some.at(i, static_cast<int64_t>(k)) = x.at(i, columns[k].column);
  return some;
}

}  // namespace

OrderedJson features_json(const Comparison& c, const TestOptions& options, int shown) {
  const Design& design = c.items.design;
  const Pooled& pooled = c.trained.pooled;
  const int64_t F = pooled.firing.shape()[1], n = design.n();
  Tensor<float> means(Shape{n, F});
  for (int64_t i = 0; i < n; ++i)
    std::copy_n(pooled.features.data() + i * 2 * F, F, means.view().row(i));
  const auto found = column_differences(means, design, options, shown);
  OrderedJson json;
  json["tested"] = found.size();
  json["q_at_most_.05"] =
      std::count_if(found.begin(), found.end(), [](const auto& f) { return f.q <= .05; });
  json["family_wise_.05"] =
      std::count_if(found.begin(), found.end(), [](const auto& f) { return f.p_family <= .05; });
  const auto first = std::span(found).first(std::min(found.size(), static_cast<size_t>(shown)));
  json["list"] = OrderedJson::array();
  if (first.empty()) return json;
  const auto left = explained_by(c.trained.nuisances, listed(means, first), design, options);
  for (size_t k = 0; k < first.size(); ++k) {
    OrderedJson row = to_json(first[k]);
    row["at_equal_nuisances"] = to_json(left[k]);
    row["feature"] = first[k].column;
    row["name"] = c.names.empty() ? "" : c.names[static_cast<size_t>(first[k].column)];
    double firing[2] = {0, 0};
    for (int64_t i = 0; i < n; ++i)
      firing[design.context[static_cast<size_t>(i)]] +=
          static_cast<double>(pooled.firing.at(i, first[k].column));
    row["firing"] = {firing[0] / static_cast<double>(design.n_of(0)),
                     firing[1] / static_cast<double>(design.n_of(1))};
    json["list"].push_back(std::move(row));
  }
  return json;
}

OrderedJson nuisances_json(const Comparison& c, const TestOptions& options) {
  OrderedJson list = OrderedJson::array();
  for (const ColumnDifference& one :
       column_differences(c.trained.nuisances, c.items.design, options, kNuisanceCount)) {
    OrderedJson row = to_json(one);
    row["name"] = kNuisances[static_cast<size_t>(one.column)];
    list.push_back(std::move(row));
  }
  return list;
}

}  // namespace otoscope::contexts
