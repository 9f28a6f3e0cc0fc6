#pragma once
#include <string>
#include <string_view>

namespace otoscope::audio {

/// The text as UTF-8 without a byte order mark: UTF-16 of either order (with its mark) is
/// converted. Neither valid UTF-8 nor UTF-16: UserError "[where] …".
std::string utf8_of(std::string_view bytes, std::string_view where);

}  // namespace otoscope::audio
