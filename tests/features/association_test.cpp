#include "otoscope/features/association.h"

#include <doctest/doctest.h>

#include "features/planted_labels.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/threads.h"
#include "support/errors.h"

namespace otoscope::features {
namespace {

using testing::PlantedRow;

std::string name_of(const LabelledRows& rows, const Cell& cell) {
  return std::string(audio::label_kind_name(rows.kind(cell.value))) + " " + rows.text(cell.value);
}

/// Counts and AUROC by looking at every row.
struct ByHand {
  Counts counts;
  std::vector<double> score;
  std::vector<uint8_t> positive;

  ByHand(const Postings& postings, int64_t unit, const LabelledRows& rows, int32_t value, Side side,
         float threshold) {
    std::vector<float> at(static_cast<size_t>(rows.rows()), 0);
    for (size_t e = 0; e < postings.rows(unit).size(); ++e)
      at[static_cast<size_t>(postings.rows(unit)[e])] = postings.values(unit)[e];
    for (int64_t row = 0; row < rows.rows(); ++row) {
      if (rows.side(row) != side || !rows.known(row, rows.kind(value))) continue;
      const float x = at[static_cast<size_t>(row)];
      const bool fires = x > 0 && x >= threshold, holds = rows.holds(row, value);
      ++(fires ? holds ? counts.tp : counts.fp : holds ? counts.fn : counts.tn);
      score.push_back(x);
      positive.push_back(holds);
    }
  }
};

}  // namespace

TEST_CASE("the measures of a table of four are those of the textbook") {
  const Counts counts{8, 2, 4, 86};
  CHECK(counts.precision() == doctest::Approx(0.8));
  CHECK(counts.recall() == doctest::Approx(8.0 / 12));
  CHECK(counts.f1() == doctest::Approx(16.0 / 22));
  CHECK(counts.lift() == doctest::Approx(0.8 / 0.12));
  CHECK(counts.all_positive_f1() == doctest::Approx(0.24 / 1.12));
  CHECK(counts.mcc() == doctest::Approx(matthews(8, 2, 4, 86)));
  CHECK(Counts{}.mcc() == 0);
  CHECK(Counts{}.f1() == 0);
  CHECK(Counts{0, 3, 0, 5}.lift() == 0);
}

TEST_CASE("counts and AUROC of every value equal those by looking at every row") {
  testing::PlantedCorpus corpus = testing::planted_corpus(12, 3);
  // Some rows do not know their phone; some clips know nothing.
  const uint32_t phone = 1U << static_cast<int>(audio::LabelKind::phone);
  for (size_t r = 0; r < corpus.labels.known.size(); r += 7) corpus.labels.known[r] &= ~phone;
  for (int64_t r = corpus.items[5].first_row; r < corpus.items[6].first_row; ++r)
    corpus.labels.known[static_cast<size_t>(r)] = 0;
  const LabelledRows rows = corpus.labelled();
  // Values in tenths, so that many tie.
  SparseRows codes;
  Rng rng(5, "tied values");
  for (size_t r = 0; r < corpus.rows.size(); ++r) {
    if (rng.uniform() < 0.3) {
      codes.indices.push_back(0);
      codes.values.push_back(static_cast<float>(1 + rng.below(9)) / 10.0f);
    }
    codes.indptr.push_back(static_cast<int64_t>(codes.indices.size()));
  }
  const Postings postings(codes, 1);
  int compared = 0;
  for (const Cell& cell : associate_all(postings, 0, rows)) {
    for (const Side side : {Side::choose, Side::test}) {
      const ByHand hand(postings, 0, rows, cell.value, side, 0);
      const Counts& counts = side == Side::test ? cell.test : cell.chosen;
      CHECK(counts.tp == hand.counts.tp);
      CHECK(counts.fp == hand.counts.fp);
      CHECK(counts.fn == hand.counts.fn);
      CHECK(counts.tn == hand.counts.tn);
      CHECK((side == Side::test ? cell.auroc : cell.auroc_chosen) ==
            doctest::Approx(auroc(hand.score, hand.positive)).epsilon(1e-12));
      ++compared;
    }
  }
  CHECK(compared > 60);
}

TEST_CASE("planted units are found with the label that was planted") {
  const testing::PlantedCorpus corpus = testing::planted_corpus(60, 1);
  const LabelledRows rows = corpus.labelled();
  const Postings postings =
      testing::planted_units(corpus,
                             {{[](const PlantedRow& r) { return r.phone == "s"; }},
                              {[](const PlantedRow& r) { return r.word == "toke"; }},
                              {[](const PlantedRow& r) { return r.language == "y"; }},
                              {[](const PlantedRow& r) { return r.phone.empty(); }},
                              {[](const PlantedRow& r) { return r.part_of_speech == "noun"; }},
                              {nullptr}},
                             2);
  const Associations found = associate(postings, rows, {}, silent_progress());
  const std::vector<std::string> planted = {"phone s", "word toke", "language y", "silence silence",
                                            "part_of_speech noun"};
  for (size_t u = 0; u < planted.size(); ++u) {
    REQUIRE(!found.cells[u].empty());
    const Cell& best = found.cells[u].front();
    CHECK(name_of(rows, best) == planted[u]);
    CHECK(best.test.f1() >= 0.9);
    CHECK(best.precision.value == doctest::Approx(best.test.precision()).epsilon(1e-5));
    CHECK(best.recall.value == doctest::Approx(best.test.recall()).epsilon(1e-5));
    CHECK(best.f1.value == doctest::Approx(best.test.f1()).epsilon(1e-5));
    CHECK(best.f1.low <= best.f1.value);
    CHECK(best.f1.high >= best.f1.value);
    CHECK(best.f1.low > 0.85);
    CHECK(best.precision.clusters > 0);
    CHECK(best.auroc > 0.9);
  }
  for (const Cell& cell : found.cells[5]) CHECK(cell.test.f1() < 0.1);
}

TEST_CASE("a threshold is chosen where the strong firings mean more than the weak ones") {
  const testing::PlantedCorpus corpus = testing::planted_corpus(60, 8);
  const LabelledRows rows = corpus.labelled();
  // Strays are as many as hits but weaker: below 1.
  const Postings postings = testing::planted_units(
      corpus, {{[](const PlantedRow& r) { return r.phone == "k"; }, 0.6, 0.03}}, 3);
  const Associations found = associate(postings, rows, {}, silent_progress());
  const Cell& best = found.cells[0].front();
  CHECK(name_of(rows, best) == "phone k");
  CHECK(best.threshold > 0.5);
  CHECK(best.firing_share < 1);
  CHECK(best.test.precision() >
        associate_all(postings, 0, rows)[static_cast<size_t>(best.value)].test.precision());
  const ByHand hand(postings, 0, rows, best.value, Side::test, best.threshold);
  CHECK(hand.counts.tp == best.test.tp);
  CHECK(hand.counts.fp == best.test.fp);
}

TEST_CASE("events are counted once, over gaps of a row, with their lag to the label's edges") {
  // One clip of 40 rows a prompt; the label holds at rows 10..19.
  testing::PlantedCorpus corpus;
  for (int i = 0; i < 8; ++i) {
    store::Item item;
    item.id = item.cluster = item.prompt_id = "clip" + std::to_string(i);
    item.split = i < 4 ? "train" : "test";
    item.language = "x";
    item.first_row = i * 40, item.n_rows = 40;
    corpus.items.push_back(item);
    for (int t = 0; t < 40; ++t)
      corpus.rows.push_back({i, t, t >= 10 && t < 20 ? "m" : "n", "", "x", false, "p", ""});
  }
  testing::lay_labels(corpus);
  const LabelledRows rows = corpus.labelled();
  // Fires at 12 13 15 16 (one event: the gap of one row is bridged), at 19 20 21, and at 30.
  SparseRows codes;
  for (const PlantedRow& row : corpus.rows) {
    for (const int t : {12, 13, 15, 16, 19, 20, 21, 30})
      if (row.place == t) codes.indices.push_back(0), codes.values.push_back(1);
    codes.indptr.push_back(static_cast<int64_t>(codes.indices.size()));
  }
  const Associations found =
      associate(Postings(codes, 1), rows, AssociationOptions{}, silent_progress());
  REQUIRE(!found.cells[0].empty());
  const Cell& cell = found.cells[0].front();
  CHECK(name_of(rows, cell) == "phone m");
  CHECK(cell.events == 16);
  CHECK(cell.test_events == 8);
  CHECK(cell.event_clusters == 8);
  CHECK(cell.test_event_clusters == 4);
  CHECK(cell.onset.n == 8);
  CHECK(cell.onset.median == doctest::Approx((2 + 9) / 2.0));
  CHECK(cell.offset.median == doctest::Approx((-3 + 2) / 2.0));
}

TEST_CASE("associations do not depend on the number of threads") {
  const testing::PlantedCorpus corpus = testing::planted_corpus(20, 4);
  const LabelledRows rows = corpus.labelled();
  const Postings postings = testing::null_units(corpus, 40, 6);
  std::vector<Associations> runs;
  const int before = threads();
  for (const int n : {1, 3}) {
    set_threads(n);
    runs.push_back(associate(postings, rows, {}, silent_progress()));
  }
  set_threads(before);
  int64_t cells = 0;
  for (size_t u = 0; u < 40; ++u) {
    REQUIRE(runs[0].cells[u].size() == runs[1].cells[u].size());
    for (size_t c = 0; c < runs[0].cells[u].size(); ++c, ++cells) {
      CHECK(runs[0].cells[u][c].value == runs[1].cells[u][c].value);
      CHECK(runs[0].cells[u][c].f1.low == runs[1].cells[u][c].f1.low);
      CHECK(runs[0].cells[u][c].auroc == runs[1].cells[u][c].auroc);
    }
  }
  CHECK(cells > 40);
}

TEST_CASE("a store without labelled test clips is refused") {
  testing::PlantedCorpus corpus = testing::planted_corpus(4, 4);
  for (auto& item : corpus.items) item.split = "train";
  const std::string message = otoscope::testing::error_of([&] { corpus.labelled(); });
  CHECK(message.find("expected labelled rows in test, got none") != std::string::npos);
}

}  // namespace otoscope::features
