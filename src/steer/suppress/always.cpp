#include "steer/suppress/always.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "steer/suppress/always_controls.h"
#include "steer/suppress/always_run.h"

namespace otoscope::steer {
namespace {

constexpr double kHarm = 1. / 20, kUseless = 9. / 10;

double harm(const Tried& tried) {
  return static_cast<double>(std::max(tried.changed, tried.emptied)) /
         std::max(1.0, static_cast<double>(tried.speech));
}

/// Share of text left plus share of speech changed: 1 for doing nothing, 1 for silencing all.
double loss(const Tried& tried, int64_t clean) {
  return static_cast<double>(tried.wrote) / std::max(1.0, static_cast<double>(clean)) + harm(tried);
}

io::OrderedJson to_json(const Tried& tried, std::span<const SiteSae> saes) {
  return {{"name", tried.edit.name(saes)},
          {"site", model::site_name(saes[tried.edit.sae].site)},
          {"up", tried.edit.up},
          {"down", tried.edit.down},
          {"gain", tried.edit.gain},
          {"dose", tried.dose},
          {"sounds", tried.sounds},
          {"with_text", tried.wrote},
          {"speech", tried.speech},
          {"speech_changed", tried.changed},
          {"speech_emptied", tried.emptied}};
}

}  // namespace

std::string AlwaysOn::name(std::span<const SiteSae> saes) const {
  const size_t k = up.size() + down.size();
  return fmt::format("{} feature{} at {}, gain {:g}", k, k == 1 ? "" : "s",
                     model::site_name(saes[sae].site), gain);
}

std::vector<Operator> AlwaysOn::operators() const {
  std::vector<Operator> list;
  if (!up.empty()) list.push_back(on_features(Action::scale, up, 1 + gain));
  if (!down.empty()) list.push_back(on_features(Action::scale, down, 1 - gain));
  return list;
}

std::vector<int32_t> movers(const Attribution& attribution, size_t k) {
  std::vector<std::pair<double, int32_t>> order;
  for (size_t j = 0; j < attribution.of_sounds.size(); ++j)
    order.emplace_back(2 * std::abs(attribution.of_speech[j]) - std::abs(attribution.of_sounds[j]),
                       static_cast<int32_t>(j));
  std::sort(order.begin(), order.end());
  std::vector<int32_t> found;
  for (size_t i = 0; i < order.size() && i < k; ++i) found.push_back(order[i].second);
  return found;
}

AlwaysOn moving(const Attribution& attribution, size_t sae, size_t k, double gain) {
  AlwaysOn edit{sae, {}, {}, gain};
  for (const int32_t j : movers(attribution, k))
    (attribution.of_sounds[static_cast<size_t>(j)] > 0 ? edit.up : edit.down).push_back(j);
  std::sort(edit.up.begin(), edit.up.end());
  std::sort(edit.down.begin(), edit.down.end());
  return edit;
}

AlwaysSearch search_always(const model::Whisper& model, const model::Tokenizer& tokenizer,
                           const SearchWindows& windows, std::span<const SiteSae> saes,
                           std::span<const Attribution> attributions, const Listened& pooled,
                           const AlwaysOptions& options, Progress& progress) {
  AlwaysSearch search;
  std::vector<Ready> coarse, fine;
  for (size_t s = 0; s < saes.size(); ++s)
    for (const int k : options.sizes)
      for (const double gain : options.gains)
        coarse.push_back(
            make_ready(model, saes, moving(attributions[s], s, static_cast<size_t>(k), gain)));
  search.wrote_clean = run_ready(model, tokenizer, windows.sounds, windows.speech, saes, coarse,
                                 options, "edits that are always on", progress);
  search.coarse = tried_of(coarse);
  const auto promising = std::min_element(
      search.coarse.begin(), search.coarse.end(), [&](const Tried& a, const Tried& b) {
        return loss(a, search.wrote_clean) < loss(b, search.wrote_clean);
      });
  for (const double factor : options.around) {
    AlwaysOn edit = promising->edit;
    edit.gain *= factor;
    fine.push_back(make_ready(model, saes, edit));
  }
  search.wrote_clean_fine =
      run_ready(model, tokenizer, windows.fine_sounds, windows.fine_speech, saes, fine, options,
                "the most promising, gain by gain", progress);
  search.fine = tried_of(fine);
  const auto less_text = [&](size_t a, const std::optional<size_t>& b) {
    return !b || search.fine[a].wrote < search.fine[*b].wrote;
  };
  for (size_t i = 0; i < search.fine.size(); ++i) {
    if (less_text(i, search.strongest)) search.strongest = i;
    if (search.fine[i].emptied == 0 && harm(search.fine[i]) <= kHarm && less_text(i, search.best))
      search.best = i;
  }
  if (search.best && static_cast<double>(search.fine[*search.best].wrote) >
                         kUseless * static_cast<double>(search.wrote_clean_fine))
    search.best.reset();
  if (search.strongest)
    run_controls(model, tokenizer, windows.sounds, saes, pooled, options, search, progress);
  return search;
}

io::OrderedJson to_json(const AlwaysSearch& search, std::span<const SiteSae> saes) {
  const auto list = [&](const std::vector<Tried>& some) {
    io::OrderedJson json = io::OrderedJson::array();
    for (const Tried& tried : some) json.push_back(to_json(tried, saes));
    return json;
  };
  const auto place = [](const std::optional<size_t>& i) {
    return i ? io::OrderedJson(*i) : io::OrderedJson();
  };
  return {{"with_text_clean", search.wrote_clean},
          {"coarse", list(search.coarse)},
          {"with_text_clean_fine", search.wrote_clean_fine},
          {"fine", list(search.fine)},
          {"best", place(search.best)},
          {"strongest", place(search.strongest)},
          {"random_features", list(search.random_features)},
          {"random_directions", list(search.random_directions)}};
}

}  // namespace otoscope::steer
