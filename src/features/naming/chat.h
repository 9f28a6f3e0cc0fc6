#pragma once
/// What is said to a chat endpoint, and what is taken from its answers: nothing in them is trusted.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace otoscope::features {

/// ".../v1", ".../chat/completions" or the bare host -> the address to post to.
std::string chat_address(std::string endpoint);
/// The body of a question: temperature 0, a fixed seed, at most `most_tokens` back.
std::string chat_body(const std::string& model, const std::string& system, const std::string& user,
                      int most_tokens);
/// choices[0].message.content of an answer. UserError [where] where there is none.
std::string chat_content(std::string_view answer, std::string_view where);

inline constexpr size_t kLongestName = 80;  // bytes
/// The name in an answer: the `name` of a JSON object in it, else its only line. Nothing where it
/// is empty, longer than kLongestName, of several lines, not UTF-8, or holds control characters.
std::optional<std::string> name_in(std::string_view content);
/// The numbers 1 … n of the first JSON list in an answer, ascending, each once. Nothing where there
/// is no list, or it holds anything else.
std::optional<std::vector<int>> picks_in(std::string_view content, int n);

}  // namespace otoscope::features
