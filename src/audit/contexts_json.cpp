#include "audit/contexts_json.h"

#include "otoscope/core/errors.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {

nlohmann::ordered_json contexts_json(const std::optional<std::string>& text) {
  using io::OrderedJson;
  if (!text)
    return {{"measured", false}, {"why", "one data set, one recording condition: not compared"}};
  const std::string where = "--contexts";
  const io::Json found = io::parse_json(*text, where);
  if (io::string_at(found, "schema", where) != "otoscope.contexts")
    throw UserError(where, "expected the schema otoscope.contexts",
                    "`otoscope contexts` writes it");
  if (io::integer_at(found, "version", where) != 1)
    throw UserError(where, "expected version 1", "a newer otoscope wrote it");
  OrderedJson json{
      {"measured", true}, {"sha256", io::sha256(*text)}, {"comparisons", OrderedJson::array()}};
  const io::Json& comparisons = io::member_at(found, "comparisons", where);
  if (!comparisons.is_array()) throw UserError(where, "expected a list at comparisons");
  for (const io::Json& one : comparisons) {
    const io::Json& verdict = io::member_at(one, "verdict", where);
    const io::Json& because = io::member_at(verdict, "because", where);
    if (!because.is_array()) throw UserError(where, "expected a list at because");
    OrderedJson reasons = OrderedJson::array();
    for (const io::Json& reason : because) {
      if (!reason.is_string()) throw UserError(where, "expected texts at because");
      reasons.push_back(reason.get<std::string>());
    }
    json["comparisons"].push_back({{"first", io::string_at(one, "first", where)},
                                   {"second", io::string_at(one, "second", where)},
                                   {"verdict", io::string_at(verdict, "level", where)},
                                   {"sentence", io::string_at(verdict, "sentence", where)},
                                   {"because", reasons}});
  }
  return json;
}

}  // namespace otoscope::audit
