#pragma once
/// Word and character error rates (Levenshtein with unit costs), as jiwer counts them. A corpus's
/// rate is the sum of errors over the sum of reference lengths, never a mean of rates.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace otoscope::model {

struct EditCounts {
  int64_t substitutions = 0, deletions = 0, insertions = 0, hits = 0;

  int64_t errors() const { return substitutions + deletions + insertions; }
  /// Length of the reference.
  int64_t reference() const { return substitutions + deletions + hits; }
  /// errors / reference. An empty reference has no rate: NaN (its insertions belong into a table of
  /// their own).
  double rate() const;
  EditCounts& operator+=(const EditCounts& other);
};

/// Of the alignments with the fewest errors, the one that rapidfuzz gives. Time is the product of
/// the lengths, memory the reference's.
EditCounts count_edits(std::span<const std::string> reference,
                       std::span<const std::string> hypothesis);

/// Words between white space; of texts that went through one normaliser.
EditCounts word_errors(std::string_view reference, std::string_view hypothesis);
/// Characters (code points), spaces between words counted, outer spaces not.
EditCounts character_errors(std::string_view reference, std::string_view hypothesis);

}  // namespace otoscope::model
