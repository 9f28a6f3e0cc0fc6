#include "otoscope/audit/gathered.h"

#include <algorithm>

#include "otoscope/contexts/nuisance.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"
#include "otoscope/store/mel_batch.h"

namespace otoscope::audit {

using steer::Part;

namespace {

/// No reference is known: what a recording itself shows of its noise (contexts/nuisance.h).
std::vector<double> snr_of(std::span<const steer::SoundWindow> windows, const model::Dims& dims,
                           Progress& progress) {
  const auto at = static_cast<size_t>(
      std::find(contexts::kNuisances.begin(), contexts::kNuisances.end(), "SNR dB") -
      contexts::kNuisances.begin());
  OTO_ASSERT(at < contexts::kNuisances.size());
  const auto n = static_cast<int64_t>(windows.size());
  std::vector<double> snr(windows.size());
  constexpr int64_t kBunch = 64;  // progress is told and ctrl-C heard between them
  progress.start("measuring noise", n, "clips");
  for (int64_t first = 0; first < n; first += kBunch) {
    throw_if_interrupted();
    const int64_t last = std::min(n, first + kBunch);
    parallel_ranges(last - first, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = first + begin; i < first + end; ++i) {
        const auto pcm = store::window_samples(windows[static_cast<size_t>(i)].clip, dims);
        snr[static_cast<size_t>(i)] = static_cast<double>(contexts::nuisances_of(pcm)[at]);
      }
    });
    progress.advance(last);
  }
  progress.finish();
  return snr;
}

}  // namespace

std::vector<int64_t> Gathered::places(Part part) const {
  std::vector<int64_t> found;
  for (size_t i = 0; i < windows.size(); ++i)
    if (windows[i].part == part) found.push_back(static_cast<int64_t>(i));
  return found;
}

std::vector<steer::SoundWindow> Gathered::for_decoder(std::span<const int64_t> places) const {
  std::vector<steer::SoundWindow> some;
  for (const int64_t i : places) {
    some.push_back(windows[static_cast<size_t>(i)]);
    if (detect) some.back().speech = false;
  }
  return some;
}

std::vector<int64_t> Gathered::told(Part part) const {
  std::vector<int64_t> found;
  for (const int64_t i : places(part))
    if (judgements[static_cast<size_t>(i)].answer != Judgement::Answer::error) found.push_back(i);
  return found;
}

AuditWindows choose_windows(const store::Manifest& manifest, const FailureMode& mode,
                            const model::Tokenizer& tokenizer, const model::Dims& dims,
                            const GatherOptions& options) {
  AuditWindows chosen;
  int64_t wrong_kind = 0, usable = 0, all = 0;
  for (const store::Clip& clip : manifest.clips)
    (mode.speech && clip.speech != *mode.speech ? wrong_kind : usable) += 1;
  const auto add = [&](const std::vector<steer::SoundWindow>& windows,
                       const std::vector<steer::SoundWindow>& unlimited) {
    all += static_cast<int64_t>(unlimited.size());
    for (const steer::SoundWindow& window : windows)
      if (options.choose || window.part == Part::test) chosen.windows.push_back(window);
  };
  const bool any_sound = std::any_of(manifest.clips.begin(), manifest.clips.end(),
                                     [](const store::Clip& clip) { return !clip.speech; });
  const bool any_speech = std::any_of(manifest.clips.begin(), manifest.clips.end(),
                                      [](const store::Clip& clip) { return clip.speech; });
  // A mode of both kinds takes whichever the manifest has.
  if (!mode.speech.value_or(!any_sound && any_speech) || (!mode.speech && any_sound))
    add(steer::choose_sounds(manifest, options.per_source, options.limit_choosing, options.limit),
        steer::choose_sounds(manifest, 0));
  if (mode.speech.value_or(any_speech))
    add(steer::choose_speech(manifest, tokenizer, dims, options.choosing, options.limit_choosing,
                             options.limit),
        steer::choose_speech(manifest, tokenizer, dims, options.choosing, 0, 0));
  std::stable_sort(chosen.windows.begin(), chosen.windows.end(),
                   [](const auto& a, const auto& b) { return a.part < b.part; });
  const auto test = std::count_if(chosen.windows.begin(), chosen.windows.end(),
                                  [](const auto& w) { return w.part == Part::test; });
  if (test == 0)
    throw UserError(manifest.path.string(), "expected clips to report on, got none in test",
                    "give more clips, or mark some with \"split\": \"test\"");
  for (steer::SoundWindow& window : chosen.windows) {
    chosen.speech.push_back(window.speech ? 1 : 0);
    if (mode.language == "detect") window.speech = false;
  }
  const auto left_out = [&](const char* why, int64_t n) {
    if (n > 0) chosen.excluded.push_back({why, n});
  };
  left_out("clips of the other kind (with or without speech)", wrong_kind);
  left_out("clips over one window, without text, or in a language the model does not know",
           usable - all);
  left_out("clips of train and dev, which the mechanism is chosen on, and clips over a limit",
           all - test);
  return chosen;
}

Gathered gather(const model::Whisper& model, const model::Tokenizer& tokenizer,
                const store::Manifest& manifest, const FailureMode& mode,
                std::span<const steer::SiteSae> saes, const GatherOptions& options,
                const JudgeOptions& judging, const std::filesystem::path& cache,
                Progress& progress) {
  Gathered gathered;
  AuditWindows chosen = choose_windows(manifest, mode, tokenizer, model.dims(), options);
  gathered.windows = std::move(chosen.windows);
  gathered.excluded = std::move(chosen.excluded);
  gathered.detect = mode.language == "detect";
  steer::ListenOptions listen{options.hear};
  listen.hear.language = gathered.detect ? "" : mode.language;
  gathered.all =
      steer::listen(model, tokenizer, gathered.windows, saes, listen, cache,
                    "hearing " + std::to_string(gathered.windows.size()) + " clips", progress);
  for (size_t i = 0; i < gathered.windows.size(); ++i) {
    gathered.windows[i].speech = chosen.speech[i] != 0;
    gathered.cases.push_back(
        case_of(gathered.windows[i], gathered.all.heard[i], gathered.all.loudness[i]));
  }
  gathered.snr_db = snr_of(gathered.windows, model.dims(), progress);
  gathered.judgements = judge_all(mode, gathered.cases, judging, progress);
  return gathered;
}

}  // namespace otoscope::audit
