#pragma once
/// JSON Schema, the part of draft 2020-12 that our schemas use: type, properties, required,
/// additionalProperties, items, enum, const, minimum, maximum, minItems, maxItems, minLength,
/// maxLength, pattern (of hexadecimal hashes and words: see kPatterns), anyOf, $ref within $defs.

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace otoscope::audit {

class Schema {
 public:
  /// A keyword that is not among the above would be a check that is silently left out: UserError,
  /// as for a $ref that leads nowhere or in circles.
  Schema(const nlohmann::json& schema, std::string_view where);
  Schema(Schema&&) noexcept;
  ~Schema();

  /// One line each, "/rate/value: expected a number, got a string"; at most 20, empty where all
  /// holds.
  std::vector<std::string> problems(const nlohmann::json& document) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What this program writes; it reads all from 1 on.
inline constexpr int kRecordVersion = 2;
/// docs/schemas/audit-record.vN.schema.json, as it was when the program was built.
const Schema& record_schema(int version = kRecordVersion);
std::string_view record_schema_text(int version = kRecordVersion);
/// Problems by the schema of the record's own version; of a version that is not known, by the
/// newest.
std::vector<std::string> record_problems(const nlohmann::json& record);

}  // namespace otoscope::audit
