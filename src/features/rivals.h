#pragma once
/// Does an association remain where another explanation is held fixed?

#include <array>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "otoscope/features/association.h"
#include "otoscope/features/category.h"

namespace otoscope::features {

/// The category that a kind of label speaks for; unnamed where it is only ever a rival.
Category category_of(audio::LabelKind kind);
/// What may explain an association of this kind instead. Of these only the kinds that are present
/// can be held fixed.
std::span<const audio::LabelKind> rivals_of(audio::LabelKind kind);

/// Strata on train and dev: each row belongs to the first value of a rival that holds there, to
/// "none", or to "unknown". Safe to use from several threads.
class Strata {
 public:
  explicit Strata(const LabelledRows& rows);
  /// Mantel-Haenszel odds ratio of firing and label over the rival's strata: sum(ad/n) / sum(bc/n)
  /// (Mantel & Haenszel 1959); rows where the label's kind is unknown are left out. Infinity where
  /// no stratum has a firing without the label or a label without firing; NaN where none tells.
  double odds(const Postings& postings, const Cell& cell, audio::LabelKind rival) const;
  struct WordRows {
    int32_t word = 0;  // its value
    int64_t rows = 0;
  };
  /// Words of the firing rows with the label, and how many rows each has, most frequent first.
  std::vector<WordRows> words_of(const Postings& postings, const Cell& cell) const;
  /// How a word sounds where it is first said (sound_alike.h).
  std::string skeleton_of(int32_t word) const;

 private:
  const std::vector<int32_t>& strata_of(audio::LabelKind rival) const;

  bool known_here(const std::vector<int32_t>& own, size_t row, audio::LabelKind kind) const;
  struct Margin {
    std::vector<int64_t> rows;  // (strata): where the label's kind is known
  };
  const Margin& margin(audio::LabelKind kind, audio::LabelKind rival) const;

  const LabelledRows& rows_;
  std::array<std::vector<int32_t>, audio::kLabelKinds> stratum_;  // by rival: (rows), -1: left out
  mutable std::mutex mutex_;
  mutable std::map<std::pair<audio::LabelKind, audio::LabelKind>, Margin> margins_;
};

}  // namespace otoscope::features
