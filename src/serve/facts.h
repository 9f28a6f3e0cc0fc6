#pragma once
/// report.json: the facts of the features that a report shows, so that its numbers can be bound to
/// a file.

#include <map>
#include <string>
#include <vector>

#include "otoscope/io/json.h"
#include "serve/chosen.h"
#include "serve/run_files.h"
#include "serve/word_marks.h"

namespace otoscope::serve {

/// The strongest of a category, to see and hear beside the table of categories.
struct CategoryCards {
  std::string category;
  std::vector<ChosenFeature> features;
};

struct DescribedSae {
  const SaeFiles* files = nullptr;
  FeatureCounts counts;
  std::map<std::string, std::string> meta;
  std::vector<ChosenFeature> chosen;
  std::vector<CategoryCards> categories;  // in the order of categories.json; those that have any
  std::map<int64_t, std::vector<TimedWord>> words;
};

DescribedSae describe_for_report(const SaeFiles& files, const ChoiceOptions& options);

/// Described controls: counts alone.
std::vector<DescribedSae> controls_for_report(const RunFiles& run);

/// Features of the cards of all its categories and of those worth meeting.
std::vector<const ChosenFeature*> all_features(const DescribedSae& sae);

/// {"schema": "otoscope.report", "version": 2, "saes": [{"name", "states", "unnamed", ...,
/// "features": [...], "categories": [{"category", "features": [...]}]}], "controls": [the same
/// without features]}
io::Json report_facts(const std::vector<DescribedSae>& saes,
                      const std::vector<DescribedSae>& controls);

}  // namespace otoscope::serve
