#pragma once
/// What may be said, from what was measured (methods.md §7.3): "through" only where both columns
/// pass; no clause whose test did not.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace otoscope::audit {

enum class Wording { through, associated, modulated, not_shown, no_verdict };
std::string_view wording_name(Wording wording);  // "associated with"
/// "supported", "partial", "not_supported", "inconclusive".
std::string_view status_name(Wording wording);

/// Of a column: not measured is not failed.
enum class Column { passed, failed, not_measured };

/// No verdict without a rate, or where no column was measured; one passed column alone gives its
/// own word, also where the other was not measured.
Wording wording_of(bool rate_sufficient, Column predictive, Column causal);

/// "features 12, 40 of encoder.out"; of more than eight, how many they are.
std::string features_phrase(std::span<const int32_t> features, std::string_view site);

/// One sentence: "whisper-base exhibits TITLE at a rate of 64.2 % [56.5, 71.3] (111 of 173 clips of
/// 132 sources) on nonspeech, through 2 features of encoder.out."
struct Claim {
  std::string model, title, data, decoding;
  bool sufficient = true;
  std::string insufficient;  // why there is no interval
  int64_t fails = 0, n = 0, errors = 0, clusters = 0;
  std::string cluster_unit;  // "sources"
  double value = 0, low = 0, high = 0;
  Wording wording = Wording::not_shown;
  std::string features;  // features_phrase()
  /// What else is known of the mechanism: whether it was looked for, and why it is not shown.
  std::string mechanism_note;
};
std::string sentence(const Claim& claim);

}  // namespace otoscope::audit
