#include "contexts/controls.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "contexts/json.h"
#include "otoscope/contexts/held_out.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"

namespace otoscope::contexts {
namespace {

using io::OrderedJson;

Tensor<float> lines(View<const float> x, std::span<const int64_t> places) {
  Tensor<float> some(Shape{static_cast<int64_t>(places.size()), x.shape[1]});
  for (size_t i = 0; i < places.size(); ++i)
    std::copy_n(x.row(places[i]), x.shape[1], some.view().row(static_cast<int64_t>(i)));
  return some;
}

OrderedJson tested(View<const float> x, const Design& design, const TestOptions& options,
                   const std::string& what) {
  try {
    OrderedJson json = to_json(classifier_test(gram_of(x), design, options));
    json["what"] = what;
    return json;
  } catch (const UserError& error) {
    return {{"impossible", error.problem()}, {"what", what}};
  }
}

}  // namespace

OrderedJson negative_control(View<const float> table, const Design& design,
                             const std::string& first, const TestOptions& options) {
  std::vector<int64_t> places;
  for (int64_t i = 0; i < design.n(); ++i)
    if (design.context[static_cast<size_t>(i)] == 0) places.push_back(i);
  Design half = part_of(design, places);
  Rng rng(options.seed, "contexts: halves");
  const auto order = rng.permutation(half.groups);
  std::vector<uint8_t> second(static_cast<size_t>(half.groups), 0);
  for (size_t i = 0; i < order.size() / 2; ++i) second[static_cast<size_t>(order[i])] = 1;
  for (size_t i = 0; i < half.context.size(); ++i)
    half.context[i] = second[static_cast<size_t>(half.group[i])];
  return tested(lines(table, places), half, options,
                first + " split into two halves of its groups");
}

OrderedJson positive_control(View<const float> table, View<const float> changed,
                             const Design& design, std::span<const Step> steps,
                             const std::string& first, const TestOptions& options) {
  const int64_t m = changed.shape[0];
  std::vector<uint8_t> context(static_cast<size_t>(2 * m), 0);
  std::vector<std::string> group, source(static_cast<size_t>(2 * m));
  Tensor<float> x(Shape{2 * m, table.shape[1]});
  for (int64_t i = 0; i < 2 * m; ++i) {
    context[static_cast<size_t>(i)] = i < m ? 0 : 1;
    group.push_back(std::to_string(design.group[static_cast<size_t>(i % m)]));
    std::copy_n(i < m ? table.row(i) : changed.row(i - m), x.shape()[1], x.view().row(i));
  }
  std::string what;
  for (const Step& step : steps) what += (what.empty() ? "" : ",") + step_text(step);
  OrderedJson json = tested(x, make_design(context, group, source), options,
                            first + " against itself with " + what);
  json["steps"] = what;
  return json;
}

}  // namespace otoscope::contexts
