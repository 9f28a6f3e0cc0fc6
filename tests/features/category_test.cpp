#include "otoscope/features/category.h"

#include <doctest/doctest.h>

#include "features/planted_labels.h"

namespace otoscope::features {
namespace {

using testing::PlantedRow;
using testing::PlantedUnit;

struct Found {
  std::vector<Verdict> verdicts;
  Associations associations;

  const Cell& claim(size_t unit) const {
    REQUIRE(verdicts[unit].cell >= 0);
    return associations.cells[unit][static_cast<size_t>(verdicts[unit].cell)];
  }
  int named() const {
    int count = 0;
    for (const Verdict& verdict : verdicts) count += is_named(verdict.category);
    return count;
  }
};

Found categorised(const LabelledRows& rows, const Postings& postings,
                  std::span<const Estimate> shift = {}) {
  CategoryOptions options;
  options.words = 4;  // the planted language is small
  NullOptions null;
  null.permutations = 99;
  Found found;
  found.associations = associate(postings, rows, {}, silent_progress());
  found.verdicts =
      categorise(postings, rows, found.associations, shift, options, null, silent_progress());
  return found;
}

}  // namespace

TEST_CASE("each planted unit gets its category, and its rivals' words do not") {
  const testing::PlantedCorpus corpus = testing::planted_corpus(160, 1);
  const LabelledRows rows = corpus.labelled();
  const std::vector<PlantedUnit> units = {
      {[](const PlantedRow& r) { return r.phone == "s"; }},
      {[](const PlantedRow& r) { return r.word == "toke"; }, 0.97, 0.00002},
      // The k of one word: a phone explains it only in part, the word in part.
      {[](const PlantedRow& r) { return r.word == "toke" && r.phone == "k"; }, 0.97, 0.00002},
      {[](const PlantedRow& r) { return r.phone.empty(); }},
      {[](const PlantedRow& r) { return r.language == "y" && !r.phone.empty(); }, 0.2, 0.0001},
      {[](const PlantedRow& r) { return r.speaker == "q"; }, 0.2, 0.0001},
      {nullptr, 0, 0.01},
      {nullptr, 0, 0},
  };
  const Found found = categorised(rows, testing::planted_units(corpus, units, 2));
  CHECK(found.verdicts[0].category == Category::phonetic);
  CHECK(found.verdicts[1].category == Category::lexical);
  CHECK(found.verdicts[2].category == Category::lexical);
  CHECK(found.verdicts[3].category == Category::noise);
  CHECK(found.verdicts[6].category == Category::unnamed);
  CHECK(found.verdicts[7].category == Category::silent);
  for (const size_t unit : {0, 1, 3}) CHECK(found.claim(unit).test.f1() >= 0.9);
  CHECK(rows.text(found.claim(0).value) == "s");
  CHECK(rows.text(found.claim(1).value) == "toke");
  // Half of all rows are of language y: a lift of 3 cannot be had.
  CHECK(found.verdicts[4].category == Category::unnamed);
  CHECK(found.verdicts[4].failed == "lift on train and dev");
}

TEST_CASE("a phone that only one word has is not called a word, nor its word a phone") {
  testing::PlantedCorpus corpus = testing::planted_corpus(160, 5);
  // "kobe" is said with another phone, z, that no other word has.
  for (PlantedRow& row : corpus.rows)
    if (row.word == "kobe" && row.phone == "e") row.phone = "z";
  corpus.labels = {};
  testing::lay_labels(corpus);
  const LabelledRows rows = corpus.labelled();
  const Found found =
      categorised(rows, testing::planted_units(
                            corpus,
                            {{[](const PlantedRow& r) { return r.phone == "z"; }, 0.97, 0.00002},
                             {[](const PlantedRow& r) { return r.word == "kobe"; }, 0.97, 0.00002}},
                            4));
  CHECK(found.verdicts[0].category == Category::phonetic);
  CHECK(rows.text(found.claim(0).value) == "z");
  CHECK(found.verdicts[1].category == Category::lexical);
  CHECK(rows.text(found.claim(1).value) == "kobe");
}

TEST_CASE("a language is called one only where a speaker of both tells it from a voice") {
  testing::PlantedCorpus corpus = testing::planted_corpus(160, 6);
  // Three further languages, each a copy of y's clips under another name, so that lift can reach 3.
  const testing::PlantedCorpus one = corpus;
  for (const std::string name : {"u", "v", "w"}) {
    for (size_t i = 0; i < one.items.size(); ++i) {
      if (one.items[i].language != "y") continue;
      store::Item item = one.items[i];
      const int64_t first = item.first_row;
      item.id += name, item.language = name;
      item.first_row = static_cast<int64_t>(corpus.rows.size());
      for (int64_t t = 0; t < item.n_rows; ++t) {
        PlantedRow row = one.rows[static_cast<size_t>(first + t)];
        row.item = static_cast<int>(corpus.items.size());
        row.language = name;
        if (!row.word.empty()) row.word += name;
        row.speaker = name == "w" ? "only w" : "p";
        corpus.rows.push_back(row);
      }
      corpus.items.push_back(item);
    }
  }
  corpus.labels = {};
  testing::lay_labels(corpus);
  const LabelledRows rows = corpus.labelled();
  const Found found = categorised(
      rows,
      testing::planted_units(corpus,
                             {{[](const PlantedRow& r) { return r.language == "u"; }, 0.3, 0.0005},
                              {[](const PlantedRow& r) { return r.language == "w"; }, 0.3, 0.0005}},
                             4));
  CHECK(found.verdicts[0].category == Category::language);
  CHECK(found.verdicts[1].category == Category::language_or_speaker);
}

TEST_CASE("a unit that a shift silences is position-bound and nothing else") {
  const testing::PlantedCorpus corpus = testing::planted_corpus(80, 1);
  const LabelledRows rows = corpus.labelled();
  const Postings postings =
      testing::planted_units(corpus,
                             {{[](const PlantedRow& r) { return r.phone == "s"; }},
                              {[](const PlantedRow& r) { return r.phone == "s"; }},
                              {[](const PlantedRow& r) { return r.phone == "s"; }}},
                             2);
  std::vector<Estimate> shift(3);
  shift[0].value = 0.49, shift[0].n = 100;
  shift[1].value = 0.51, shift[1].n = 100;
  shift[2].value = 0, shift[2].n = 0;  // never fired in the shifted clips: not measured
  const Found found = categorised(rows, postings, shift);
  CHECK(found.verdicts[0].category == Category::position_bound);
  CHECK(found.verdicts[0].cell == -1);
  CHECK(found.verdicts[1].category == Category::phonetic);
  CHECK(found.verdicts[2].category == Category::phonetic);
  CHECK(found.verdicts[2].shift_share == -1);
}

TEST_CASE("of units that know nothing at most one in twenty is named") {
  const testing::PlantedCorpus corpus = testing::planted_corpus(80, 9);
  const LabelledRows rows = corpus.labelled();
  const Found found = categorised(rows, testing::null_units(corpus, 300, 11));
  MESSAGE("named of 300 null units: ", found.named());
  CHECK(found.named() <= 15);
  // And the same units' firings, laid on labels that belong to other clips.
  std::vector<PlantedUnit> planted(20);
  for (size_t u = 0; u < planted.size(); ++u)
    planted[u] = {
        [u](const PlantedRow& r) { return r.phone == std::string(1, "abdegikorst"[u % 11]); }};
  const Postings postings = testing::planted_units(corpus, planted, 2);
  CHECK(categorised(rows, postings).named() >= 19);
  const labels::RowLabels shuffled = shuffled_labels(corpus.items, corpus.labels, 3);
  CHECK(categorised(LabelledRows(corpus.items, shuffled), postings).named() <= 1);
}

}  // namespace otoscope::features
