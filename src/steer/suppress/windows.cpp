/// Which windows are listened to.
#include <algorithm>
#include <map>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/text.h"
#include "otoscope/model/normalizer.h"
#include "otoscope/steer/hallucination.h"
#include "otoscope/store/store.h"

namespace otoscope::steer {
namespace {

/// In [0, 1), the same for the same name on any machine.
double place_of(std::string_view what, const std::string& name) {
  Rng rng(name_hash(name), what);
  return rng.uniform();
}

Part part_named(std::string_view name) {
  const store::Split split = store::split_named(name);
  if (split == store::Split::train) return Part::train;
  if (split == store::Split::dev) return Part::dev;
  return Part::test;
}

std::string source_of(const store::Clip& clip) {
  return clip.source.empty() ? clip.path.string() : clip.source;
}

/// The first n of each cluster, by hash of their id; the order given is kept.
void keep_first(std::vector<SoundWindow>& windows, int64_t n) {
  if (n <= 0) return;
  std::map<std::string, std::vector<size_t>> groups;
  for (size_t i = 0; i < windows.size(); ++i) groups[windows[i].cluster].push_back(i);
  std::vector<uint8_t> kept(windows.size(), 0);
  for (auto& [name, members] : groups) {
    std::sort(members.begin(), members.end(), [&](size_t a, size_t b) {
      const auto key = [&](size_t i) {
        return std::pair(name_hash(windows[i].clip.id), windows[i].clip.id);
      };
      return key(a) < key(b);
    });
    for (size_t i = 0; i < members.size() && i < static_cast<size_t>(n); ++i) kept[members[i]] = 1;
  }
  size_t next = 0;
  for (size_t i = 0; i < windows.size(); ++i)
    if (kept[i] != 0) {
      if (next != i) windows[next] = std::move(windows[i]);
      ++next;
    }
  windows.resize(next);
}

/// Train, dev and test, each in the order of a hash, so that the first n are the same for every n.
std::vector<SoundWindow> first_of_parts(std::vector<SoundWindow> windows, int64_t limit_choosing,
                                        int64_t limit_test) {
  const auto key = [](const SoundWindow& w) { return std::pair(name_hash(w.clip.id), w.clip.id); };
  std::stable_sort(windows.begin(), windows.end(),
                   [&](const SoundWindow& a, const SoundWindow& b) { return key(a) < key(b); });
  std::vector<SoundWindow> chosen;
  for (const Part part : {Part::train, Part::dev, Part::test}) {
    const int64_t limit = part == Part::test ? limit_test : limit_choosing;
    int64_t taken = 0;
    for (const SoundWindow& window : windows) {
      if (window.part != part || (limit > 0 && taken == limit)) continue;
      chosen.push_back(window);
      ++taken;
    }
  }
  return chosen;
}

}  // namespace

std::string_view part_name(Part part) {
  return part == Part::train ? "train" : part == Part::dev ? "dev" : "test";
}

std::vector<SoundWindow> choose_sounds(const store::Manifest& manifest, int per_source,
                                       int64_t limit_choosing, int64_t limit_test) {
  std::vector<SoundWindow> windows;
  for (const store::Clip& clip : manifest.clips) {
    if (clip.speech || (clip.text && !clip.text->empty())) continue;
    SoundWindow window;
    window.clip = clip;
    window.cluster = source_of(clip);
    window.part =
        part_named(clip.split.empty() ? store::split_of_sound(window.cluster) : clip.split);
    windows.push_back(std::move(window));
  }
  if (windows.empty())
    throw UserError(manifest.path.string(), "expected clips with `speech: false`, got none",
                    "`otoscope data get nonspeech` fetches some");
  keep_first(windows, per_source);
  return first_of_parts(std::move(windows), limit_choosing, limit_test);
}

std::vector<SoundWindow> choose_speech(const store::Manifest& manifest,
                                       const model::Tokenizer& tokenizer, const model::Dims& dims,
                                       double choosing, int64_t limit_choosing,
                                       int64_t limit_test) {
  const bool by_speaker = store::clusters_by_speaker(manifest.clips);
  const double window_s = static_cast<double>(dims.n_audio_ctx) * audio::kFrameSeconds;
  std::vector<SoundWindow> windows;
  for (const store::Clip& clip : manifest.clips) {
    if (!clip.speech || !clip.text || clip.duration_s > window_s) continue;
    SoundWindow window;
    window.clip = clip;
    if (window.clip.language.empty()) window.clip.language = "en";
    if (!tokenizer.knows(window.clip.language)) continue;
    window.speech = true;
    window.reference = trimmed(model::normalize(*clip.text, window.clip.language));
    if (window.reference.empty()) continue;
    window.words = static_cast<int64_t>(split(window.reference, ' ').size());
    window.cluster = store::cluster_of(clip, by_speaker);
    // The manifest's own splits are for what is learned; here it matters what was chosen on.
    const double place = place_of("suppress: speech", window.cluster);
    window.part = place < choosing * 2 / 3 ? Part::train
                  : place < choosing       ? Part::dev
                                           : Part::test;
    windows.push_back(std::move(window));
  }
  if (windows.empty())
    throw UserError(manifest.path.string(), "expected clips with speech and text, got none",
                    "`otoscope data get prompts` fetches some");
  return first_of_parts(std::move(windows), limit_choosing, limit_test);
}

}  // namespace otoscope::steer
