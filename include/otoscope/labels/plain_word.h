#pragma once
/// How words are spelled in labels.

#include <string>
#include <string_view>

namespace otoscope::labels {

/// Lower case, without punctuation around it: "L'eau," -> "l'eau".
std::string plain_word(std::string_view word);

}  // namespace otoscope::labels
