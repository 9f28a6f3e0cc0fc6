#pragma once
/// JSON by nlohmann-json, with the house's limits: no duplicate keys, no NaN or Infinity, depth
/// <= 64. Include <nlohmann/json.hpp> in .cpp files only (it costs 1.8 s a file).

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/core/options.h"

namespace otoscope::io {

using Json = nlohmann::json;
/// Keeps the order of keys: for what people read.
using OrderedJson = nlohmann::ordered_json;

/// where names the source in the error: "cfg.json". Errors carry the byte offset.
Json parse_json(std::string_view text, std::string_view where);
Json read_json(const std::filesystem::path& path, int64_t limit = int64_t{64} << 20);
/// Indented by 1, a newline at the end, whole or absent. A NaN or infinity in it is a UserError.
void write_json(const std::filesystem::path& path, const Json& json);
void write_json(const std::filesystem::path& path, const OrderedJson& json);

/// The member `key` of an object, typed, or a UserError "[where] expected NUMBER at KEY, got …".
int64_t integer_at(const Json& json, std::string_view key, std::string_view where);
double number_at(const Json& json, std::string_view key, std::string_view where);
std::string string_at(const Json& json, std::string_view key, std::string_view where);
bool bool_at(const Json& json, std::string_view key, std::string_view where);
const Json& member_at(const Json& json, std::string_view key, std::string_view where);

/// Options struct <-> JSON; unknown keys are a UserError with the nearest name.
OrderedJson options_to_json(const std::vector<OptionRef>& options);
void options_from_json(const std::vector<OptionRef>& options, const Json& json,
                       std::string_view where);

}  // namespace otoscope::io
