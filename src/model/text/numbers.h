#pragma once
/// Spelled English numbers to digits, as Whisper's normaliser does it, its quirks included:
/// "twenty one" 21, "nineteen oh five" 1905, "two and a half" 2.5, "five dollars" $5.

#include <string>
#include <string_view>

namespace otoscope::model::text {

std::u32string numbers_to_digits(std::u32string_view text);

}  // namespace otoscope::model::text
