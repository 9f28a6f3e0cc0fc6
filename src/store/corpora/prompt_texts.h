#pragma once
#include <map>
#include <string>
#include <string_view>

namespace otoscope::store {

/// "; comment" and "id: text" lines, the lists that come with Asterisk's recordings. Where an id
/// stands twice the first text counts. Not UTF-8: UserError [where].
std::map<std::string, std::string> parse_prompt_texts(std::string_view file,
                                                      std::string_view where);

/// The words that are spoken: notes in (), [] and <> are not, and white space is made plain.
std::string spoken_text(std::string_view text);
/// True for a text that only describes a sound: "[this is a simple beep tone]".
bool describes_a_sound(std::string_view text);

/// The text of `id`, also where the list and the files differ in case ("letters/O").
const std::string* text_of(const std::map<std::string, std::string>& texts, const std::string& id);

}  // namespace otoscope::store
