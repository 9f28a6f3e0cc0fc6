#pragma once
/// Dose and response (methods.md §5.3 to §5.5): one edit at many strengths, beside matched controls
/// and rivals. The clean encoder runs once a clip; every edit resumes at its site.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/core/progress.h"
#include "otoscope/core/statistics/estimate.h"
#include "otoscope/eval/clips.h"
#include "otoscope/steer/hook.h"
#include "otoscope/steer/target.h"

namespace otoscope::steer {

/// An edit whose strength is varied: a strength s multiplies that of every operator (scale: 1 +
/// s (m - 1)). At s = 0 nothing is edited.
struct Arm {
  enum class Role : uint8_t {
    tested,
    rival,
    random_feature,
    random_direction,
    random_principal  // directions where the rows vary most
  };
  std::string name;
  Role role = Role::tested;
  std::vector<Operator> operators;
  std::vector<float> redirect;  // SteerOptions::redirect
  std::vector<double> strengths;
  bool decode = false;
  std::string language;  // of free decoding; empty: as in DoseOptions
  /// Every how many-th clip: 1 is all of them.
  int every = 1;
  /// Its dose is made that of this arm at the same strength by a gain (one number a strength): rows
  /// are its own, the mean ||x' - x|| is not. -1: as it is.
  int match = -1;
  /// Controls: the arm whose operators, doses and language they have.
  int of = -1;
};

struct DoseOptions {
  int max_tokens = 64;  // of free decoding
  int batch = 8;        // clips at once
  audio::Padding padding = audio::Padding::waveform_zero;
  uint64_t seed = 0;
  int replicates = 2000;
  /// Of free decoding: "own" (each clip's), "detect" (the model's own guess, under the edit), or a
  /// code for all.
  std::string language = "own";
};

/// All chosen clips under one arm at one strength; clips that the arm leaves out have no tokens.
struct Response {
  double strength = 0, gain = 1;
  Dose dose;
  std::vector<Outcome> clips;
};

struct DoseRun {
  std::vector<Outcome> clean;
  std::vector<std::vector<Response>> arms;  // [arm][strength]
};

/// sae may be null where no operator names a feature.
DoseRun run_doses(const model::Whisper& model, const model::Tokenizer& tokenizer,
                  const eval::ClipChoice& choice, const model::Site& site, const sae::Sae* sae,
                  std::span<const Arm> arms, const Target& target, const DoseOptions& options,
                  Progress& progress = silent_progress());

/// The numbers of one response; differences are to the clean model on the same clips.
struct ResponseMeasures {
  Estimate target, target_difference, kl, ce_difference, no_speech, own_language;
  bool decoded = false;
  Estimate wer, wer_difference, cer, empty, empty_difference, looping, length;
};
ResponseMeasures measure(const DoseRun& run, const std::vector<Outcome>& outcomes, int every,
                         const eval::ClipChoice& choice, const Target& target,
                         const DoseOptions& options);

/// The stop rule: upper end of the rise of WER at most .005, of the share that falls empty at most
/// .005.
bool guard_holds(const ResponseMeasures& m);

/// An arm at one strength against the controls that have its dose and its language (Arm::match),
/// all on the clips that the controls saw. Other arms have no contest: a language token alone would
/// win.
struct Contest {
  size_t arm = 0;
  double strength = 0, effect = 0;
  struct Against {
    std::vector<double> effects;
    double p95 = 0;  // 95 % quantile of their |effects|
    double p = 1;    // (1 + how many |effects| reach |effect|) / (1 + n)
  };
  Against random_features, random_directions, random_principal;
};
std::vector<Contest> contests(const DoseRun& run, std::span<const Arm> arms,
                              const eval::ClipChoice& choice, const Target& target);

/// All of it, for steer.json.
nlohmann::ordered_json dose_json(const DoseRun& run, std::span<const Arm> arms,
                                 const eval::ClipChoice& choice, const Target& target,
                                 const DoseOptions& options);
/// Head and rows for a terminal.
std::vector<std::vector<std::string>> dose_table(const nlohmann::ordered_json& json);

}  // namespace otoscope::steer
