#include <algorithm>
#include <cmath>

#include "model/transcribe/long_form.h"
#include "model/words/alignment.h"
#include "otoscope/audio/time.h"

namespace otoscope::model {
namespace {

double hundredths(double seconds) { return std::nearbyint(seconds * 100) / 100; }

/// The first words after a pause are held to twice the median duration.
void limit_first_words(std::vector<TranscribedWord>& words, double median, double last_speech) {
  const double longest = 2 * median;
  TranscribedWord& first = words[0];
  const bool paused = first.end - last_speech > 4 * median;
  const bool two_long = words.size() > 1 && words[1].end - first.start > 2 * longest;
  if (!paused || !(first.end - first.start > longest || two_long)) return;
  if (words.size() > 1 && words[1].end - words[1].start > longest) {
    const double boundary = std::max(words[1].end / 2, words[1].end - longest);
    first.end = words[1].start = boundary;
  }
  first.start = std::max(0.0, first.end - longest);
}

/// Segment and words meet: the segment takes the words' times, unless its first or last word is
/// half a second out.
void join_ends(Segment& segment, double median) {
  TranscribedWord &first = segment.words.front(), &last = segment.words.back();
  if (segment.start < first.end && segment.start - 0.5 > first.start)
    first.start = std::max(0.0, std::min(first.end - median, segment.start));
  else
    segment.start = first.start;
  if (segment.end > last.start && segment.end + 0.5 < last.end)
    last.end = std::max(last.start + median, segment.end);
  else
    segment.end = last.end;
}

}  // namespace

std::optional<double> end_of(const std::vector<Segment>& segments) {
  if (segments.empty()) return {};
  for (size_t i = segments.size(); i-- > 0;)
    if (!segments[i].words.empty()) return segments[i].words.back().end;
  return segments.back().end;
}

void add_words(const LongFormContext& context, View<const float> audio, const std::string& language,
               int64_t item, int64_t mel_frames, double last_speech,
               std::vector<Segment>& segments) {
  if (segments.empty()) return;
  const int64_t eot = context.tokenizer.special().eot;
  std::vector<int64_t> all;
  std::vector<size_t> counts;
  for (const Segment& segment : segments) {
    const size_t before = all.size();
    for (const int64_t token : segment.tokens)
      if (token < eot) all.push_back(token);
    counts.push_back(all.size() - before);
  }
  AlignOptions options;
  options.language = language;
  options.task = context.options.task;
  options.heads = context.heads;
  options.mel_frames = mel_frames;
  options.item = item;
  auto aligned = align_words(context.model, context.tokenizer, audio, all, options, context.hooks);
  const double median = limit_sentence_ends(aligned);
  merge_punctuation(aligned, context.options.prepend_punctuation,
                    context.options.append_punctuation);

  const double offset = audio::seconds_of_samples(segments[0].seek * audio::kHopSamples);
  size_t next = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    std::vector<TranscribedWord>& words = segments[i].words;
    for (size_t taken = 0; next < aligned.size() && taken < counts[i]; ++next) {
      const AlignedWord& word = aligned[next];
      if (!word.text.empty())
        words.push_back({word.text, hundredths(offset + word.start), hundredths(offset + word.end),
                         word.probability});
      taken += word.tokens.size();
    }
    if (words.empty()) continue;
    limit_first_words(words, median, last_speech);
    join_ends(segments[i], median);
    last_speech = segments[i].end;
  }
}

}  // namespace otoscope::model
