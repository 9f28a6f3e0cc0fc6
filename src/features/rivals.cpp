#include "features/rivals.h"

#include <algorithm>
#include <limits>

#include "features/sound_alike.h"
#include "otoscope/core/threads.h"

namespace otoscope::features {

using enum audio::LabelKind;

Category category_of(audio::LabelKind kind) {
  switch (kind) {
    case phone:
    case phone_class:
    case syllable:
    case stress:
      return Category::phonetic;
    case word:
      return Category::lexical;
    case part_of_speech:
      return Category::syntactic;
    case morpheme:
      return Category::morphological;
    case meaning:
      return Category::semantic;
    case audio::LabelKind::position:
      return Category::positional;
    case sound:
    case noise_level:
    case silence:
      return Category::noise;
    case audio::LabelKind::language:
      return Category::language;
    case audio::LabelKind::speaker:
    case gender:
      return Category::speaker;
    default:
      return Category::unnamed;
  }
}

std::span<const audio::LabelKind> rivals_of(audio::LabelKind kind) {
  static constexpr std::array kOfSound = {word, loudness, pitch, silence};
  static constexpr std::array kOfWord = {phone, part_of_speech};
  static constexpr std::array kOfGrammar = {phone, silence};
  static constexpr std::array kOfMeaning = {phone};
  static constexpr std::array kOfPosition = {silence, phone};
  static constexpr std::array kOfNoise = {loudness};
  static constexpr std::array kOfLanguage = {phone};
  static constexpr std::array kOfSpeaker = {phone, language};
  switch (category_of(kind)) {
    case Category::phonetic:
      return kOfSound;
    case Category::lexical:
      return kOfWord;
    case Category::syntactic:
    case Category::morphological:
      return kOfGrammar;
    case Category::semantic:
      return kOfMeaning;
    case Category::positional:
      return kOfPosition;
    case Category::noise:  // silence is itself a level: nothing quiet that is not silent is left
      return kind == silence ? std::span<const audio::LabelKind>() : kOfNoise;
    case Category::language:
      return kOfLanguage;
    case Category::speaker:
      return kOfSpeaker;
    default:
      return {};
  }
}

Strata::Strata(const LabelledRows& rows) : rows_(rows) {
  for (int k = 0; k < audio::kLabelKinds; ++k) {
    const auto kind = static_cast<audio::LabelKind>(k);
    if (!rows.present(kind)) continue;
    auto& stratum = stratum_[static_cast<size_t>(k)];
    stratum.assign(static_cast<size_t>(rows.rows()), -1);
    const auto [first_of, count] = rows.values_of(kind);
    const int32_t first = first_of, unknown = count + 1;
    parallel_ranges(rows.rows(), 1 << 14, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        if (rows.side(row) != Side::choose) continue;
        const int32_t value = rows.value_at(row, kind);
        // 0: known to have none. Where it is not known is a stratum too (no pitch without voice),
        // but clips of unknown speakers are not one speaker.
        if (value == -2)
          stratum[static_cast<size_t>(row)] = holds_whole_clips(kind) ? -1 : unknown;
        else
          stratum[static_cast<size_t>(row)] = value < 0 ? 0 : value - first + 1;
      }
    });
  }
}

const std::vector<int32_t>& Strata::strata_of(audio::LabelKind rival) const {
  return stratum_[static_cast<size_t>(rival)];
}

bool Strata::known_here(const std::vector<int32_t>& own, size_t row, audio::LabelKind kind) const {
  return own[row] >= 0 && own[row] <= rows_.values_of(kind).second;
}

const Strata::Margin& Strata::margin(audio::LabelKind kind, audio::LabelKind rival) const {
  const std::lock_guard lock(mutex_);
  const auto [place, fresh] = margins_.try_emplace({kind, rival});
  if (fresh) {
    const auto& stratum = strata_of(rival);
    const auto& own = strata_of(kind);
    place->second.rows.assign(static_cast<size_t>(rows_.values_of(rival).second) + 2, 0);
    for (size_t row = 0; row < stratum.size(); ++row)
      if (stratum[row] >= 0 && known_here(own, row, kind))
        ++place->second.rows[static_cast<size_t>(stratum[row])];
  }
  return place->second;
}

double Strata::odds(const Postings& postings, const Cell& cell, audio::LabelKind rival) const {
  const audio::LabelKind kind = rows_.kind(cell.value);
  const auto& stratum = strata_of(rival);
  const auto& own = strata_of(kind);
  const std::vector<int64_t>& total = margin(kind, rival).rows;
  struct Table {
    int64_t fired = 0, hits = 0, positive = 0;
  };
  std::map<int32_t, Table> tables;  // strata in which the unit fires: the others add nothing
  const auto rows = postings.rows(cell.unit);
  const auto values = postings.values(cell.unit);
  for (size_t e = 0; e < rows.size(); ++e) {
    const auto row = static_cast<size_t>(rows[e]);
    if (values[e] < cell.threshold || stratum[row] < 0 || !known_here(own, row, kind)) continue;
    Table& table = tables[stratum[row]];
    ++table.fired;
    if (rows_.holds(rows[e], cell.value)) ++table.hits;
  }
  std::vector<int64_t> positive(total.size(), 0);
  for (const int32_t row : rows_.rows_of(cell.value))
    if (const int32_t s = stratum[static_cast<size_t>(row)]; s >= 0)
      ++positive[static_cast<size_t>(s)];
  double top = 0, bottom = 0;
  for (const auto& [s, table] : tables) {
    const auto n = static_cast<double>(total[static_cast<size_t>(s)]);
    const auto a = static_cast<double>(table.hits),
               b = static_cast<double>(table.fired - table.hits),
               c = static_cast<double>(positive[static_cast<size_t>(s)] - table.hits);
    top += a * (n - a - b - c) / n;
    bottom += b * c / n;
  }
  if (bottom > 0) return top / bottom;
  return top > 0 ? std::numeric_limits<double>::infinity()
                 : std::numeric_limits<double>::quiet_NaN();
}

std::vector<Strata::WordRows> Strata::words_of(const Postings& postings, const Cell& cell) const {
  std::vector<WordRows> list;
  if (!rows_.present(word)) return list;
  const auto& stratum = strata_of(word);
  const auto [first, words] = rows_.values_of(word);
  std::map<int32_t, int64_t> hits;
  const auto rows = postings.rows(cell.unit);
  const auto values = postings.values(cell.unit);
  for (size_t e = 0; e < rows.size(); ++e)
    if (const int32_t s = stratum[static_cast<size_t>(rows[e])];
        s > 0 && s <= words && values[e] >= cell.threshold && rows_.holds(rows[e], cell.value))
      ++hits[s];
  for (const auto& [s, count] : hits) list.push_back({first + s - 1, count});
  std::stable_sort(list.begin(), list.end(),
                   [](const WordRows& a, const WordRows& b) { return a.rows > b.rows; });
  return list;
}

std::string Strata::skeleton_of(int32_t said) const {
  const auto held = rows_.rows_of(said);
  std::string ipa;
  int32_t before = -1;
  for (size_t i = 0; i < held.size() && (i == 0 || held[i] == held[i - 1] + 1); ++i) {
    const int32_t now = rows_.value_at(held[i], phone);
    if (now >= 0 && now != before) ipa += rows_.text(now);
    before = now;
  }
  return sound_skeleton(ipa);
}

}  // namespace otoscope::features
