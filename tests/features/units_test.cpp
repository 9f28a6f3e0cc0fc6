#include "otoscope/features/units.h"

#include <doctest/doctest.h>

#include <cmath>

#include "features/planted_labels.h"
#include "otoscope/features/meaning.h"

namespace otoscope::features {
namespace {

using testing::PlantedRow;

/// Noise, with "s" along (1, 1, 0, …) and nothing else: no coordinate alone is it.
Tensor<float> planted_rows(const testing::PlantedCorpus& corpus, int64_t d) {
  Tensor<float> x(Shape{static_cast<int64_t>(corpus.rows.size()), d});
  Rng rng(3, "planted rows");
  for (int64_t r = 0; r < x.shape()[0]; ++r) {
    for (int64_t j = 0; j < d; ++j) x.at(r, j) = static_cast<float>(rng.normal());
    if (corpus.rows[static_cast<size_t>(r)].phone == "s") x.at(r, 0) += 3, x.at(r, 1) += 3;
    x.at(r, 2) += 100;  // an offset that thresholds have to swallow
  }
  return x;
}

}  // namespace

TEST_CASE("directions fire on the share of rows that they are given") {
  const testing::PlantedCorpus corpus = testing::planted_corpus(40, 1);
  const LabelledRows rows = corpus.labelled();
  const Tensor<float> x = planted_rows(corpus, 6);
  const Tensor<float> W = signed_axes(6);
  const std::vector<double> rates = {0.01, 0.02, 0.05, 0.1, 0.2, 0.3,
                                     0.01, 0.02, 0.05, 0.1, 0.2, 0.3};
  const Postings postings =
      direction_units(rows_of_matrix(x.view()), rows, W.view(), rates, "axes", silent_progress());
  REQUIRE(postings.units() == 12);
  for (int64_t u = 0; u < 12; ++u) {
    int64_t fired = 0;
    for (size_t e = 0; e < postings.rows(u).size(); ++e) {
      const int32_t row = postings.rows(u)[e];
      if (rows.side(row) == Side::choose) ++fired;
      CHECK(postings.values(u)[e] > 0);
    }
    const auto wanted = static_cast<int64_t>(std::llround(
        rates[static_cast<size_t>(u)] * static_cast<double>(rows.rows_on(Side::choose))));
    CHECK(std::abs(fired - wanted) <= 1);  // fewer rows than the sample: the quantile is exact
  }
  // An axis and its negative fire on opposite ends.
  CHECK(x.at(postings.rows(4)[0], 2) > 100);
  CHECK(x.at(postings.rows(5)[0], 2) < 101);
}

TEST_CASE("controls fire as often as what they control") {
  const testing::PlantedCorpus corpus = testing::planted_corpus(40, 1);
  const LabelledRows rows = corpus.labelled();
  const Postings postings = testing::null_units(corpus, 50, 1);
  const std::vector<double> rates = matched_rates(postings, rows, 500, 9);
  double mean = 0, own = 0;
  for (const double rate : rates) mean += rate / 500;
  for (int64_t u = 0; u < 50; ++u)
    for (const int32_t row : postings.rows(u)) own += rows.side(row) == Side::choose;
  own /= 50.0 * static_cast<double>(rows.rows_on(Side::choose));
  CHECK(mean == doctest::Approx(own).epsilon(0.01));
  CHECK(matched_rates(postings, rows, 500, 9) == rates);
}

TEST_CASE("a linear probe reads what no coordinate says, and knows it is the ceiling") {
  const testing::PlantedCorpus corpus = testing::planted_corpus(120, 2);
  const LabelledRows rows = corpus.labelled();
  const Tensor<float> x = planted_rows(corpus, 6);
  const RowSource source = rows_of_matrix(x.view());
  const Probe probe = fit_probe(source, rows, 20, silent_progress());
  REQUIRE(!probe.values.empty());
  const Postings postings =
      direction_units(source, rows, probe.W.view(), probe.rates, "probe", silent_progress());
  for (size_t u = 0; u < probe.values.size(); ++u) {
    if (rows.kind(probe.values[u]) != audio::LabelKind::phone || rows.text(probe.values[u]) != "s")
      continue;
    // The direction is (1, 1, 0, …) / sqrt 2.
    CHECK(probe.W.at(static_cast<int64_t>(u), 0) == doctest::Approx(std::sqrt(0.5)).epsilon(0.05));
    CHECK(probe.W.at(static_cast<int64_t>(u), 1) == doctest::Approx(std::sqrt(0.5)).epsilon(0.05));
    const auto cells = associate_all(postings, static_cast<int64_t>(u), rows);
    CHECK(cells[static_cast<size_t>(probe.values[u])].test.f1() > 0.9);
  }
  const auto axes = direction_units(source, rows, signed_axes(6).view(),
                                    std::vector<double>(12, 0.1), "axes", silent_progress());
  for (int64_t u = 0; u < 12; ++u)
    for (const Cell& cell : associate_all(axes, u, rows))
      if (rows.kind(cell.value) == audio::LabelKind::phone) CHECK(cell.test.f1() < 0.9);
}

TEST_CASE("a category is shown only where every control names less than half its share") {
  const auto column = [](std::string name, int64_t firing, int64_t phonetic, bool ceiling = false) {
    Column made;
    made.name = std::move(name), made.units = made.firing = firing, made.ceiling = ceiling;
    made.counts[static_cast<size_t>(Category::phonetic)] = phonetic;
    return made;
  };
  const Category phonetic = Category::phonetic;
  CHECK(standing({column("features", 1000, 100), column("random", 1000, 49)}, phonetic) == "shown");
  CHECK(standing({column("features", 1000, 100), column("random", 1000, 50)}, phonetic) ==
        "not shown: random");
  // A tenth as many units: five of a hundred are as large a share as fifty of a thousand.
  CHECK(standing({column("features", 1000, 100), column("neurons", 100, 5)}, phonetic) ==
        "not shown: neurons");
  // A larger control counts by its number too.
  CHECK(standing({column("features", 1000, 100), column("neurons", 9000, 50)}, phonetic) ==
        "not shown: neurons");
  CHECK(standing({column("features", 1000, 100), column("probe", 100, 90, true)}, phonetic) ==
        "shown");
  CHECK(standing({column("features", 1000, 0), column("random", 1000, 0)}, phonetic) ==
        "none found");
}

}  // namespace otoscope::features
