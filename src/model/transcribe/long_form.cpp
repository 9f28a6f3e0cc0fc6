#include "model/transcribe/long_form.h"

#include <algorithm>
#include <cmath>

#include "model/text/unicode.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/model/languages.h"

namespace otoscope::model {
namespace {

constexpr double kFramesPerSecond = 100;
double seconds_of_mel(int64_t frames) {
  return audio::seconds_of_samples(frames * audio::kHopSamples);
}

std::vector<std::pair<int64_t, int64_t>> clips_of(const std::vector<float>& timestamps,
                                                  int64_t content_frames) {
  std::vector<int64_t> points;
  for (const float seconds : timestamps) {
    if (!(seconds >= 0))
      throw UserError("--clip-timestamps", "expected seconds of at least 0", "start,end,start,end");
    points.push_back(std::lrint(static_cast<double>(seconds) * kFramesPerSecond));
  }
  if (points.empty()) points.push_back(0);
  if (points.size() % 2 == 1) points.push_back(content_frames);
  std::vector<std::pair<int64_t, int64_t>> clips;
  for (size_t i = 0; i < points.size(); i += 2)
    clips.emplace_back(points[i], std::min(points[i + 1], content_frames));
  return clips;
}

}  // namespace

LongForm::LongForm(const LongFormContext& context, audio::Recording recording, int64_t item,
                   std::string path)
    : context_(context), recording_(std::move(recording)), item_(item) {
  transcript_.path = std::move(path);
  transcript_.seconds = recording_.seconds();
  if (!context.options.language.empty())
    transcript_.language = language_code(context.options.language);
  if (!context.tokenizer.special().multilingual) transcript_.language = "en";
  clips_ = clips_of(context.options.clip_timestamps, recording_.content_frames());
  seek_ = clips_[0].first;
  if (const std::string prompt = text::strip(context.options.initial_prompt); !prompt.empty())
    tokens_ = context.tokenizer.encode(" " + prompt);
  initial_prompt_ = tokens_.size();
}

double LongForm::seconds_done() const {
  return seconds_of_mel(std::min(seek_, recording_.content_frames()));
}

bool LongForm::next() {
  while (clip_ < clips_.size()) {
    seek_ = std::max(seek_, clips_[clip_].first);
    if (seek_ < clips_[clip_].second) {
      size_ = std::min<int64_t>(context_.model.dims().n_mel_frames(), clips_[clip_].second - seek_);
      return true;
    }
    if (++clip_ < clips_.size()) seek_ = clips_[clip_].first;
  }
  return false;
}

Tensor<float> LongForm::mel() {
  const int64_t frames = context_.model.dims().n_mel_frames();
  if (context_.options.pad == "waveform_zero") return recording_.log_mel(seek_, frames);
  return recording_.log_mel_segment(seek_, size_, frames);
}

std::vector<int64_t> LongForm::prompt() const {
  if (!context_.options.carry_initial_prompt)
    return {tokens_.begin() + static_cast<ptrdiff_t>(prompt_from_), tokens_.end()};
  const size_t room = static_cast<size_t>(context_.model.dims().n_text_ctx) / 2 - 1;
  const size_t rest = room > initial_prompt_ ? room - initial_prompt_ : 0;
  const size_t from =
      std::max({initial_prompt_, prompt_from_, tokens_.size() - std::min(rest, tokens_.size())});
  std::vector<int64_t> prompt(tokens_.begin(),
                              tokens_.begin() + static_cast<ptrdiff_t>(initial_prompt_));
  prompt.insert(prompt.end(),
                tokens_.begin() + static_cast<ptrdiff_t>(std::min(from, tokens_.size())),
                tokens_.end());
  return prompt;
}

bool LongForm::is_silence(const DecodeResult& result) const {
  return result.no_speech_prob > context_.options.no_speech_threshold &&
         !(result.avg_logprob > context_.options.logprob_threshold);
}

Segment LongForm::segment(const DecodeResult& result, std::span<const int64_t> tokens, double start,
                          double end) const {
  Segment s;
  s.seek = seek_;
  s.start = start;
  s.end = end;
  s.tokens.assign(tokens.begin(), tokens.end());
  std::vector<int64_t> text_tokens;
  for (const int64_t token : tokens)
    if (token < context_.tokenizer.special().eot) text_tokens.push_back(token);
  s.text = context_.tokenizer.decode(text_tokens);
  s.temperature = result.temperature;
  s.avg_logprob = result.avg_logprob;
  s.compression_ratio = result.compression_ratio;
  s.no_speech_prob = result.no_speech_prob;
  return s;
}

/// Two timestamps in a row end one segment and start the next. A last single one says that nothing
/// follows; without it the text after the last pair is decoded again, from there. Moves seek_.
std::vector<Segment> LongForm::cut(const DecodeResult& result) {
  const std::span<const int64_t> tokens = result.tokens;
  const int64_t begin = context_.tokenizer.special().timestamp_begin;
  const auto is_time = [&](size_t i) { return tokens[i] >= begin; };
  const auto seconds = [&](int64_t token) {
    return audio::seconds_of(audio::Frame{token - begin});
  };
  const double offset = seconds_of_mel(seek_);
  const size_t n = tokens.size();
  const bool single_ending = n >= 2 && is_time(n - 1) && !is_time(n - 2);

  std::vector<size_t> ends;
  for (size_t i = 1; i < n; ++i)
    if (is_time(i - 1) && is_time(i)) ends.push_back(i);
  std::vector<Segment> segments;
  if (!ends.empty()) {
    if (single_ending) ends.push_back(n);
    size_t last = 0;
    for (const size_t end : ends) {
      const auto part = tokens.subspan(last, end - last);
      segments.push_back(
          segment(result, part, offset + seconds(part.front()), offset + seconds(part.back())));
      last = end;
    }
    seek_ += single_ending ? size_ : 2 * (tokens[last - 1] - begin);
    return segments;
  }
  double duration = seconds_of_mel(size_);
  for (size_t i = n; i-- > 0;) {
    if (!is_time(i)) continue;
    if (tokens[i] != begin) duration = seconds(tokens[i]);
    break;
  }
  segments.push_back(segment(result, tokens, offset, offset + duration));
  seek_ += size_;
  return segments;
}

void LongForm::time_words(std::vector<Segment>& segments, View<const float> audio,
                          bool single_ending, bool& skipped) {
  const int64_t window = segments.empty() ? seek_ : segments[0].seek;
  add_words(context_, audio, transcript_.language, item_, size_, last_speech_, segments);
  const auto end = end_of(segments);
  if (!single_ending && end && *end > seconds_of_mel(window))
    seek_ = std::lrint(*end * kFramesPerSecond);
  if (context_.options.hallucination_silence > 0) {
    const SilenceGuard guard{context_.options.hallucination_silence,
                             window,
                             size_,
                             context_.model.dims().n_mel_frames(),
                             recording_.content_frames(),
                             last_speech_};
    if (const auto seek = skip_made_up(guard, single_ending, segments, skipped)) seek_ = *seek;
    if (skipped) return;
  }
  if (const auto last = end_of(segments)) last_speech_ = *last;
}

void LongForm::take(const DecodeResult& result, View<const float> audio) {
  if (is_silence(result)) {
    seek_ += size_;
    return;
  }
  const int64_t window = seek_;
  std::vector<Segment> segments = cut(result);
  if (context_.options.word_timestamps) {
    const auto& tokens = result.tokens;
    const int64_t begin = context_.tokenizer.special().timestamp_begin;
    const size_t n = tokens.size();
    const bool single_ending = n >= 2 && tokens[n - 1] >= begin && tokens[n - 2] < begin;
    bool skipped = false;
    time_words(segments, audio, single_ending, skipped);
    if (skipped) return;
  }
  // openai-whisper would decode the same window for ever if it ended where it began.
  if (seek_ <= window) seek_ = window + size_;
  for (Segment& s : segments) {
    if (s.start == s.end || text::strip(s.text).empty()) {
      s.text.clear();
      s.tokens.clear();
      s.words.clear();
    }
    tokens_.insert(tokens_.end(), s.tokens.begin(), s.tokens.end());
    transcript_.segments.push_back(std::move(s));
  }
  if (!context_.options.condition_on_previous_text || result.temperature > 0.5)
    prompt_from_ = tokens_.size();
}

Transcript LongForm::finish() {
  transcript_.text = context_.tokenizer.decode(std::span(tokens_).subspan(initial_prompt_));
  return std::move(transcript_);
}

}  // namespace otoscope::model
