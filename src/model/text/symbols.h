#pragma once
#include <string>
#include <string_view>

namespace otoscope::model::text {

/// NFKC; marks, symbols and punctuation become spaces.
std::u32string remove_symbols(std::u32string_view text);
/// NFKD; diacritics go, other marks, symbols and punctuation become spaces, except those in `keep`.
std::u32string remove_symbols_and_diacritics(std::u32string_view text,
                                             std::u32string_view keep = {});

}  // namespace otoscope::model::text
