#include "labels/known.h"

#include <algorithm>

namespace otoscope::labels {

using audio::Label;
using audio::Track;

std::vector<Track> known_outside(const Track& track, const std::vector<Stretch>& unknown) {
  std::vector<Track> parts;
  double from = track.known_from;
  const auto add = [&](double to) {
    if (!(to > from)) return;
    Track part = track;
    part.known_from = from;
    part.known_to = to;
    part.labels.clear();
    for (const Label& label : track.labels) {
      const double start = std::max(label.start, from), end = std::min(label.end, to);
      if (end > start) part.labels.push_back({start, end, label.value});
    }
    parts.push_back(std::move(part));
  };
  for (const Stretch& stretch : unknown) {
    add(std::min(stretch.from, track.known_to));
    from = std::max(from, stretch.to);
  }
  add(track.known_to);
  return parts;
}

std::vector<Track> known_where_labelled(const Track& track) {
  std::vector<Stretch> gaps;
  double reached = track.known_from;
  for (const Label& label : track.labels) {
    if (label.start > reached + 1e-9) gaps.push_back({reached, label.start});
    reached = std::max(reached, label.end);
  }
  if (reached < track.known_to) gaps.push_back({reached, track.known_to});
  return known_outside(track, gaps);
}

}  // namespace otoscope::labels
