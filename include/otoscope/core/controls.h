#pragma once
/// Foreign text on one line.

#include <string>
#include <string_view>

namespace otoscope {

/// Control characters (C0 and DEL) but those of `keep` become spaces: foreign text may not move a
/// terminal's cursor, break a message's line or a file of XML 1.0.
std::string without_controls(std::string text, std::string_view keep = {});

}  // namespace otoscope
