#include "labels/boundary_errors.h"

#include <algorithm>

#include "otoscope/labels/phonology.h"

namespace otoscope::labels {
namespace {

bool is_vowel(const std::string& ipa) {
  const auto classes = phone_classes(ipa);
  return std::find(classes.begin(), classes.end(), "vowel") != classes.end();
}

}  // namespace

BoundaryErrors boundary_errors(const audio::Track& found, const audio::Track& truth) {
  const auto &a = found.labels, &b = truth.labels;
  const size_t n = a.size(), m = b.size();
  const bool phones = truth.kind == audio::LabelKind::phone;
  std::vector<bool> vowel_a, vowel_b;
  for (const auto& label : a) vowel_a.push_back(phones && is_vowel(label.value));
  for (const auto& label : b) vowel_b.push_back(phones && is_vowel(label.value));
  // Twice the worth of the best match of the first i and j labels.
  std::vector<int> worth((n + 1) * (m + 1), 0);
  const auto at = [&](size_t i, size_t j) -> int& { return worth[i * (m + 1) + j]; };
  const auto pair = [&](size_t i, size_t j) {
    if (a[i].value == b[j].value) return 2;
    return phones && vowel_a[i] == vowel_b[j] ? 1 : 0;
  };
  for (size_t i = 1; i <= n; ++i)
    for (size_t j = 1; j <= m; ++j) {
      at(i, j) = std::max(at(i - 1, j), at(i, j - 1));
      if (const int gain = pair(i - 1, j - 1); gain > 0)
        at(i, j) = std::max(at(i, j), at(i - 1, j - 1) + gain);
    }
  BoundaryErrors errors;
  for (size_t i = n, j = m; i > 0 && j > 0;) {
    const int gain = pair(i - 1, j - 1);
    if (gain > 0 && at(i, j) == at(i - 1, j - 1) + gain) {
      errors.seconds.push_back(a[i - 1].start - b[j - 1].start);
      --i;
      --j;
    } else if (at(i, j) == at(i - 1, j)) {
      --i;
    } else {
      --j;
    }
  }
  errors.missing = static_cast<int64_t>(m) - static_cast<int64_t>(errors.seconds.size());
  std::reverse(errors.seconds.begin(), errors.seconds.end());
  return errors;
}

}  // namespace otoscope::labels
