#include "otoscope/labels/derive.h"

#include <algorithm>

#include "otoscope/labels/phonology.h"

namespace otoscope::labels {
namespace {

using audio::Label;
using audio::LabelKind;
using audio::Track;

constexpr double kSameTime_s = 5e-3;

struct Sonority {
  bool nucleus = false;
  int level = 0;
  bool s = false;  // sibilant fricatives stand before plosives in onsets ("st", "sp")
};

Sonority sonority_of(const std::string& ipa) {
  const Phone phone = phone_of(ipa);
  if (phone.sounds.empty()) return {};
  const Sound& sound = *phone.sounds.front();
  if (sound.vowel || phone.syllabic) return {true, 6, false};
  if (sound.other == "glide") return {false, 5, false};
  if (sound.manner == "approximant" || sound.manner == "trill" || sound.manner == "tap")
    return {false, 4, false};
  if (sound.manner == "nasal") return {false, 3, false};
  if (sound.manner == "fricative") return {false, 2, sound.other == "sibilant"};
  return {false, 1, false};
}

/// Where the onset before the nucleus `end` begins, at `begin` at the earliest.
size_t onset_of(const std::vector<Sonority>& phones, size_t begin, size_t end) {
  size_t first = end;
  while (first > begin) {
    const Sonority &here = phones[first - 1], &next = phones[first];
    const bool rises = here.level < next.level, s_plosive = here.s && next.level == 1;
    if (!rises && !s_plosive) break;
    --first;
  }
  return first;
}

}  // namespace

Track phone_class_track(const Track& phones, int64_t* unknown) {
  Track track = phones;
  track.kind = LabelKind::phone_class;
  track.labels.clear();
  for (const Label& phone : phones.labels) {
    const auto classes = phone_classes(phone.value);
    if (classes.empty() && unknown != nullptr) ++*unknown;
    for (const std::string& name : classes) track.labels.push_back({phone.start, phone.end, name});
  }
  return track;
}

std::vector<std::string> syllable_places(std::span<const std::string> ipa) {
  std::vector<Sonority> sonority;
  for (const std::string& phone : ipa) sonority.push_back(sonority_of(phone));
  std::vector<std::string> place(ipa.size());
  size_t after_nucleus = 0;  // first phone that no syllable has yet
  bool any = false;
  for (size_t i = 0; i < ipa.size(); ++i) {
    if (!sonority[i].nucleus) continue;
    // What stands before the first nucleus is its onset, rising or not ("pneu", "vzglyad").
    const size_t onset = any ? onset_of(sonority, after_nucleus, i) : 0;
    for (size_t k = after_nucleus; k < onset; ++k) place[k] = "coda";
    for (size_t k = onset; k < i; ++k) place[k] = "onset";
    place[i] = "nucleus";
    after_nucleus = i + 1;
    any = true;
  }
  for (size_t k = after_nucleus; any && k < ipa.size(); ++k) place[k] = "coda";
  return place;
}

Track syllable_track(const Track& phones, const Track* words) {
  Track track = phones;
  track.kind = LabelKind::syllable;
  track.labels.clear();
  const auto word_edge = [&](double time) {
    if (words == nullptr) return false;
    return std::any_of(words->labels.begin(), words->labels.end(), [&](const Label& word) {
      return std::abs(word.start - time) < kSameTime_s || std::abs(word.end - time) < kSameTime_s;
    });
  };
  const auto& labels = phones.labels;
  for (size_t begin = 0; begin < labels.size();) {
    size_t end = begin + 1;
    while (end < labels.size() && labels[end].start - labels[end - 1].end < kSameTime_s &&
           !word_edge(labels[end].start))
      ++end;
    std::vector<std::string> ipa;
    for (size_t i = begin; i < end; ++i) ipa.push_back(labels[i].value);
    const auto places = syllable_places(ipa);
    for (size_t i = begin; i < end; ++i)
      if (!places[i - begin].empty())
        track.labels.push_back({labels[i].start, labels[i].end, places[i - begin]});
    begin = end;
  }
  return track;
}

}  // namespace otoscope::labels
