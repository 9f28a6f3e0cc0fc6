#pragma once
/// Everything that says of a window "nobody speaks here", on one footing: a score, and a threshold
/// chosen by one rule.

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "otoscope/steer/detect.h"
#include "otoscope/steer/suppress_vad.h"
#include "steer/suppress/gather.h"

namespace otoscope::steer {

struct Silencer {
  std::string name, kind;  // kind: "model", "recipe", "baseline", "control", "rival"
  double threshold = 0;    // silent where the score is over it
  /// Of window `row` of what was listened to.
  std::function<double(std::span<const SoundWindow>, const Listened&, int64_t row)> score;

  std::vector<uint8_t> silent(std::span<const SoundWindow> windows, const Listened& heard) const;
};

/// Over the largest score of the speech that recipes are chosen on by a tenth of the way to the
/// median sound: no speech of theirs is lost, and a little more is spared.
double threshold_between(std::span<const double> speech, std::span<const double> sounds);
/// The same, from the windows of some parts.
void set_threshold(Silencer& silencer, const Gathered& gathered,
                   std::initializer_list<Part> parts = {Part::train, Part::dev});
/// Of several detectors the one that, with its threshold from train, silences most sounds of dev
/// and costs least speech (a clip lost weighs as ten sounds missed); among those within .02 of it
/// the fewest features.
const FoundDetector& choose_condition(const std::vector<FoundDetector>& found,
                                      const Gathered& gathered);

/// Whisper's own filter, as it is: no-speech token over .6 and mean log-probability under -1.
Silencer default_filter();
/// The no-speech token alone.
Silencer no_speech_token();
Silencer feature_silencer(const FoundDetector& found, std::string name);
/// Logistic regression on the mean activation, fitted on train.
Silencer probe_silencer(size_t sae, const Logistic& probe, std::string name);
/// No speech found: the model is not run.
Silencer vad_silencer(const VadFindings& vad);

/// `heard` without the text of silent windows.
std::vector<Heard> silenced(std::vector<Heard> heard, const std::vector<uint8_t>& silent);
/// The flags at some places.
std::vector<uint8_t> flags_at(const std::vector<uint8_t>& flags, std::span<const int64_t> places);

/// A line of the table: text on test sounds, cost on speech.
nlohmann::ordered_json row_json(const std::string& name, const std::string& kind,
                                std::span<const SoundWindow> sounds,
                                std::span<const Heard> on_sounds,
                                std::span<const SoundWindow> speech,
                                std::span<const Heard> clean_speech,
                                std::span<const Heard> on_speech, double limit, uint64_t seed,
                                int replicates);

}  // namespace otoscope::steer
