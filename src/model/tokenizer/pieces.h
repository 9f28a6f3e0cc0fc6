#pragma once
/// GPT-2's cut of a text into pieces, within which tokens are merged:
/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

#include <string_view>
#include <vector>

namespace otoscope::model {

std::vector<std::string_view> split_pieces(std::string_view text);

}  // namespace otoscope::model
