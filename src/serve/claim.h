#pragma once
/// What a feature is said to be, with n, interval and control beside it.

#include "serve/facts.h"
#include "serve/html.h"

namespace otoscope::serve {

/// Where a category stands in an SAE's categories.json.
struct Standing {
  std::string words;    // "shown", "not shown: log-mel", "none found"; "" where nothing is claimed
  std::string pointer;  // of the category
  /// The control (not the ceiling) with the best F1 on test among its units; "" where there is
  /// none.
  std::string best_control;
};
Standing standing_of(const Document& categories, const std::string& category);

/// Category and standing as a tag, then the claim's figures as a list. `pointer`: of the feature in
/// `facts`. Nothing where the database was made without labels.
void write_category_tag(Html& html, const ChosenFeature& feature,
                        const std::optional<Document>& categories);
void write_claim(Html& html, const ChosenFeature& feature, const Document& facts,
                 const std::string& pointer, const std::optional<Document>& categories);

/// A language model's name, and how well it tells moments apart with it, with the rule-made name
/// and with another feature's.
void write_models_name(Html& html, const ChosenFeature& feature, const Document& facts,
                       const std::string& pointer);

/// A key as a JSON pointer's part (RFC 6901).
std::string escaped_key(const std::string& key);

}  // namespace otoscope::serve
