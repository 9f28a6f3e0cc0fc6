#pragma once
/// Edits that are always on: features of the encoder that hold the text up or down, scaled at every
/// frame, chosen by attribution; and what random ones of the same size do.

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "otoscope/steer/attribution.h"
#include "otoscope/steer/edited.h"
#include "otoscope/steer/hook.h"

namespace otoscope::steer {

/// k features, each scaled by 1 + gain where that raises the wish to end, by 1 - gain where it
/// lowers it: to first order the margin moves by gain times the sum of |attribution|.
struct AlwaysOn {
  size_t sae = 0;
  std::vector<int32_t> up, down;
  double gain = 0;
  std::string name(std::span<const SiteSae> saes) const;
  std::vector<Operator> operators() const;
};

/// Features that move sounds most and speech least: by |on sounds| - 2 |on speech|.
std::vector<int32_t> movers(const Attribution& attribution, size_t k);
/// The edit that scales these.
AlwaysOn moving(const Attribution& attribution, size_t sae, size_t k, double gain);

/// What an edit does to a few windows whose decoding stops early: enough to see whether there is
/// text, and whether speech begins as before.
struct Tried {
  AlwaysOn edit;
  int64_t sounds = 0, speech = 0;    // windows
  int64_t wrote = 0;                 // sounds with text
  int64_t changed = 0, emptied = 0;  // clips of speech
  double dose = 0;                   // mean ||x' - x|| / mean ||x|| on sounds
};

struct AlwaysSearch {
  std::vector<Tried> coarse;  // sites, numbers of features, gains, on few windows
  std::vector<Tried> fine;    // gains around the most promising, on more
  int64_t wrote_clean = 0, wrote_clean_fine = 0;
  /// Of `fine`: no clip of speech emptied, at most a twentieth of them changed, and then the least
  /// text; none where all of these leave more than nine tenths of it.
  std::optional<size_t> best;
  /// At the dose of the fine one with the least text, on the coarse windows: features of like
  /// level, and random directions row by row of its size.
  std::optional<size_t> strongest;
  std::vector<Tried> random_features, random_directions;
};

struct AlwaysOptions {
  std::vector<int> sizes{1, 4};
  std::vector<double> gains{.5, 1, 2};
  std::vector<double> around{.6, .7, .8, .9, 1, 1.2};  // times the promising gain
  int controls = 20;
  uint64_t seed = 0;
  HearOptions hear;
  std::filesystem::path cache;
  std::string identity;  // of model, SAEs and attributions
};

/// Windows of train for the coarse search, of train and dev for the fine one.
struct SearchWindows {
  std::vector<SoundWindow> sounds, speech, fine_sounds, fine_speech;
};
AlwaysSearch search_always(const model::Whisper& model, const model::Tokenizer& tokenizer,
                           const SearchWindows& windows, std::span<const SiteSae> saes,
                           std::span<const Attribution> attributions, const Listened& pooled,
                           const AlwaysOptions& options, Progress& progress);

nlohmann::ordered_json to_json(const AlwaysSearch& search, std::span<const SiteSae> saes);

}  // namespace otoscope::steer
