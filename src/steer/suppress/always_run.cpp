#include "steer/suppress/always_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"
#include "otoscope/model/resume.h"

namespace otoscope::steer {
namespace {

constexpr int kFirstTokens = 4;  // enough to see whether there is text

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

}  // namespace

Ready make_ready(const model::Whisper& model, std::span<const SiteSae> saes, const AlwaysOn& edit,
                 SteerOptions options) {
  const SiteSae& one = saes[edit.sae];
  Ready ready;
  ready.tried.edit = edit;
  ready.hook = std::make_unique<SteerHook>(model.dims(), one.site, edit.operators(), one.sae,
                                           std::move(options));
  return ready;
}

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

std::vector<Tried> tried_of(const std::vector<Ready>& edits) {
  std::vector<Tried> list;
  for (const Ready& one : edits) list.push_back(one.tried);
  return list;
}

}  // namespace otoscope::steer
