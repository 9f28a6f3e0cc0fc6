#include "features/naming/moments.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "otoscope/audio/time.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/text.h"

namespace otoscope::features {
namespace {

using enum audio::LabelKind;

/// What is said of a moment: not the speaker or the sentence's meaning, which give the clip away.
constexpr audio::LabelKind kTold[] = {silence, phone,          phone_class, syllable,
                                      stress,  part_of_speech, morpheme,    sound,
                                      pitch,   loudness,       position,    language};
constexpr size_t kLongestText = 300;  // bytes of a clip's text

bool holds(const audio::Label& label, double time) {
  return label.start <= time && time < label.end;
}

std::string words_around(const audio::ClipLabels* clip, const store::Item& item, double time) {
  const audio::Track* words = clip != nullptr ? clip->find(word) : nullptr;
  std::string text;
  if (words != nullptr)
    for (const audio::Label& label : words->labels) {
      if (text.size() > kLongestText && label.start > time) break;
      text += text.empty() ? "" : " ";
      text += holds(label, time) ? "«" + label.value + "»" : label.value;
    }
  if (text.empty()) text = trimmed(item.text);
  return text.empty() ? "(no text)" : text;
}

Rng lot(uint64_t seed, int64_t feature, const char* what) {
  return Rng(seed, std::string("names by a model: ") + what + " " + std::to_string(feature));
}

/// Firings of a feature in a random order.
std::vector<Firing> shuffled(const Coded& coded, int64_t feature, Rng& rng) {
  const auto rows = coded.postings.rows(feature);
  const auto values = coded.postings.values(feature);
  std::vector<Firing> firings;
  for (const int64_t i : rng.permutation(static_cast<int64_t>(rows.size()))) {
    const auto at = static_cast<size_t>(i);
    firings.push_back({coded.chosen.rows[static_cast<size_t>(rows[at])], values[at]});
  }
  return firings;
}

}  // namespace

MomentText::MomentText(const store::Store& store, std::span<const audio::ClipLabels> labels)
    : store_(store) {
  for (const audio::ClipLabels& clip : labels) clips_.emplace(clip.id, &clip);
}

std::string MomentText::of(int64_t row) const {
  const store::RowOrigin origin = store_.origin(row);
  const store::Item& item = store_.items()[static_cast<size_t>(origin.item)];
  const double time = audio::seconds_of({origin.frame});
  const auto found = clips_.find(item.id);
  const audio::ClipLabels* clip = found == clips_.end() ? nullptr : found->second;
  std::string text = words_around(clip, item, time) +
                     fmt::format(" | {:.2f} s of {:.2f} s", time, item.duration_s);
  std::string told;
  if (clip != nullptr)
    for (const audio::LabelKind kind : kTold)
      for (const audio::Track& track : clip->tracks) {
        if (track.kind != kind) continue;
        for (const audio::Label& label : track.labels)
          if (holds(label, time))
            told += fmt::format("{}{} {}", told.empty() ? "" : ", ", audio::label_kind_name(kind),
                                label.value);
      }
  if (told.empty() && !item.language.empty()) told = "language " + item.language;
  return told.empty() ? text : text + " | " + told;
}

Shown show(const store::Store& store, const Coded& learning, int64_t feature, int count,
           uint64_t seed) {
  Rng rng = lot(seed, feature, "shown");
  const std::vector<Firing> by_lot = shuffled(learning, feature, rng);
  std::vector<Firing> strongest = by_lot;
  std::stable_sort(strongest.begin(), strongest.end(),
                   [](const Firing& a, const Firing& b) { return a.value > b.value; });
  Shown shown;
  std::set<int32_t> items;
  const auto take = [&](const std::vector<Firing>& from, size_t until) {
    for (const Firing& firing : from) {
      if (shown.moments.size() >= until) break;
      if (items.insert(store.origin(firing.row).item).second) shown.moments.push_back(firing);
    }
  };
  take(strongest, static_cast<size_t>(count / 2));
  take(by_lot, static_cast<size_t>(count));
  if (shown.moments.size() < 3) return {};
  for (Firing& firing : shown.moments) firing.value /= strongest.front().value;
  return shown;
}

Question ask(const store::Store& store, const Coded& test, int64_t feature, int half,
             uint64_t seed) {
  Rng rng = lot(seed, feature, "asked");
  std::vector<int64_t> rows;
  std::set<int32_t> items;
  for (const Firing& firing : shuffled(test, feature, rng))
    if (static_cast<int>(rows.size()) < half && items.insert(store.origin(firing.row).item).second)
      rows.push_back(firing.row);
  if (static_cast<int>(rows.size()) < half) return {};
  const auto fired = test.postings.rows(feature);  // places among the chosen rows
  std::set<int64_t> others;
  for (int tries = 0; tries < 1000 && static_cast<int>(others.size()) < half; ++tries) {
    const auto place = static_cast<int64_t>(rng.below(static_cast<uint64_t>(test.chosen.size())));
    const auto near = std::lower_bound(fired.begin(), fired.end(), place - 2);
    if (near == fired.end() || *near > place + 2) others.insert(place);
  }
  if (static_cast<int>(others.size()) < half) return {};
  for (const int64_t place : others) rows.push_back(test.chosen.rows[static_cast<size_t>(place)]);
  Question question;
  for (const int64_t i : rng.permutation(static_cast<int64_t>(rows.size()))) {
    question.rows.push_back(rows[static_cast<size_t>(i)]);
    question.fires.push_back(i < half ? 1 : 0);
  }
  return question;
}

}  // namespace otoscope::features
