#include "features/naming/chat.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/json.h"

namespace otoscope::features {
namespace {

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Control characters (C0, DEL, C1), directional overrides and bytes that are no UTF-8.
bool readable(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t more = lead < 0x80         ? 0
                        : (lead >> 5) == 6  ? 1
                        : (lead >> 4) == 14 ? 2
                        : (lead >> 3) == 30 ? 3
                                            : 9;
    if (more == 9 || i + more >= text.size()) return false;
    uint32_t code = more == 0 ? lead : lead & (0x3FU >> more);
    for (size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next >> 6) != 2) return false;
      code = code << 6 | (next & 0x3FU);
    }
    constexpr uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    const bool turns = (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
                       (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
    if (code < kLeast[more] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) || control ||
        turns)
      return false;
    i += more + 1;
  }
  return true;
}

/// The first piece of a text between two brackets that is JSON; null where there is none.
io::Json piece_of(std::string_view content, char opening, char closing) {
  const size_t begin = content.find(opening);
  if (begin == std::string_view::npos) return {};
  const size_t end = content.find(closing, begin);
  if (end == std::string_view::npos) return {};
  try {
    return io::parse_json(content.substr(begin, end - begin + 1), "answer");
  } catch (const UserError&) {
    return {};
  }
}

}  // namespace

std::string chat_address(std::string endpoint) {
  while (ends_with(endpoint, "/")) endpoint.pop_back();
  if (ends_with(endpoint, "/chat/completions")) return endpoint;
  const size_t host = endpoint.find("://");
  const bool bare = host != std::string::npos && endpoint.find('/', host + 3) == std::string::npos;
  return endpoint + (bare ? "/v1/chat/completions" : "/chat/completions");
}

std::string chat_body(const std::string& model, const std::string& system, const std::string& user,
                      int most_tokens) {
  return io::OrderedJson{
      {"model", model},
      {"temperature", 0},
      {"seed", 0},
      {"max_tokens", most_tokens},
      {"messages",
       {{{"role", "system"}, {"content", system}}, {{"role", "user"}, {"content", user}}}}}
      .dump(-1, ' ', false, io::OrderedJson::error_handler_t::replace);
}

std::string chat_content(std::string_view answer, std::string_view where) {
  const io::Json json = io::parse_json(answer, where);
  const io::Json& choices = io::member_at(json, "choices", where);
  if (!choices.is_array() || choices.empty())
    throw UserError(std::string(where), "expected at least one choice in the answer, got none");
  return io::string_at(io::member_at(choices[0], "message", where), "content", where);
}

std::optional<std::string> name_in(std::string_view content) {
  std::string name = trimmed(content);
  const io::Json object = piece_of(content, '{', '}');
  if (object.is_object()) {
    if (!object.contains("name") || !object["name"].is_string()) return {};
    name = trimmed(object["name"].get<std::string>());
  }
  if (name.size() > 1 && name.front() == '"' && name.back() == '"')
    name = trimmed(std::string_view(name).substr(1, name.size() - 2));
  if (name.empty() || name.size() > kLongestName || !readable(name)) return {};
  return name;
}

std::optional<std::vector<int>> picks_in(std::string_view content, int n) {
  const io::Json list = piece_of(content, '[', ']');
  if (!list.is_array()) return {};
  std::vector<int> picks;
  for (const io::Json& one : list) {
    if (!one.is_number_integer()) return {};
    const auto number = one.get<int64_t>();
    if (number < 1 || number > n) return {};
    picks.push_back(static_cast<int>(number));
  }
  std::sort(picks.begin(), picks.end());
  picks.erase(std::unique(picks.begin(), picks.end()), picks.end());
  return picks;
}

}  // namespace otoscope::features
