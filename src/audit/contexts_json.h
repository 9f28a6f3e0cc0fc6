#pragma once
/// What `otoscope contexts` found, as a record holds it.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace otoscope::audit {

/// Of a contexts.json: its hash, and the verdict on each pair in its own words. UserError
/// "[--contexts] …" for anything else.
nlohmann::ordered_json contexts_json(const std::optional<std::string>& text);

}  // namespace otoscope::audit
