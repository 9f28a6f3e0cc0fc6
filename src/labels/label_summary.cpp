#include "labels/label_summary.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

namespace otoscope::labels {
namespace {

using nlohmann::ordered_json;

double rounded(double value) { return std::round(value * 1e4) / 1e4; }

ordered_json to_json(const KindCount& kind) {
  ordered_json json;
  json["clips"] = kind.clips;
  json["labels"] = kind.labels;
  json["seconds_known"] = rounded(kind.seconds_known);
  json["sources"] = kind.sources;
  json["values"] = kind.values;
  return json;
}

ordered_json to_json(const WordCounts& words) {
  return {{"words", words.words},
          {"unknown", words.unknown},
          {"ambiguous", words.ambiguous},
          {"spelled_otherwise", words.spelled_otherwise}};
}

}  // namespace

ordered_json to_json(const LabelSummary& summary) {
  ordered_json json;
  json["schema"] = "otoscope.labels";
  json["version"] = 1;
  json["manifest"] = summary.manifest.string();
  json["clips"] = summary.clips;
  json["seconds"] = rounded(summary.seconds);
  json["kinds"] = ordered_json::object();
  for (const auto& [kind, count] : summary.kinds)
    json["kinds"][std::string(audio::label_kind_name(kind))] = to_json(count);
  json["left_out"] = summary.left_out;
  json["alignment_scores"] = ordered_json::array();
  for (const double score : summary.alignment_scores)
    json["alignment_scores"].push_back(rounded(score));
  json["words"] = ordered_json::object();
  for (const auto& [language, words] : summary.words) json["words"][language] = to_json(words);
  json["concepts"] = {{"count", summary.concepts}, {"texts", summary.concepts_learned_on}};
  json["concepts"]["dictionaries"] = ordered_json::array();
  for (const DictionaryCheck& check : summary.dictionaries)
    json["concepts"]["dictionaries"].push_back({{"pair", check.pair},
                                                {"known", check.known},
                                                {"confirmed", check.confirmed},
                                                {"control_known", check.control_known},
                                                {"control_confirmed", check.control_confirmed}});
  json["unknown_phones"] = summary.unknown_phones;
  json["notes"] = summary.notes;
  return json;
}

LabelSummary summary_of(const nlohmann::json& json, std::string_view where) {
  LabelSummary summary;
  try {
    summary.manifest = json.at("manifest").get<std::string>();
    summary.clips = json.at("clips").get<int64_t>();
    summary.seconds = json.at("seconds").get<double>();
    for (const auto& [name, kind] : json.at("kinds").items()) {
      KindCount& count = summary.kinds[audio::label_kind_named(where, name)];
      count.clips = kind.at("clips").get<int64_t>();
      count.labels = kind.at("labels").get<int64_t>();
      count.seconds_known = kind.at("seconds_known").get<double>();
      count.sources = kind.at("sources").get<std::set<std::string>>();
      count.values = kind.at("values").get<std::map<std::string, int64_t>>();
    }
    summary.left_out = json.at("left_out").get<std::map<std::string, int64_t>>();
    summary.alignment_scores = json.at("alignment_scores").get<std::vector<double>>();
    for (const auto& [language, words] : json.at("words").items())
      summary.words[language] = {
          words.at("words").get<int64_t>(), words.at("unknown").get<int64_t>(),
          words.at("ambiguous").get<int64_t>(), words.at("spelled_otherwise").get<int64_t>()};
    summary.concepts = json.at("concepts").at("count").get<int64_t>();
    summary.concepts_learned_on = json.at("concepts").at("texts").get<int64_t>();
    for (const auto& check : json.at("concepts").at("dictionaries"))
      summary.dictionaries.push_back(
          {check.at("pair").get<std::string>(), check.at("known").get<int64_t>(),
           check.at("confirmed").get<int64_t>(), check.at("control_known").get<int64_t>(),
           check.at("control_confirmed").get<int64_t>()});
    summary.unknown_phones = json.at("unknown_phones").get<int64_t>();
    summary.notes = json.at("notes").get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception& error) {
    throw UserError(where, std::string("expected a summary of labels: ") + error.what(),
                    "remove it, and label again");
  }
  return summary;
}

}  // namespace otoscope::labels
