#include "otoscope/steer/fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "otoscope/core/errors.h"

namespace otoscope::steer {
namespace {

constexpr const char* kKeep = "keep it as a recipe: transcribe --recipe applies it";

sae::Sae load_sae(const Recipe& recipe, const std::filesystem::path& given,
                  const std::string& where) {
  const auto folder = !given.empty() ? given : recipe.path.parent_path() / recipe.sae_folder;
  sae::Sae sae = sae::load(folder);
  if (sae.hash != recipe.sae_hash)
    throw UserError(
        where, "expected the SAE that the recipe was made with, got another in " + folder.string(),
        "features of another SAE are other features");
  if (sae.normalize != sae::Normalize::none)
    throw UserError(where, "expected an SAE that takes rows as they are, got one that scales each",
                    kKeep);
  return sae;
}

/// s sum_j u_j d_j, d_j: what one unit of feature j adds to the reconstruction.
std::vector<float> sum_of_features(const Operator& op, const sae::Sae& sae) {
  const int64_t d = sae.d_out();
  std::vector<double> sum(static_cast<size_t>(d));
  for (size_t j = 0; j < op.features.size(); ++j) {
    const float* row = sae.W_dec.data() + op.features[j] * d;
    double squares = 0;
    for (int64_t i = 0; i < d; ++i) squares += static_cast<double>(row[i]) * row[i];
    const double norm = sae.rescale_by_decoder_norm ? std::sqrt(squares) : 1;
    for (int64_t i = 0; i < d; ++i)
      sum[static_cast<size_t>(i)] +=
          op.strength * static_cast<double>(op.unit_of(j)) * row[i] / norm;
  }
  return {sum.begin(), sum.end()};
}

void check_rows(const Operator& op, const std::string& where) {
  Where all;
  all.padding = op.where.padding;
  if (!(op.where == all))
    throw UserError(where, "expected an edit of every row, got one of chosen rows", kKeep);
}

std::vector<float> sum_of_directions(const Operator& op) {
  const auto d = op.directions.size() / static_cast<size_t>(op.rank);
  std::vector<float> sum(d);
  for (size_t i = 0; i < op.directions.size(); ++i)
    sum[i % d] += static_cast<float>(op.strength * op.unit) * op.directions[i];
  return sum;
}

}  // namespace

model::WeightEdit weight_edit(const Recipe& recipe, const std::filesystem::path& sae_folder) {
  const std::string path = recipe.path.empty() ? "recipe" : recipe.path.string();
  if (recipe.form == Form::splice)
    throw UserError(path, "expected the preserving form, got splice, which depends on the row",
                    kKeep);
  if (recipe.when)
    throw UserError(path, "expected a recipe that always acts, got one with a condition", kKeep);
  model::WeightEdit edit;
  edit.site = recipe.site;
  edit.where = path;
  edit.padding = std::all_of(recipe.operators.begin(), recipe.operators.end(),
                             [](const Operator& op) { return op.where.padding; });
  std::optional<sae::Sae> sae;
  std::vector<model::EditStep> on_directions;
  for (size_t i = 0; i < recipe.operators.size(); ++i) {
    const Operator& op = recipe.operators[i];
    const std::string where = fmt::format("{}: operator {}", path, i + 1);
    check_rows(op, where);
    if (op.action == Action::add) {
      if (!sae) sae.emplace(load_sae(recipe, sae_folder, path));
      check_operator(where, op, sae->d(), sae->F());
      edit.steps.push_back({.add = sum_of_features(op, *sae)});  // before all directions
    } else if (op.action == Action::add_direction) {
      on_directions.push_back({.add = sum_of_directions(op)});
    } else if (op.action == Action::remove_direction) {
      on_directions.push_back({.remove = op.directions, .strength = op.strength});
    } else {
      throw UserError(where,
                      fmt::format("expected add, add_direction or remove_direction, got {}, which "
                                  "depends on the row",
                                  action_name(op.action)),
                      kKeep);
    }
    if (!uses_features(op.action))
      check_operator(where, op, static_cast<int64_t>(op.directions.size()) / op.rank, 0);
  }
  edit.steps.insert(edit.steps.end(), on_directions.begin(), on_directions.end());
  return edit;
}

}  // namespace otoscope::steer
