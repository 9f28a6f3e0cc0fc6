#include "otoscope/features/name.h"

#include <doctest/doctest.h>

#include "features/planted_labels.h"

namespace otoscope::features {
namespace {

using audio::LabelKind;

/// Two clips that hold one value of every kind named here.
testing::PlantedCorpus corpus_of(const std::vector<labels::LabelValue>& values) {
  testing::PlantedCorpus corpus;
  corpus.labels.values = values;
  corpus.labels.indptr = {0};
  for (int i = 0; i < 2; ++i) {
    store::Item item;
    item.id = item.cluster = "clip" + std::to_string(i);
    item.split = i == 0 ? "train" : "test";
    item.first_row = i * 10, item.n_rows = 10;
    corpus.items.push_back(item);
    for (int t = 0; t < 10; ++t) {
      for (size_t v = 0; v < values.size(); ++v)
        corpus.labels.ids.push_back(static_cast<int32_t>(v));
      corpus.labels.indptr.push_back(static_cast<int64_t>(corpus.labels.ids.size()));
      corpus.labels.known.push_back(~0U);
    }
  }
  return corpus;
}

Cell cell_of(int32_t value, Counts counts) {
  Cell cell;
  cell.value = value, cell.chosen = cell.test = counts;
  return cell;
}

}  // namespace

TEST_CASE("a name says what, where and how well") {
  const testing::PlantedCorpus corpus = corpus_of({{LabelKind::phone, "iː"},
                                                   {LabelKind::phone_class, "close vowel"},
                                                   {LabelKind::phone_class, "vowel"},
                                                   {LabelKind::syllable, "nucleus"},
                                                   {LabelKind::stress, "primary"},
                                                   {LabelKind::stress, "secondary"}});
  const LabelledRows rows = corpus.labelled();
  const std::vector<Cell> cells = {
      cell_of(0, {3742, 370, 1118, 100000}),   // P .91, R .77
      cell_of(3, {3990, 122, 20000, 100000}),  // nearly all its firings, and more than chance
      cell_of(4, {3600, 512, 20000, 100000}),
      cell_of(5, {2000, 2112, 20000, 100000})};  // half of them: says nothing
  Verdict verdict;
  verdict.category = Category::phonetic, verdict.cell = 0;
  CHECK(rule_name(rows, cells, verdict) == "vowel /iː/, nucleus, stressed; P .91 R .77, n 4,112");
  CHECK(searchable_labels(rows, cells) ==
        "phone iː; syllable nucleus; stress primary; stress secondary");
  verdict.category = Category::unnamed;
  CHECK(rule_name(rows, cells, verdict).empty());
  verdict.category = Category::position_bound, verdict.cell = -1, verdict.shift_share = 0.31;
  CHECK(rule_name(rows, cells, verdict) == "position-bound; .31 of its firings survive a shift");
}

TEST_CASE("words, languages and voices are named as what they are") {
  const testing::PlantedCorpus corpus = corpus_of({{LabelKind::word, "saturday"},
                                                   {LabelKind::morpheme, "number=plural"},
                                                   {LabelKind::language, "fr"},
                                                   {LabelKind::silence, "silence"}});
  const LabelledRows rows = corpus.labelled();
  const std::vector<Cell> cells = {cell_of(0, {10, 0, 0, 90}), cell_of(1, {10, 0, 0, 90}),
                                   cell_of(2, {10, 0, 0, 90}), cell_of(3, {10, 0, 0, 90})};
  const auto named = [&](int32_t cell, Category category) {
    Verdict verdict;
    verdict.category = category, verdict.cell = cell;
    return rule_name(rows, cells, verdict);
  };
  CHECK(named(0, Category::lexical) == "word \"saturday\"; P 1.00 R 1.00, n 10");
  CHECK(named(1, Category::morphological) == "number=plural; P 1.00 R 1.00, n 10");
  CHECK(named(2, Category::language) == "language fr; P 1.00 R 1.00, n 10");
  CHECK(named(2, Category::language_or_speaker) ==
        "language fr or its one speaker; P 1.00 R 1.00, n 10");
  CHECK(named(3, Category::noise) == "silence; P 1.00 R 1.00, n 10");
}

}  // namespace otoscope::features
