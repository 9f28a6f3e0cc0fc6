#pragma once
/// Text inside HTML and XML.

#include <string>
#include <string_view>

namespace otoscope {

/// & < > " ' as entities that HTML and XML both know (&#39;: HTML 4 has no &apos;), so that the
/// same text may stand in content and in attributes of either. All else is left as it is.
std::string markup_escaped(std::string_view text);

}  // namespace otoscope
