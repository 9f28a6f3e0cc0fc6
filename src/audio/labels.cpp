#include "otoscope/audio/labels.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"

namespace otoscope::audio {
namespace {

constexpr std::string_view kNames[kLabelKinds] = {
    "phone",       "phone_class", "word",     "part_of_speech", "morpheme", "meaning",
    "syllable",    "stress",      "language", "speaker",        "gender",   "sound",
    "noise_level", "pitch",       "loudness", "position",       "silence"};

}  // namespace

std::string_view label_kind_name(LabelKind kind) { return kNames[static_cast<size_t>(kind)]; }

LabelKind label_kind_named(std::string_view where, std::string_view name) {
  const auto* const found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames)) {
    const std::vector<std::string> known(std::begin(kNames), std::end(kNames));
    throw UserError(std::string(where), fmt::format("expected a kind of label, got \"{}\"", name),
                    "nearest: " + join(nearest_names(name, known, 3), ", "));
  }
  return static_cast<LabelKind>(found - std::begin(kNames));
}

bool many_at_once(LabelKind kind) {
  return kind == LabelKind::phone_class || kind == LabelKind::part_of_speech ||
         kind == LabelKind::morpheme || kind == LabelKind::meaning;
}

const Track* ClipLabels::find(LabelKind kind) const {
  const auto found = std::find_if(tracks.begin(), tracks.end(),
                                  [&](const Track& track) { return track.kind == kind; });
  return found == tracks.end() ? nullptr : &*found;
}

void check_labels(std::string_view where, ClipLabels& clip) {
  const auto refuse = [&](const Track& track, const Label& label, const std::string& what) {
    throw UserError(std::string(where),
                    fmt::format("{} \"{}\" from {:.3f} to {:.3f} s {}", label_kind_name(track.kind),
                                label.value, label.start, label.end, what),
                    "mend the label file");
  };
  for (Track& track : clip.tracks) {
    if (!(track.quality >= 0 && track.quality <= 1))
      throw UserError(std::string(where),
                      fmt::format("expected a quality from 0 to 1 for {}, got {}",
                                  label_kind_name(track.kind), track.quality));
    // Negated, so that NaN is refused too.
    if (!(track.known_from >= 0 && track.known_to >= track.known_from))
      throw UserError(
          std::string(where),
          fmt::format("expected {} to be known from a time to a later one, got {} to {}",
                      label_kind_name(track.kind), track.known_from, track.known_to));
    double start_before = 0, end_before = 0;
    for (Label& label : track.labels) {
      if (!std::isfinite(label.start) || !std::isfinite(label.end) || label.start < 0)
        refuse(track, label, "is not inside the clip");
      if (label.end < label.start) refuse(track, label, "ends before it starts");
      if (label.end > clip.duration_s + kFrameSeconds)
        refuse(track, label, fmt::format("ends past the clip ({:.3f} s)", clip.duration_s));
      if (label.start < start_before)
        refuse(track, label,
               fmt::format("starts before the one before it ({:.3f} s)", start_before));
      // Times are printed to milliseconds, so neighbours may cross by the rounding.
      if (!many_at_once(track.kind) && label.start < end_before - 1.5e-3)
        refuse(track, label,
               fmt::format("overlaps the one before it, which ends at {:.3f} s", end_before));
      start_before = label.start;
      end_before = std::max(end_before, label.end);
      label.end = std::min(label.end, clip.duration_s);
      label.start = std::min(label.start, label.end);
    }
    track.known_to = std::min(track.known_to, clip.duration_s);
    track.known_from = std::min(track.known_from, track.known_to);
  }
}

}  // namespace otoscope::audio
