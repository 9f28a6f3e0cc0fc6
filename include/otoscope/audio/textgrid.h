#pragma once
/// Praat's TextGrid (formats.md §6.1): text in the long or the short form, UTF-8 or UTF-16 with a
/// byte order mark. Binary TextGrids are refused.

#include <string>
#include <string_view>
#include <vector>

#include "otoscope/audio/labels.h"

namespace otoscope::audio {

struct Tier {
  std::string name;
  double start = 0, end = 0;
  bool points = false;         // a TextTier: times with marks, start = end
  std::vector<Label> entries;  // intervals tile the tier; an empty value = unlabelled
};

struct TextGrid {
  double start = 0, end = 0;
  std::vector<Tier> tiers;
};

enum class TextGridForm : uint8_t { longer, shorter };

/// Broken, binary, not UTF-8 or UTF-16, intervals that do not tile, more than 1,000 tiers:
/// UserError "[where] …" with the place.
TextGrid parse_textgrid(std::string_view bytes, std::string_view where);
/// UTF-8, as Praat reads it.
std::string textgrid_text(const TextGrid& grid, TextGridForm form = TextGridForm::longer);

/// Interval tiers whose name says their kind become tracks, others are named in `passed_over`:
/// "phones", "words", "speaker - words" (Montreal Forced Aligner's), or a kind's own name, with or
/// without a number ("phone_class 2": another layer of the same track). Unchecked: check_labels.
ClipLabels labels_of(const TextGrid& grid, std::string id,
                     std::vector<std::string>* passed_over = nullptr);
/// A tier per track, several where labels hold at once ("phone_class", "phone_class 2"). Source,
/// quality and where a track is not known have no place in a TextGrid.
TextGrid textgrid_of(const ClipLabels& clip);

}  // namespace otoscope::audio
