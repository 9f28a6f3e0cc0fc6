#pragma once
/// The recipe: where a few features of the encoder say that nobody speaks, an edit makes the
/// decoder end at once.

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "otoscope/steer/condition.h"
#include "otoscope/steer/edited.h"
#include "otoscope/steer/hook.h"
#include "otoscope/steer/listen.h"

namespace otoscope::steer {

/// At the output of the last decoder block. v: mean state from which speech ended its text, less
/// the mean state from which sounds began theirs; unit: mean norm of the latter. Difference of
/// means, no gradient and no label but "speech" and "sound".
struct EndDirection {
  model::Site site;
  std::vector<float> v;
  double unit = 1, length = 0;  // ||v|| before it is brought to 1
};
/// The output of the last decoder block.
model::Site end_site(const model::Whisper& model);
EndDirection find_end(const model::Whisper& model, const model::Tokenizer& tokenizer,
                      std::span<const SoundWindow> sounds, std::span<const SoundWindow> speech,
                      const HearOptions& hear);

/// An edit that may stand behind the condition.
struct QuietEdit {
  std::string name;
  model::Site site;
  std::vector<Operator> operators;
  const sae::Sae* sae = nullptr;  // of features
};
/// The push at every step that follows the first timestamp.
QuietEdit push(const EndDirection& end, double strength);

/// Edits tried on windows where the condition holds, and how many still had text. The first that
/// leaves none is taken (else the one that leaves the fewest): put the smallest first.
struct TriedEdits {
  std::vector<QuietEdit> edits;
  std::vector<int64_t> wrote;
  std::vector<double> dose;  // mean ||x' - x|| / mean ||x||
  int64_t windows = 0;
  size_t chosen = 0;
};
TriedEdits choose_edit(const model::Whisper& model, const model::Tokenizer& tokenizer,
                       std::span<const SoundWindow> sounds, std::vector<QuietEdit> edits,
                       const HearOptions& hear, Progress& progress);

/// `clean` with what is heard of the windows that `acts` names when condition and edit are really
/// run in the model; the others keep their bits (GatedHook), so they are not run again. identity
/// and cache: as hear_edit.
std::vector<Heard> hear_quiet(const model::Whisper& model, const model::Tokenizer& tokenizer,
                              std::span<const SoundWindow> windows, std::vector<Heard> clean,
                              const std::vector<uint8_t>& acts, const Condition& condition,
                              const sae::Sae& sae, const QuietEdit& edit,
                              const std::string& identity, const HearOptions& hear,
                              const std::filesystem::path& cache, std::string_view task,
                              Progress& progress);

/// The chosen edit along random directions, row by row of its own size: how many windows, of those
/// where the condition holds, still have text.
std::vector<int64_t> random_edits(const model::Whisper& model, const model::Tokenizer& tokenizer,
                                  std::span<const SoundWindow> sounds, const QuietEdit& edit,
                                  int count, uint64_t seed, const HearOptions& hear,
                                  Progress& progress);

}  // namespace otoscope::steer
