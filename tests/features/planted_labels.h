#pragma once
/// A little language with known labels, and units that fire where they are told to. No audio, no
/// store: items, labels on rows, and codes, all by seed.

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "otoscope/core/rng.h"
#include "otoscope/features/labelled_rows.h"
#include "otoscope/features/postings.h"

namespace otoscope::features::testing {

using audio::LabelKind;

struct PlantedRow {
  int item = 0, place = 0;            // place: row within the item
  std::string phone, word, language;  // phone "" : silence
  bool phone_starts = false;          // the first row of its phone
  std::string speaker, part_of_speech;
};

struct PlantedCorpus {
  std::vector<store::Item> items;
  std::vector<PlantedRow> rows;
  labels::RowLabels labels;

  LabelledRows labelled() const { return {items, labels}; }
};

inline void lay_labels(PlantedCorpus& corpus) {
  std::map<std::pair<LabelKind, std::string>, int32_t> number;
  const auto values_at = [](const PlantedRow& row) {
    std::vector<std::pair<LabelKind, std::string>> values = {{LabelKind::language, row.language},
                                                             {LabelKind::speaker, row.speaker}};
    if (row.phone.empty())
      values.emplace_back(LabelKind::silence, "silence");
    else
      values.emplace_back(LabelKind::phone, row.phone);
    if (!row.word.empty()) values.emplace_back(LabelKind::word, row.word);
    if (!row.part_of_speech.empty())
      values.emplace_back(LabelKind::part_of_speech, row.part_of_speech);
    return values;
  };
  for (const PlantedRow& row : corpus.rows)
    for (const auto& value : values_at(row)) number.emplace(value, 0);
  labels::RowLabels& out = corpus.labels;
  for (auto& [key, id] : number) {
    id = static_cast<int32_t>(out.values.size());
    out.values.push_back({key.first, key.second});
  }
  uint32_t known = 0;
  for (const LabelKind kind : {LabelKind::phone, LabelKind::word, LabelKind::part_of_speech,
                               LabelKind::language, LabelKind::speaker, LabelKind::silence})
    known |= 1U << static_cast<int>(kind);
  out.indptr = {0};
  for (const PlantedRow& row : corpus.rows) {
    std::vector<int32_t> ids;
    for (const auto& value : values_at(row)) ids.push_back(number.at(value));
    std::sort(ids.begin(), ids.end());
    out.ids.insert(out.ids.end(), ids.begin(), ids.end());
    out.indptr.push_back(static_cast<int64_t>(out.ids.size()));
    out.known.push_back(known);
  }
}

/// `prompts` sentences in each of two languages, "x" (speaker p) and "y" (speaker p or q), of six
/// words; every fourth prompt is test. Words are letters: each letter is a phone of three to five
/// rows. Both languages share the phones a b d e g i k o r s t; words of "x" end in s when plural.
inline PlantedCorpus planted_corpus(int prompts, uint64_t seed) {
  const std::vector<std::string> of_x = {"tig", "tigs", "bado", "bados", "rek",  "reks",
                                         "gid", "gids", "toke", "tokes", "sari", "kobe"};
  const std::vector<std::string> of_y = {"ogi", "dakes", "seb", "torab", "igo",
                                         "bid", "kedo",  "asa", "otis",  "grek"};
  PlantedCorpus corpus;
  Rng rng(seed, "planted corpus");
  for (int prompt = 0; prompt < prompts; ++prompt) {
    for (const bool x : {true, false}) {
      store::Item item;
      item.id = "clip" + std::to_string(prompt) + (x ? "x" : "y");
      item.language = x ? "x" : "y";
      item.speaker = x || prompt / 4 % 2 == 0 ? "p" : "q";
      item.prompt_id = item.cluster = "prompt" + std::to_string(prompt);
      item.split = prompt % 4 == 3 ? "test" : prompt % 8 == 0 ? "dev" : "train";
      item.first_row = static_cast<int64_t>(corpus.rows.size());
      const auto add = [&](const std::string& phone, const std::string& word, bool starts) {
        PlantedRow row;
        row.item = static_cast<int>(corpus.items.size());
        row.place = static_cast<int>(static_cast<int64_t>(corpus.rows.size()) - item.first_row);
        row.phone = phone, row.word = word, row.phone_starts = starts;
        row.language = item.language, row.speaker = item.speaker;
        if (!word.empty()) row.part_of_speech = word.find('o') == word.npos ? "verb" : "noun";
        corpus.rows.push_back(row);
      };
      for (uint64_t pause = 3 + rng.below(5); pause > 0; --pause) add("", "", false);
      for (int w = 0; w < 6; ++w) {
        const auto& words = x ? of_x : of_y;
        const std::string& word = words[rng.below(words.size())];
        for (const char letter : word)
          for (uint64_t n = 3 + rng.below(3), i = 0; i < n; ++i)
            add(std::string(1, letter), word, i == 0);
      }
      for (uint64_t pause = 3 + rng.below(5); pause > 0; --pause) add("", "", false);
      item.n_rows = static_cast<int64_t>(corpus.rows.size()) - item.first_row;
      item.duration_s = 0.02 * static_cast<double>(item.n_rows);
      corpus.items.push_back(item);
    }
  }
  lay_labels(corpus);
  return corpus;
}

/// Fires with `hit` where `wanted` holds and with `stray` elsewhere; strays are weaker.
struct PlantedUnit {
  std::function<bool(const PlantedRow&)> wanted;
  double hit = 0.97, stray = 0.001;
};

inline Postings planted_units(const PlantedCorpus& corpus, const std::vector<PlantedUnit>& units,
                              uint64_t seed) {
  SparseRows codes;
  Rng rng(seed, "planted units");
  for (const PlantedRow& row : corpus.rows) {
    for (size_t u = 0; u < units.size(); ++u) {
      const bool wanted = units[u].wanted && units[u].wanted(row);
      const double lot = rng.uniform(), value = rng.uniform();
      if (lot >= (wanted ? units[u].hit : units[u].stray)) continue;
      codes.indices.push_back(static_cast<int32_t>(u));
      codes.values.push_back(static_cast<float>((wanted ? 1.0 : 0.2) + value));
    }
    codes.indptr.push_back(static_cast<int64_t>(codes.indices.size()));
  }
  return {codes, static_cast<int64_t>(units.size())};
}

/// Units that know nothing: runs of firing at random places, as autocorrelated as real ones.
inline Postings null_units(const PlantedCorpus& corpus, int64_t units, uint64_t seed) {
  std::vector<std::vector<std::pair<int32_t, float>>> at(corpus.rows.size());
  for (int64_t u = 0; u < units; ++u) {
    Rng rng(seed, 1000 + static_cast<uint64_t>(u));
    const double begins = rng.uniform(0.002, 0.02);
    uint64_t left = 0;
    for (auto& row : at) {
      if (left == 0 && rng.uniform() < begins) left = 1 + rng.below(8);
      if (left == 0) continue;
      --left;
      row.emplace_back(static_cast<int32_t>(u), static_cast<float>(0.1 + rng.uniform()));
    }
  }
  SparseRows codes;
  for (const auto& row : at) {
    for (const auto& [unit, value] : row)
      codes.indices.push_back(unit), codes.values.push_back(value);
    codes.indptr.push_back(static_cast<int64_t>(codes.indices.size()));
  }
  return {codes, units};
}

}  // namespace otoscope::features::testing
