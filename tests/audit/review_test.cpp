#include "otoscope/audit/review.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "support/errors.h"

namespace otoscope::audit {
namespace {

using otoscope::testing::error_of;

std::string line(const std::string& id, const std::string& answer) {
  return io::OrderedJson{{"id", id},      {"audio", id + ".wav"}, {"offset", 0},     {"seconds", 1},
                         {"text", "you"}, {"reference", nullptr}, {"answer", answer}}
             .dump() +
         "\n";
}

std::string some_cases() {
  std::string lines;
  for (int i = 0; i < 12; ++i)
    lines += line(std::to_string(i), i < 5 ? "fails" : i < 10 ? "passes" : "error");
  return lines;
}

/// Everything that is asked is called a failure.
io::OrderedJson reviewed(const std::string& judge, const std::optional<io::Json>& before,
                         int64_t most = 1000) {
  return review(choose_items(some_cases(), "c", 100, 0), "odd", "p", "h", judge, before,
                [&](const ReviewItem&, size_t number, size_t) {
                  return static_cast<int64_t>(number) <= most ? std::optional(Said::fails)
                                                              : std::nullopt;
                });
}

}  // namespace

TEST_CASE("cases are drawn of both kinds, and those that could not be judged are left out") {
  const auto items = choose_items(some_cases(), "c", 3, 0);
  CHECK(items.size() == 6);
  CHECK(std::count_if(items.begin(), items.end(), [](const auto& one) { return one.flagged; }) ==
        3);
  CHECK(choose_items(some_cases(), "c", 100, 0).size() == 10);
  CHECK(error_of([] { choose_items(line("a", "fails") + line("b", "maybe"), "c", 3, 0); }) ==
        "[c:2] expected fails, passes or error at answer, got maybe.");
}

TEST_CASE("a review broken off goes on, by the same judge alone") {
  const auto part = reviewed("me", {}, 4);
  CHECK(part.at("answers").size() == 4);
  CHECK(reviewed("me", io::Json(part)).at("answers").size() == 10);
  CHECK(error_of([&] {
          reviewed("you", io::Json(part));
        }).find("[review] the answers there are by me, not by you") == 0);
  io::Json other(part);
  other["cases_sha256"] = "x";
  CHECK(error_of([&] { reviewed("me", other); }).find("of other cases") != std::string::npos);
}

TEST_CASE("precision counts the flagged, recall weighs both kinds by how many there were") {
  FailureMode mode;
  mode.id = "odd", mode.hash = "p";
  Rate rate;
  rate.fails = 5, rate.n = 10;
  const auto json = precision_json(io::Json(reviewed("me", {})), mode, rate);
  CHECK(json.at("precision").at("value") == doctest::Approx(1));
  // All 5 unflagged ones are failures too: half of what fails is found.
  CHECK(json.at("recall").at("value") == doctest::Approx(.5));
  CHECK(json.at("recall").at("low").get<double>() < .45);
  CHECK(json.at("recall").at("high").get<double>() <= 1);
  CHECK(json.at("judges") == io::OrderedJson::array({"me"}));
  mode.hash = "q";
  CHECK(error_of([&] {
          precision_json(io::Json(reviewed("me", {})), mode, rate);
        }).find("another predicate") != std::string::npos);
}

}  // namespace otoscope::audit
