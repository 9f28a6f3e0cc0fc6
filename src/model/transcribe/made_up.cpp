#include <algorithm>
#include <cmath>

#include "model/transcribe/long_form.h"
#include "otoscope/audio/time.h"

namespace otoscope::model {
namespace {

constexpr std::string_view kMarks =
    "\"'\u201c\u00bf([{-\"'.\u3002,\uff0c!\uff01?\uff1f:\uff1a\u201d)]}\u3001";

/// Improbable, very short and very long words add up.
double oddness(const TranscribedWord& word) {
  const double duration = word.end - word.start;
  double score = word.probability < 0.15 ? 1 : 0;
  if (duration < 0.133) score += (0.133 - duration) * 15;
  if (duration > 2) score += duration - 2;
  return score;
}

bool looks_made_up(const Segment* segment) {
  if (segment == nullptr || segment->words.empty()) return false;
  double score = 0;
  int n = 0;
  for (const TranscribedWord& word : segment->words) {
    if (kMarks.find(word.text) != std::string_view::npos) continue;
    score += oddness(word);
    if (++n == 8) break;
  }
  return score >= 3 || score + 0.01 >= n;
}

const Segment* first_with_words(const std::vector<Segment>& segments, size_t from) {
  for (size_t i = from; i < segments.size(); ++i)
    if (!segments[i].words.empty()) return &segments[i];
  return nullptr;
}

}  // namespace

std::optional<int64_t> skip_made_up(const SilenceGuard& g, bool single_ending,
                                    std::vector<Segment>& segments, bool& again) {
  const auto frames = [](double seconds) { return std::lrint(seconds * 100); };
  const auto seconds = [](int64_t n) { return audio::seconds_of_samples(n * audio::kHopSamples); };
  const double offset = seconds(g.seek), window_end = seconds(g.seek + g.frames_per_window);
  std::optional<int64_t> seek;
  if (const auto end = end_of(segments); !single_ending && end && *end > offset)
    seek = window_end - *end > g.threshold ? frames(*end) : g.seek + g.size;

  // Silence before a window that begins with something made up is skipped, and the rest decoded
  // anew.
  if (const Segment* first = first_with_words(segments, 0); looks_made_up(first)) {
    const double gap = first->start - offset;
    if (gap > g.threshold) {
      again = true;
      return g.seek + frames(gap);
    }
  }

  double last_end = g.last_speech;
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment& s = segments[i];
    if (s.words.empty()) continue;
    if (looks_made_up(&s)) {
      const Segment* next = first_with_words(segments, i + 1);
      const double next_start = next != nullptr ? next->words[0].start : offset + seconds(g.size);
      const bool silent_before =
          s.start - last_end > g.threshold || s.start < g.threshold || s.start - offset < 2;
      const bool silent_after =
          next_start - s.end > g.threshold || looks_made_up(next) || window_end - s.end < 2;
      if (silent_before && silent_after) {
        seek = seconds(g.content_frames) - s.end < g.threshold
                   ? g.content_frames
                   : frames(std::max(offset + 1, s.start));
        segments.resize(i);
        break;
      }
    }
    last_end = s.end;
  }
  return seek;
}

}  // namespace otoscope::model
