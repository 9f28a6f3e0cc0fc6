#include "otoscope/audit/review.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "otoscope/audit/cases.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::Json;
using io::OrderedJson;

constexpr std::string_view kSchema = "otoscope.audit-review";

void shuffle(std::vector<ReviewItem>& items, Rng& rng) {
  std::vector<ReviewItem> mixed;
  for (const int64_t i : rng.permutation(static_cast<int64_t>(items.size())))
    mixed.push_back(std::move(items[static_cast<size_t>(i)]));
  items = std::move(mixed);
}

std::string_view name_of(Said said) {
  return said == Said::fails ? "fails" : said == Said::passes ? "passes" : "unsure";
}

}  // namespace

std::vector<ReviewItem> choose_items(std::string_view cases, std::string_view where, int each,
                                     uint64_t seed) {
  std::vector<ReviewItem> kinds[2];
  for_each_case(cases, std::string(where) + ":",
                [&](const Json& json, Judgement::Answer answer, const std::string& here) {
                  if (answer == Judgement::Answer::error) return;
                  ReviewItem item;
                  item.id = io::string_at(json, "id", here);
                  item.audio = io::string_at(json, "audio", here);
                  item.offset = io::number_at(json, "offset", here);
                  item.seconds = io::number_at(json, "seconds", here);
                  item.text = io::string_at(json, "text", here);
                  if (const Json& reference = io::member_at(json, "reference", here);
                      reference.is_string())
                    item.reference = reference.get<std::string>();
                  item.flagged = answer == Judgement::Answer::fails;
                  kinds[item.flagged ? 1 : 0].push_back(std::move(item));
                });
  Rng rng(seed, "audit: review");
  std::vector<ReviewItem> items;
  for (auto& kind : kinds) {
    shuffle(kind, rng);
    if (kind.size() > static_cast<size_t>(each)) kind.resize(static_cast<size_t>(each));
    for (ReviewItem& item : kind) items.push_back(std::move(item));
  }
  shuffle(items, rng);
  return items;
}

OrderedJson review(const std::vector<ReviewItem>& items, const std::string& mode,
                   const std::string& predicate_sha256, const std::string& cases_sha256,
                   const std::string& judge, const std::optional<Json>& before, const Ask& ask) {
  OrderedJson json{{"schema", kSchema},
                   {"version", 1},
                   {"mode", mode},
                   {"predicate_sha256", predicate_sha256},
                   {"cases_sha256", cases_sha256},
                   {"judge", judge},
                   {"answers", OrderedJson::array()}};
  std::set<std::string> known;
  if (before) {
    if (io::string_at(*before, "cases_sha256", "review") != cases_sha256)
      throw UserError("review", "the answers there are of other cases", "give another --out");
    if (const std::string by = io::string_at(*before, "judge", "review"); by != judge)
      throw UserError("review", "the answers there are by " + by + ", not by " + judge,
                      "give another --out");
    for (const Json& one : io::member_at(*before, "answers", "review")) {
      known.insert(io::string_at(one, "id", "review"));
      json["answers"].push_back(OrderedJson(one));
    }
  }
  size_t number = 0;
  for (const ReviewItem& item : items) {
    ++number;
    if (known.contains(item.id)) continue;
    const std::optional<Said> said = ask(item, number, items.size());
    if (!said) break;
    json["answers"].push_back(
        {{"id", item.id}, {"flagged", item.flagged}, {"says", name_of(*said)}});
  }
  return json;
}

OrderedJson precision_json(const Json& review, const FailureMode& mode, const Rate& rate) {
  const std::string where = "--review";
  if (io::string_at(review, "schema", where) != kSchema)
    throw UserError(where, "expected the schema " + std::string(kSchema));
  if (io::integer_at(review, "version", where) != 1)
    throw UserError(where, "expected version 1", "a newer otoscope wrote it");
  if (io::string_at(review, "predicate_sha256", where) != mode.hash)
    throw UserError(where, "was made for another predicate than " + mode.id,
                    "judge cases of this one: `otoscope audit review`");
  int64_t asked[2] = {0, 0}, fails[2] = {0, 0};
  std::set<std::string> ids;
  const Json& answers = io::member_at(review, "answers", where);
  if (!answers.is_array()) throw UserError(where, "expected a list at answers");
  for (const Json& one : answers) {
    if (!ids.insert(io::string_at(one, "id", where)).second)
      throw UserError(where,
                      "expected each case once, got " + one["id"].get<std::string>() + " twice");
    const std::string says = io::string_at(one, "says", where);
    const size_t kind = io::bool_at(one, "flagged", where) ? 1 : 0;
    if (says != "fails" && says != "passes" && says != "unsure")
      throw UserError(where, "expected fails, passes or unsure, got " + says.substr(0, 80));
    if (says == "unsure") continue;
    ++asked[kind];
    fails[kind] += says == "fails" ? 1 : 0;
  }
  if (asked[0] + asked[1] == 0)
    return {{"measured", false}, {"why", "no one has judged the predicate's answers"}};
  const Estimate precision = wilson(fails[1], asked[1]), missed = wilson(fails[0], asked[0]);
  const auto k = static_cast<double>(rate.fails), u = static_cast<double>(rate.n - rate.fails);
  const auto recall_of = [&](double p, double m) {
    const double all = p * k + m * u;
    return all > 0 ? p * k / all : 0;
  };
  Estimate recall{recall_of(precision.value, missed.value),
                  recall_of(precision.low, missed.high),
                  recall_of(precision.high, missed.low),
                  asked[0] + asked[1],
                  0,
                  "ends of both Wilson intervals at once"};
  recall.clusters = recall.n;
  return {{"measured", true},
          {"flagged", {{"asked", asked[1]}, {"agreed", fails[1]}}},
          {"unflagged", {{"asked", asked[0]}, {"agreed", asked[0] - fails[0]}}},
          {"precision", io::to_json(precision)},
          {"recall", io::to_json(recall)},
          {"judges", {io::string_at(review, "judge", where)}},
          {"sha256", io::sha256(review.dump())}};
}

}  // namespace otoscope::audit
