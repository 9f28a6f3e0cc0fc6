#pragma once
/// What kind of thing a unit hears, by explicit tests (methods.md §4.5, §4.6; the first seven are
/// those of arXiv:2605.12225, whose criteria are not published: these are ours).
///
/// 1. A unit whose firings do not survive a shift in the window is position-bound and nothing else.
/// 2. Of its associations those stand for election that pass on train and dev: precision, lift,
///    events in clusters (all labelled rows), and survival beside every rival of their category:
///    the Mantel-Haenszel odds ratio within the rival's strata. A word that a phone explains is no
///    word, and the reverse. The one with the largest MCC on train and dev is the unit's claim.
/// 3. The claim holds or falls on test: precision, lift, events, and the null (null.h). There is no
///    second claim.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/options.h"
#include "otoscope/features/association.h"
#include "otoscope/features/null.h"

namespace otoscope::features {

enum class Category : uint8_t {
  phonetic,
  lexical,
  syntactic,
  morphological,
  semantic,
  positional,
  noise,
  language,
  speaker,
  language_or_speaker,  // one voice a language: this corpus cannot tell
  position_bound,
  unnamed,
  silent  // never fires on labelled rows
};
inline constexpr int kCategories = static_cast<int>(Category::silent) + 1;
/// "phonetic", …, "language or speaker", "position-bound", "unnamed", "never fires".
std::string_view category_name(Category category);
/// Everything before position-bound says what the unit hears.
inline bool is_named(Category category) { return category < Category::position_bound; }

struct CategoryOptions {
  double precision = 0.5, lift = 3, p = 0.05;
  int64_t events = 20, clusters = 10;  // over all labelled rows
  int64_t test_events = 3;
  double odds = 3;     // within the strata of a rival
  double shift = 0.5;  // share of firings that survives a shift
  int64_t stems = 5;   // distinct words of a morpheme
  int64_t words = 20;  // distinct words of a part of speech
  int64_t senses = 2;  // distinct words of a meaning

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("least-precision", o.precision, "share of firings that a name must explain", Range{0, 1});
    v("least-lift", o.lift, "times more often than chance", Range{1, 1e6});
    v("level", o.p, "level of the tests against chance", Range{0, 1});
    v("least-events", o.events, "runs of firing with the label that a name needs", Range{1, 1e9});
    v("least-clusters", o.clusters, "clusters (prompts or speakers) that they come from",
      Range{1, 1e9});
    v("least-odds", o.odds, "odds ratio that must remain within the strata of a rival explanation",
      Range{1, 1e6});
    v("least-stems", o.stems, "distinct words that a morpheme's feature fires in", Range{1, 1e6});
    v("least-words", o.words, "distinct words that a part of speech's feature fires in",
      Range{1, 1e6});
  }
};

/// A rival explanation that was looked at.
struct Survival {
  audio::LabelKind rival = audio::LabelKind::phone;
  double odds = 0;  // within its strata; NaN: the strata tell nothing apart
};

struct Verdict {
  Category category = Category::unnamed;
  int32_t cell = -1;  // of the unit: the claim, whether it held or fell
  std::vector<Survival> survivals;
  int64_t distinct_words = 0;
  double shift_share = -1;  // -1: not measured
  /// Of what is unnamed: the first test that the claim failed, in words.
  std::string failed;
};

/// One verdict per unit; sets p of every cell that stood for election. shift: per unit the share of
/// firings that survives, empty where it was not measured; n of 0 is not measured either.
std::vector<Verdict> categorise(const Postings& postings, const LabelledRows& rows,
                                Associations& associations, std::span<const Estimate> shift,
                                const CategoryOptions& options, const NullOptions& null,
                                Progress& progress);

}  // namespace otoscope::features
