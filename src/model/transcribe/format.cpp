#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "model/text/unicode.h"
#include "otoscope/io/json.h"
#include "otoscope/model/transcript_format.h"

namespace otoscope::model {
namespace {

/// Text of a subtitle: "-->" would end its time line.
std::string subtitle_text(const Segment& segment) {
  std::string text = text::strip(segment.text);
  for (size_t at = text.find("-->"); at != std::string::npos; at = text.find("-->", at))
    text.replace(at, 3, "->");
  return text;
}

template <class Write>
std::string subtitles(const Transcript& transcript, bool hours, char mark, Write&& write) {
  std::string out;
  int number = 0;
  for (const Segment& s : transcript.segments) {
    const std::string text = subtitle_text(s);
    if (text.empty()) continue;
    const double start = s.words.empty() ? s.start : s.words.front().start;
    const double end = s.words.empty() ? s.end : s.words.back().end;
    out += write(++number, timestamp(start, hours, mark) + " --> " + timestamp(end, hours, mark),
                 text);
  }
  return out;
}

}  // namespace

std::string timestamp(double seconds, bool hours, char mark) {
  int64_t ms = std::lrint(std::max(seconds, 0.0) * 1000);
  const int64_t h = ms / 3600000, m = ms / 60000 % 60, s = ms / 1000 % 60;
  ms %= 1000;
  const std::string head = hours || h > 0 ? fmt::format("{:02d}:", h) : std::string();
  return head + fmt::format("{:02d}:{:02d}{}{:03d}", m, s, mark, ms);
}

std::string as_text(const Transcript& transcript) {
  std::string out;
  for (const Segment& s : transcript.segments)
    if (const std::string text = text::strip(s.text); !text.empty()) out += text + "\n";
  return out;
}

std::string as_srt(const Transcript& transcript) {
  return subtitles(transcript, true, ',',
                   [](int n, const std::string& times, const std::string& text) {
                     return fmt::format("{}\n{}\n{}\n\n", n, times, text);
                   });
}

std::string as_vtt(const Transcript& transcript) {
  return "WEBVTT\n\n" + subtitles(transcript, false, '.',
                                  [](int, const std::string& times, const std::string& text) {
                                    return fmt::format("{}\n{}\n\n", times, text);
                                  });
}

nlohmann::ordered_json as_json(const Transcript& t, bool with_words) {
  using io::OrderedJson;
  const auto milli = [](double seconds) { return std::round(seconds * 1000) / 1000; };
  OrderedJson segments = OrderedJson::array(), words = OrderedJson::array();
  for (size_t i = 0; i < t.segments.size(); ++i) {
    const Segment& s = t.segments[i];
    segments.push_back(OrderedJson{{"start", milli(s.start)},
                                   {"end", milli(s.end)},
                                   {"text", s.text},
                                   {"tokens", s.tokens},
                                   {"avg_logprob", s.avg_logprob},
                                   {"no_speech_prob", s.no_speech_prob},
                                   {"compression_ratio", s.compression_ratio},
                                   {"temperature", s.temperature},
                                   {"seek", s.seek}});
    for (const TranscribedWord& word : s.words)
      words.push_back(OrderedJson{{"word", word.text},
                                  {"start", milli(word.start)},
                                  {"end", milli(word.end)},
                                  {"probability", word.probability},
                                  {"segment", i}});
  }
  OrderedJson json{{"path", t.path},
                   {"language", t.language},
                   {"text", t.text},
                   {"duration", milli(t.seconds)},
                   {"segments", segments}};
  if (with_words) json["words"] = words;
  return json;
}

}  // namespace otoscope::model
