#include "otoscope/core/markup.h"

#include <doctest/doctest.h>

namespace otoscope {

TEST_CASE("escaped text is content and attribute of HTML and XML, and nothing else changes") {
  CHECK(markup_escaped("a < b && \"c\" > 'd'") ==
        "a &lt; b &amp;&amp; &quot;c&quot; &gt; &#39;d&#39;");
  CHECK(markup_escaped("&lt;") == "&amp;lt;");
  CHECK(markup_escaped("où, где, 😀\n\t") == "où, где, 😀\n\t");
  CHECK(markup_escaped("").empty());
}

}  // namespace otoscope
