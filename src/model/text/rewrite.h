#pragma once
/// The few shapes of regular expression that the normalisers need, by hand, on code points. Each
/// function replaces every match from left to right, none of them overlapping, as re.sub does.

#include <string>
#include <string_view>

namespace otoscope::model::text {

inline bool is_ascii_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
/// True between a word character and none (\b).
bool at_word_boundary(std::u32string_view text, size_t at);

/// \bfrom\b -> to; without `left`, only the end must be a boundary.
std::u32string replace_word(std::u32string_view text, std::u32string_view from,
                            std::u32string_view to, bool left = true);
/// <…> and […], with either end, and (…): dropped.
std::u32string drop_brackets(std::u32string_view text);
/// Runs of white space as one space.
std::u32string collapse_spaces(std::u32string_view text);
/// White space before an apostrophe: dropped.
std::u32string join_apostrophes(std::u32string_view text);
/// A comma between decimal digits: dropped.
std::u32string drop_digit_commas(std::u32string_view text);
/// One of `symbols` that no 0-9 follows: a space before what follows, as ([symbols])([^0-9]) ->
/// " \2". At the very end it is a space too if `at_end`, else it stays.
std::u32string drop_symbols_before_text(std::u32string_view text, std::u32string_view symbols,
                                        bool at_end);
/// ([^0-9])% -> "\1 "
std::u32string drop_percent_after_text(std::u32string_view text);

}  // namespace otoscope::model::text
