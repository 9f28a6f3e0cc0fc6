#include "steer/suppress/always.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/io/json.h"
#include "otoscope/model/resume.h"

namespace otoscope::steer {
namespace {

constexpr int kFirstTokens = 4;  // enough to see whether there is text
constexpr int64_t kDoseOn = 16;  // windows that doses are made equal on
constexpr double kHarm = 1. / 20, kUseless = 9. / 10;

/// One edit ready to run.
struct Ready {
  Tried tried;
  std::unique_ptr<SteerHook> hook;
};

Ready make_ready(const model::Whisper& model, std::span<const SiteSae> saes, const AlwaysOn& edit,
                 SteerOptions options = {}) {
  const SiteSae& one = saes[edit.sae];
  Ready ready;
  ready.tried.edit = edit;
  ready.hook = std::make_unique<SteerHook>(model.dims(), one.site, edit.operators(), one.sae,
                                           std::move(options));
  return ready;
}

/// Runs all edits on both kinds of windows.
void hear_ready(const model::Whisper& model, const model::Tokenizer& tokenizer,
                std::span<const SoundWindow> sounds, std::span<const SoundWindow> speech,
                std::span<const SiteSae> saes, std::vector<Ready>& edits, const HearOptions& hear,
                int64_t& wrote_clean, std::string_view task, Progress& progress) {
  std::vector<Edited> list;
  for (Ready& one : edits)
    list.push_back({"", model::resume_before(saes[one.tried.edit.sae].site), {one.hook.get()}});
  HearOptions options = hear;
  options.sample_len = kFirstTokens;
  run_edits(model, tokenizer, sounds, list, true, options, task, progress,
            [&](int64_t e, int64_t, const std::vector<Heard>& heard) {
              const auto wrote = std::count_if(heard.begin(), heard.end(),
                                               [](const Heard& h) { return h.wrote(); });
              if (e < 0) {
                wrote_clean += wrote;
                return;
              }
              Tried& tried = edits[static_cast<size_t>(e)].tried;
              tried.wrote += wrote;
              tried.sounds += static_cast<int64_t>(heard.size());
            });
  for (Ready& one : edits) {
    one.tried.dose = one.hook->dose().relative();
    one.hook->reset_dose();
  }
  if (speech.empty()) return;
  options.sample_len = 2 * kFirstTokens;
  std::vector<Heard> clean;
  run_edits(model, tokenizer, speech, list, true, options, task, progress,
            [&](int64_t e, int64_t, std::vector<Heard> heard) {
              if (e < 0) {
                clean = std::move(heard);
                return;
              }
              Tried& tried = edits[static_cast<size_t>(e)].tried;
              for (size_t i = 0; i < heard.size(); ++i) {
                tried.changed += heard[i].normalised != clean[i].normalised ? 1 : 0;
                tried.emptied += clean[i].wrote() && !heard[i].wrote() ? 1 : 0;
              }
              tried.speech += static_cast<int64_t>(heard.size());
            });
}

/// The same, remembered.
int64_t run_ready(const model::Whisper& model, const model::Tokenizer& tokenizer,
                  std::span<const SoundWindow> sounds, std::span<const SoundWindow> speech,
                  std::span<const SiteSae> saes, std::vector<Ready>& edits,
                  const AlwaysOptions& options, std::string_view task, Progress& progress) {
  std::string identity = options.identity + "\n" + std::string(task) + "\n" +
                         std::to_string(options.seed) + "\n" + identity_of(sounds) +
                         identity_of(speech);
  for (const Ready& one : edits) {
    const AlwaysOn& edit = one.tried.edit;
    identity += fmt::format("\n{} {:.17g}", edit.sae, edit.gain);
    for (const auto* features : {&edit.up, &edit.down}) {
      identity += " |";
      for (const int32_t j : *features) identity += " " + std::to_string(j);
    }
  }
  const io::Json counts = remembered(options.cache, "tried", identity, [&] {
    int64_t clean = 0;
    hear_ready(model, tokenizer, sounds, speech, saes, edits, options.hear, clean, task, progress);
    io::Json made{{"clean", clean}, {"edits", io::Json::array()}};
    for (const Ready& one : edits)
      made["edits"].push_back({one.tried.sounds, one.tried.wrote, one.tried.speech,
                               one.tried.changed, one.tried.emptied, one.tried.dose});
    return made;
  });
  OTO_ASSERT(counts.at("edits").size() == edits.size());
  for (size_t e = 0; e < edits.size(); ++e) {
    const io::Json& one = counts["edits"][e];
    Tried& tried = edits[e].tried;
    tried.sounds = one[0].get<int64_t>(), tried.wrote = one[1].get<int64_t>();
    tried.speech = one[2].get<int64_t>(), tried.changed = one[3].get<int64_t>();
    tried.emptied = one[4].get<int64_t>(), tried.dose = one[5].get<double>();
  }
  return counts.at("clean").get<int64_t>();
}

/// Features of the same SAE that fire on sounds about as strongly, nearest first, without these.
std::vector<int32_t> like(const Listened& listened, const AlwaysOn& edit, size_t count) {
  const View<const float> mean = listened.pooled[edit.sae].mean.view();
  std::vector<double> level(static_cast<size_t>(mean.width()), 0);
  for (int64_t i = 0; i < mean.rows(); ++i)
    for (int64_t j = 0; j < mean.width(); ++j)
      level[static_cast<size_t>(j)] += static_cast<double>(mean.at(i, j));
  std::vector<int32_t> targets = edit.up;
  targets.insert(targets.end(), edit.down.begin(), edit.down.end());
  double wanted = 0;
  for (const int32_t j : targets)
    wanted += std::log(level[static_cast<size_t>(j)] + 1e-9) / static_cast<double>(targets.size());
  std::vector<std::pair<double, int32_t>> order;
  for (size_t j = 0; j < level.size(); ++j)
    if (level[j] > 0 &&
        std::find(targets.begin(), targets.end(), static_cast<int32_t>(j)) == targets.end())
      order.emplace_back(std::abs(std::log(level[j] + 1e-9) - wanted), static_cast<int32_t>(j));
  std::sort(order.begin(), order.end());
  std::vector<int32_t> found;
  for (size_t i = 0; i < order.size() && i < count; ++i) found.push_back(order[i].second);
  return found;
}

/// Mean dose of each edit on a few sounds, without decoding.
void equal_doses(const model::Whisper& model, std::span<const SoundWindow> sounds,
                 const model::Site& site, SteerHook& target, std::vector<Ready>& others) {
  const HeardBatch batch = load_batch(
      sounds, 0, std::min<int64_t>(kDoseOn, static_cast<int64_t>(sounds.size())), model.dims());
  model::Recorder recorder({site});
  model::Hook* hook = &recorder;
  model.encode(batch.mel, batch.rows(), {&hook, 1}, site);
  const auto dose_of = [&](SteerHook& edit) {
    Tensor<float> x = recorder.last(site).clone();
    model::Rows rows = batch.rows();
    rows.T = x.shape()[1];
    edit.reset_dose();
    edit.replace(site, rows, x);
    const double dose = edit.dose().relative();
    edit.reset_dose();
    return dose;
  };
  const double wanted = dose_of(target);
  for (Ready& other : others) {
    const double dose = dose_of(*other.hook);
    if (dose > 0) other.hook->set_gain(wanted / dose);
  }
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

namespace {

AlwaysOn edit_of(std::span<const Attribution> attributions, size_t sae, size_t k, double gain) {
  AlwaysOn edit{sae, {}, {}, gain};
  for (const int32_t j : movers(attributions[sae], k))
    (attributions[sae].of_sounds[static_cast<size_t>(j)] > 0 ? edit.up : edit.down).push_back(j);
  std::sort(edit.up.begin(), edit.up.end());
  std::sort(edit.down.begin(), edit.down.end());
  return edit;
}

double harm(const Tried& tried) {
  return static_cast<double>(std::max(tried.changed, tried.emptied)) /
         std::max(1.0, static_cast<double>(tried.speech));
}

/// Share of text left plus share of speech changed: 1 for doing nothing, 1 for silencing all.
double loss(const Tried& tried, int64_t clean) {
  return static_cast<double>(tried.wrote) / std::max(1.0, static_cast<double>(clean)) + harm(tried);
}

std::vector<Tried> tried_of(const std::vector<Ready>& edits) {
  std::vector<Tried> list;
  for (const Ready& one : edits) list.push_back(one.tried);
  return list;
}

void run_controls(const model::Whisper& model, const model::Tokenizer& tokenizer,
                  std::span<const SoundWindow> sounds, std::span<const SiteSae> saes,
                  const Listened& pooled, const AlwaysOptions& options, AlwaysSearch& search,
                  Progress& progress) {
  const AlwaysOn& strongest = search.fine[*search.strongest].edit;
  const size_t k = strongest.up.size() + strongest.down.size();
  const auto wanted = static_cast<size_t>(options.controls);
  const std::vector<int32_t> near = like(pooled, strongest, wanted * k);
  const size_t count = near.size() / k;  // fewer where the SAE has not as many live features
  Rng rng(options.seed, "suppress: random controls");
  std::vector<Ready> features, directions;
  for (size_t c = 0; c < count; ++c) {
    AlwaysOn edit{strongest.sae, {}, {}, strongest.gain};
    for (size_t j = 0; j < k; ++j)
      (j < strongest.up.size() ? edit.up : edit.down).push_back(near[c + j * count]);
    std::sort(edit.up.begin(), edit.up.end());
    std::sort(edit.down.begin(), edit.down.end());
    features.push_back(make_ready(model, saes, edit));
  }
  for (size_t c = 0; c < wanted; ++c) {
    SteerOptions steer;
    for (int64_t i = 0; i < saes[strongest.sae].sae->d(); ++i)
      steer.redirect.push_back(static_cast<float>(rng.normal()));
    directions.push_back(make_ready(model, saes, strongest, std::move(steer)));
  }
  const Ready target = make_ready(model, saes, strongest);
  equal_doses(model, sounds, saes[strongest.sae].site, *target.hook, features);
  run_ready(model, tokenizer, sounds, {}, saes, features, options, "random features", progress);
  run_ready(model, tokenizer, sounds, {}, saes, directions, options, "random directions", progress);
  search.random_features = tried_of(features);
  search.random_directions = tried_of(directions);
}

}  // namespace

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
            make_ready(model, saes, edit_of(attributions, s, static_cast<size_t>(k), gain)));
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
