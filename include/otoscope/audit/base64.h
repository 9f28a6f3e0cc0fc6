#pragma once
/// Base64 (RFC 4648) with padding.

#include <string>
#include <string_view>

namespace otoscope::audit {

std::string to_base64(std::string_view bytes);
/// The standard and the URL-safe alphabet, padded; anything else: UserError "[where] …".
std::string from_base64(std::string_view text, std::string_view where);

}  // namespace otoscope::audit
