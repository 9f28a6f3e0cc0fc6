#include <algorithm>

#include "otoscope/circuits/dataset.h"
#include "otoscope/contexts/overlap.h"
#include "otoscope/core/errors.h"

namespace otoscope::contexts {
namespace {

constexpr int kSteps = 4;

std::vector<store::Clip> clips_of(const Items& items, uint8_t context, bool speech, int most) {
  std::vector<store::Clip> clips;
  for (size_t i = 0; i < items.clips.size() && clips.size() < static_cast<size_t>(most); ++i) {
    const store::Clip& clip = items.clips[i];
    if (items.design.context[i] != context || clip.speech != speech) continue;
    if (!speech || (clip.text && !clip.text->empty())) clips.push_back(clip);
  }
  return clips;
}

}  // namespace

SideCircuits circuits_of(const model::Whisper& model, const model::Tokenizer& tokenizer,
                         const Items& items, const sae::Sae& sae, int clips,
                         const OverlapOptions& options, Progress& progress) {
  const bool speech = !clips_of(items, 0, true, 1).empty() && !clips_of(items, 1, true, 1).empty();
  SideCircuits result;
  result.site = sae.site;
  result.metric = speech ? "words" : "text";
  std::vector<circuits::AttributionClip> sides[2], both;
  for (const uint8_t c : {uint8_t{0}, uint8_t{1}}) {
    const auto chosen = clips_of(items, c, speech, clips);
    if (chosen.size() < 4)
      throw UserError("--circuit",
                      "expected at least 4 clips of each context with text, or "
                      "without speech in both, got " +
                          std::to_string(chosen.size()));
    sides[c] = circuits::attribution_clips(model, tokenizer, chosen, items.by_speaker,
                                           result.metric, progress);
  }
  circuits::SiteSae site{model::find_site(model.dims(), sae.site), &sae, {}};
  // One reference for both, so that effects compare.
  const auto first = circuits::mean_codes(model, site, sides[0], progress),
             second = circuits::mean_codes(model, site, sides[1], progress);
  for (size_t j = 0; j < first.size(); ++j) site.reference.push_back((first[j] + second[j]) / 2);
  circuits::AttributionOptions attribution;
  attribution.steps = kSteps;
  attribution.top = options.size;
  attribution.seed = options.seed;
  circuits::Attribution of[2];
  for (const size_t c : {size_t{0}, size_t{1}}) {
    of[c] = circuits::attribute(model, std::span(&site, 1), sides[c], attribution, progress);
    result.top[c] = of[c].sites[0].top;
  }
  result.overlap = circuit_overlap(of[0], of[1], options);
  return result;
}

}  // namespace otoscope::contexts
