#include "otoscope/circuits/adjacency.h"

#include <doctest/doctest.h>

#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::circuits;
using namespace otoscope::testing;

namespace {

using Pairs = std::vector<std::pair<int, std::vector<int>>>;

/// methods.md §6.3: features 0-4, errors 5-8, leaves 9-10, logit 11; all edges 10.
Adjacency twelve(const Pairs& pairs, double weight = 10) {
  Adjacency graph;
  for (int i = 0; i < 12; ++i)
    graph.role.push_back(i < 5    ? Role::feature
                         : i < 9  ? Role::error
                         : i < 11 ? Role::leaf
                                  : Role::logit);
  graph.rows.resize(12);
  graph.weight.assign(12, 0.0);
  graph.weight[11] = 1;
  for (const auto& [target, sources] : pairs)
    for (const int source : sources)
      graph.rows[static_cast<size_t>(target)].push_back({source, weight});
  return graph;
}

const Pairs kWhole = {{11, {1, 3, 6, 8}}, {3, {0, 1, 6}}, {1, {9, 10}}, {0, {9}}};
const Pairs kPruned = {{11, {1, 3, 6, 8}}, {3, {1, 6}}, {1, {9, 10}}};

}  // namespace

TEST_CASE("influence, replacement and completeness equal the closed form") {
  // A sign changes a row sum of A, but no share of |A|.
  for (const double weight : {10.0, -10.0}) {
    const Adjacency graph = twelve(kWhole, weight);
    const std::vector<double> want = {1. / 12, 1. / 3, 0,      1. / 4, 0,      0,
                                      1. / 3,  0,      1. / 4, 1. / 4, 1. / 6, 0};
    const std::vector<double> got = influence(graph);
    for (size_t i = 0; i < want.size(); ++i) CHECK(got[i] == doctest::Approx(want[i]));
    CHECK(replacement_score(graph) == doctest::Approx(5. / 12));
    CHECK(completeness_score(graph) == doctest::Approx(25. / 32));
  }
}

TEST_CASE("edge scores equal the closed form") {
  const auto scores = edge_scores(twelve(kPruned));
  for (const double score : scores[11]) CHECK(score == doctest::Approx(1. / 4));
  for (const double score : scores[3]) CHECK(score == doctest::Approx(1. / 8));
  for (const double score : scores[1]) CHECK(score == doctest::Approx(3. / 16));
}

TEST_CASE("edges that are left out count as unexplained") {
  Adjacency graph = twelve(kWhole);
  const double R = replacement_score(graph), C = completeness_score(graph);
  // Edge 3 <- 1, a path to leaves, leaves the graph but stays in the normaliser.
  graph.rows[3].erase(graph.rows[3].begin() + 1);
  graph.rest.assign(12, 0.0);
  graph.rest[3] = 10;
  CHECK(rest_influence(graph, influence(graph)) == doctest::Approx(1. / 12));
  CHECK(replacement_score(graph) < R);
  CHECK(completeness_score(graph) < C);
}

TEST_CASE("pruning keeps the smallest set of features with the share, and what hangs together") {
  const Adjacency graph = twelve(kWhole);
  // Features by influence: 1 (1/3), 3 (1/4), 0 (1/12); their sum is 2/3, of which .8 needs 1 and 3.
  Pruned kept = prune(graph, {0.8, 1.0, true});
  CHECK(kept.node == std::vector<uint8_t>{0, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1, 1});
  CHECK(kept.edges() == 8);
  CHECK(kept.cumulative[1] == doctest::Approx(0.5));
  CHECK(kept.cumulative[3] == doctest::Approx(0.875));
  CHECK(kept.cumulative[0] == doctest::Approx(1.0));
  kept = prune(graph, {1.0, 1.0, true});
  CHECK(kept.node == std::vector<uint8_t>{1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1, 1});
  // Errors as candidates: 1 and 6 (1/3 each), then 3 and 8; .5 of 5/4 needs 1 and 6.
  kept = prune(graph, {0.5, 1.0, false});
  CHECK(kept.node == std::vector<uint8_t>{0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1});
}

TEST_CASE("edges below the share go, and with them the nodes that only they connect") {
  // Of the eight edges' scores (4 x 1/4, 2 x 3/16, 2 x 1/8) the six largest are 11/13 of the sum.
  const Pruned kept = prune(twelve(kPruned), {1.0, 0.8, true});
  CHECK(kept.edges() == 5);  // the sixth, and 11 <- 3, whose source then has no input
  CHECK(kept.node[3] == 0);
  CHECK(kept.node[6] == 1);
}

TEST_CASE("what pruning removed is unexplained if it is kept as rest, or forgotten") {
  const Adjacency graph = twelve(kWhole);
  const Pruned kept = prune(graph, {0.4, 1.0, true});
  REQUIRE(kept.node[3] == 0);
  const Adjacency open = restrict_to(graph, kept, true), shut = restrict_to(graph, kept, false);
  CHECK(open.rest[11] == doctest::Approx(10));
  CHECK(shut.rest[11] == 0);
  CHECK(replacement_score(open) < replacement_score(shut));
}

TEST_CASE("a cycle is refused; a graph without edges has no influence") {
  CHECK(error_of([] {
          influence(twelve({{11, {1}}, {1, {3}}, {3, {1}}}));
        }).starts_with("[graph] expected edges without a cycle"));
  for (const double value : influence(twelve({}))) CHECK(value == 0);
  CHECK(prune(twelve({})).nodes() == 3);  // the leaves and the logit
}
