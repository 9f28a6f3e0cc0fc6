#pragma once
/// GPT-2's printable spelling of bytes: 0x21-7E, A1-AC and AE-FF stand for themselves, the other 68
/// are U+0100 and up (formats.md §1.4). A space is U+0120.

#include <optional>
#include <string>
#include <string_view>

namespace otoscope::model {

/// UTF-8 of a token in the alphabet -> its bytes; nothing if a character is not of the alphabet.
std::optional<std::string> bytes_of_spelling(std::string_view spelling);
std::string spelling_of_bytes(std::string_view bytes);

}  // namespace otoscope::model
