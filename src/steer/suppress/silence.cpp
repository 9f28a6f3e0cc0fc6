#include "steer/suppress/silence.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "steer/suppress/measure.h"

namespace otoscope::steer {

double threshold_between(std::span<const double> speech, std::span<const double> sounds) {
  OTO_ASSERT(!speech.empty() && !sounds.empty());
  const double highest = *std::max_element(speech.begin(), speech.end());
  const double median = quantile({sounds.begin(), sounds.end()}, .5);
  return highest + .1 * std::max(0.0, median - highest);
}

std::vector<uint8_t> Silencer::silent(std::span<const SoundWindow> windows,
                                      const Listened& heard) const {
  std::vector<uint8_t> flags;
  for (size_t i = 0; i < windows.size(); ++i)
    flags.push_back(score(windows, heard, static_cast<int64_t>(i)) > threshold ? 1 : 0);
  return flags;
}

void set_threshold(Silencer& silencer, const Gathered& gathered,
                   std::initializer_list<Part> parts) {
  std::vector<double> sides[2];
  for (const bool speech : {false, true})
    for (const int64_t i : gathered.places(speech, parts))
      sides[speech ? 1 : 0].push_back(silencer.score(gathered.windows, gathered.all, i));
  silencer.threshold = threshold_between(sides[1], sides[0]);
}

const FoundDetector& choose_condition(const std::vector<FoundDetector>& found,
                                      const Gathered& gathered) {
  OTO_ASSERT(!found.empty());
  constexpr double kClipWeighs = 10, kAsGood = .02;
  std::vector<double> worth;
  for (const FoundDetector& one : found) {
    Silencer silencer = feature_silencer(one, "");
    set_threshold(silencer, gathered, {Part::train});
    const auto share = [&](bool speech) {
      const auto places = gathered.places(speech, {Part::dev});
      const auto over = std::count_if(places.begin(), places.end(), [&](int64_t i) {
        return silencer.score(gathered.windows, gathered.all, i) > silencer.threshold;
      });
      return static_cast<double>(over) / std::max(1.0, static_cast<double>(places.size()));
    };
    worth.push_back(share(false) - kClipWeighs * share(true));
  }
  const double top = *std::max_element(worth.begin(), worth.end());
  size_t best = found.size();
  for (size_t i = 0; i < found.size(); ++i)
    if (worth[i] >= top - kAsGood &&
        (best == found.size() ||
         found[i].detector.features.size() < found[best].detector.features.size()))
      best = i;
  return found[best];
}

Silencer default_filter() {
  return {"Whisper's own filter", "model", 0,
          [](std::span<const SoundWindow>, const Listened& heard, int64_t row) {
            return heard.heard[static_cast<size_t>(row)].filtered() ? 1.0 : 0.0;
          }};
}

Silencer no_speech_token() {
  return {"no-speech token alone", "baseline", 0,
          [](std::span<const SoundWindow>, const Listened& heard, int64_t row) {
            return heard.heard[static_cast<size_t>(row)].no_speech;
          }};
}

Silencer feature_silencer(const FoundDetector& found, std::string name) {
  return {std::move(name), "recipe", 0,
          [found](std::span<const SoundWindow>, const Listened& heard, int64_t row) {
            const Pooled& pooled = heard.pooled[found.sae];
            const Tensor<float>& values = found.pool == Pool::mean ? pooled.mean : pooled.max;
            return found.detector.score(
                {values.view().row(row), static_cast<size_t>(values.shape()[1])});
          }};
}

Silencer probe_silencer(size_t sae, const Logistic& probe, std::string name) {
  return {std::move(name), "baseline", 0,
          [sae, probe](std::span<const SoundWindow>, const Listened& heard, int64_t row) {
            const float* x = heard.pooled[sae].dense.view().row(row);
            double sum = probe.bias;
            for (size_t i = 0; i < probe.weights.size(); ++i)
              sum += probe.weights[i] * static_cast<double>(x[i]);
            return sum;
          }};
}

Silencer vad_silencer(const VadFindings& vad) {
  return {vad.detector, "rival", 0,
          [vad](std::span<const SoundWindow> windows, const Listened&, int64_t row) {
            return vad.silent(windows[static_cast<size_t>(row)].clip.id) ? 1.0 : 0.0;
          }};
}

std::vector<Heard> silenced(std::vector<Heard> heard, const std::vector<uint8_t>& silent) {
  OTO_ASSERT(heard.size() == silent.size());
  for (size_t i = 0; i < heard.size(); ++i)
    if (silent[i] != 0) heard[i].text.clear(), heard[i].normalised.clear();
  return heard;
}

std::vector<uint8_t> flags_at(const std::vector<uint8_t>& flags, std::span<const int64_t> places) {
  std::vector<uint8_t> some;
  for (const int64_t i : places) some.push_back(flags[static_cast<size_t>(i)]);
  return some;
}

nlohmann::ordered_json row_json(const std::string& name, const std::string& kind,
                                std::span<const SoundWindow> sounds,
                                std::span<const Heard> on_sounds,
                                std::span<const SoundWindow> speech,
                                std::span<const Heard> clean_speech,
                                std::span<const Heard> on_speech, double limit, uint64_t seed,
                                int replicates) {
  nlohmann::ordered_json row{{"name", name}, {"kind", kind}};
  row["sounds"] = rates_json(sounds, on_sounds, seed, replicates);
  row["speech"] = guard_json(guard_of(speech, clean_speech, on_speech, seed, replicates), limit);
  return row;
}

}  // namespace otoscope::steer
