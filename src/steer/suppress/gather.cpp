#include "steer/suppress/gather.h"

#include <algorithm>

#include "otoscope/core/errors.h"

namespace otoscope::steer {
namespace {

void append(const Tensor<float>& from, Tensor<float>& to, int64_t first) {
  if (from.empty()) return;
  std::copy_n(from.data(), from.size(), to.view().row(first));
}

}  // namespace

std::vector<int64_t> Gathered::places(bool speech, std::initializer_list<Part> parts) const {
  std::vector<int64_t> found;
  for (size_t i = 0; i < windows.size(); ++i)
    if (windows[i].speech == speech &&
        std::find(parts.begin(), parts.end(), windows[i].part) != parts.end())
      found.push_back(static_cast<int64_t>(i));
  return found;
}

std::vector<SoundWindow> Gathered::windows_at(std::span<const int64_t> places) const {
  std::vector<SoundWindow> some;
  for (const int64_t i : places) some.push_back(windows[static_cast<size_t>(i)]);
  return some;
}

std::vector<Heard> Gathered::heard_at(std::span<const int64_t> places) const {
  std::vector<Heard> some;
  for (const int64_t i : places) some.push_back(all.heard[static_cast<size_t>(i)]);
  return some;
}

Gathered gather(const model::Whisper& model, const model::Tokenizer& tokenizer,
                std::vector<SoundWindow> sounds, std::vector<SoundWindow> speech,
                std::span<const SiteSae> saes, const HearOptions& hear,
                const std::filesystem::path& cache, Progress& progress) {
  Gathered gathered;
  const auto total = static_cast<int64_t>(sounds.size() + speech.size());
  for (const SiteSae& one : saes) gathered.all.pooled.push_back(make_pooled(*one.sae, total));
  for (auto* list : {&sounds, &speech})
    for (const Part part : {Part::train, Part::dev, Part::test}) {
      std::vector<SoundWindow> some;
      for (const SoundWindow& window : *list)
        if (window.part == part) some.push_back(window);
      if (some.empty()) continue;
      ListenOptions options{hear};
      options.detect = list == &sounds && tokenizer.special().multilingual;
      const std::string task = std::string(list == &sounds ? "sounds" : "speech") + " to " +
                               (part == Part::test ? "report on" : "choose on");
      Listened heard = listen(model, tokenizer, some, saes, options, cache, task, progress);
      const auto first = static_cast<int64_t>(gathered.windows.size());
      for (size_t s = 0; s < saes.size(); ++s) {
        append(heard.pooled[s].mean, gathered.all.pooled[s].mean, first);
        append(heard.pooled[s].max, gathered.all.pooled[s].max, first);
        append(heard.pooled[s].dense, gathered.all.pooled[s].dense, first);
      }
      if (options.detect)
        for (size_t i = 0; i < some.size(); ++i)
          gathered.detected.push_back(gathered.windows.size() + i);
      for (SoundWindow& window : some) gathered.windows.push_back(std::move(window));
      const auto move_all = [](auto& from, auto& to) {
        to.insert(to.end(), std::make_move_iterator(from.begin()),
                  std::make_move_iterator(from.end()));
      };
      move_all(heard.heard, gathered.all.heard);
      move_all(heard.detected, gathered.all.detected);
      move_all(heard.loudness, gathered.all.loudness);
    }
  return gathered;
}

}  // namespace otoscope::steer
