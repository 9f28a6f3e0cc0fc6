#pragma once
/// Writes HTML from the inside out: text is always escaped, tags always closed.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace otoscope::serve {

using Attributes = std::vector<std::pair<std::string, std::string>>;

class Html {
 public:
  Html& open(std::string_view tag, const Attributes& attributes = {});
  Html& close();
  Html& text(std::string_view text);
  /// Markup made by this room (charts, bound numbers); never foreign text.
  Html& raw(std::string_view markup);
  /// <tag attributes>text</tag>
  Html& leaf(std::string_view tag, std::string_view text, const Attributes& attributes = {});
  /// A tag without content: img, input.
  Html& single(std::string_view tag, const Attributes& attributes);
  /// The document so far; every tag must be closed.
  std::string take();

 private:
  void write_open(std::string_view tag, const Attributes& attributes);
  std::string out_;
  std::vector<std::string> open_;
};

}  // namespace otoscope::serve
