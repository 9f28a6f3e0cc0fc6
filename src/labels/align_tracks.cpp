#include <algorithm>
#include <map>

#include "labels/align_core.h"
#include "otoscope/audio/time.h"
#include "otoscope/labels/derive.h"
#include "otoscope/labels/plain_word.h"

namespace otoscope::labels {
namespace {

using audio::LabelKind;
using audio::Track;

/// A phone (index) or silence (-1) over a stretch of the clip.
struct PhoneStretch {
  int32_t phone = -1;
  double start = 0, end = 0;
};

std::string_view stress_name(Stress stress) {
  return stress == Stress::primary ? "primary" : stress == Stress::secondary ? "secondary" : "none";
}

std::vector<Track> tracks_of(const std::vector<PhoneStretch>& stretches, const Speech& speech,
                             std::string_view text, double duration_s) {
  std::map<LabelKind, Track> tracks;
  for (const LabelKind kind : {LabelKind::phone, LabelKind::word, LabelKind::stress,
                               LabelKind::syllable, LabelKind::silence}) {
    tracks[kind].kind = kind;
    tracks[kind].known_to = duration_s;
  }
  const auto add = [&](LabelKind kind, double start, double end, std::string value) {
    tracks[kind].labels.push_back({start, end, std::move(value)});
  };
  std::vector<std::string> place(speech.phones.size());
  for (size_t begin = 0; begin < speech.phones.size();) {
    size_t end = begin;
    std::vector<std::string> ipa;
    while (end < speech.phones.size() && speech.phones[end].word == speech.phones[begin].word)
      ipa.push_back(speech.phones[end++].ipa);
    if (speech.phones[begin].word >= 0) {
      const std::vector<std::string> places = syllable_places(ipa);
      std::copy(places.begin(), places.end(), place.begin() + static_cast<int64_t>(begin));
    }
    begin = end;
  }
  int32_t last_word = -1;
  for (const PhoneStretch& stretch : stretches) {
    if (stretch.phone < 0) {
      add(LabelKind::silence, stretch.start, stretch.end, "silence");
      continue;
    }
    const auto at = static_cast<size_t>(stretch.phone);
    const SpokenPhone& phone = speech.phones[at];
    add(LabelKind::phone, stretch.start, stretch.end, phone.ipa);
    if (!place[at].empty()) add(LabelKind::syllable, stretch.start, stretch.end, place[at]);
    if (place[at] == "nucleus")
      add(LabelKind::stress, stretch.start, stretch.end, std::string(stress_name(phone.stress)));
    if (phone.word < 0) continue;
    if (phone.word == last_word) {
      tracks[LabelKind::word].labels.back().end = stretch.end;
      continue;
    }
    const SpokenWord& word = speech.words[static_cast<size_t>(phone.word)];
    add(LabelKind::word, stretch.start, stretch.end,
        plain_word(text.substr(word.text_begin, word.text_end - word.text_begin)));
    last_word = phone.word;
  }
  std::vector<Track> out;
  out.reserve(tracks.size());
  for (auto& [kind, track] : tracks) out.push_back(std::move(track));
  return out;
}

}  // namespace

std::vector<Track> tracks_of(const SpeechPath& path, const Speech& speech, std::string_view text,
                             double duration_s) {
  std::vector<PhoneStretch> stretches;
  const auto frames = static_cast<int64_t>(path.phone.size());
  const auto edge = [&](int64_t frame) {  // between two frames; the clip's own ends
    if (frame == 0) return 0.0;
    if (frame == frames) return duration_s;
    const double seconds =
        (static_cast<double>(frame) - 0.5) * kAlignHop / static_cast<double>(audio::kSampleRate);
    return std::min(seconds, duration_s);
  };
  for (int64_t begin = 0; begin < frames;) {
    int64_t end = begin;
    const int32_t phone = path.phone[static_cast<size_t>(begin)];
    while (end < frames && path.phone[static_cast<size_t>(end)] == phone) ++end;
    stretches.push_back({phone, edge(begin), edge(end)});
    begin = end;
  }
  return tracks_of(stretches, speech, text, duration_s);
}

std::vector<Track> tracks_of(const Speech& speech, std::string_view text) {
  std::vector<PhoneStretch> stretches;
  for (size_t p = 0; p < speech.phones.size(); ++p) {
    const SpokenPhone& phone = speech.phones[p];
    stretches.push_back({phone.ipa.empty() ? -1 : static_cast<int32_t>(p),
                         audio::seconds_of_samples(phone.start),
                         audio::seconds_of_samples(phone.end)});
  }
  return tracks_of(stretches, speech, text,
                   audio::seconds_of_samples(static_cast<int64_t>(speech.pcm.size())));
}

}  // namespace otoscope::labels
