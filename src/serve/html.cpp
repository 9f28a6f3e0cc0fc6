#include "serve/html.h"

#include "otoscope/core/errors.h"
#include "otoscope/core/markup.h"

namespace otoscope::serve {

void Html::write_open(std::string_view tag, const Attributes& attributes) {
  out_ += '<';
  out_ += tag;
  for (const auto& [name, value] : attributes)
    out_ += " " + name + "=\"" + markup_escaped(value) + "\"";
  out_ += '>';
}

Html& Html::open(std::string_view tag, const Attributes& attributes) {
  write_open(tag, attributes);
  open_.emplace_back(tag);
  return *this;
}

Html& Html::close() {
  OTO_ASSERT(!open_.empty());
  const std::string tag = open_.back();
  open_.pop_back();
  out_ += "</" + tag + ">";
  if (tag != "span" && tag != "b" && tag != "mark") out_ += '\n';
  return *this;
}

Html& Html::text(std::string_view text) {
  out_ += markup_escaped(text);
  return *this;
}

Html& Html::raw(std::string_view markup) {
  out_ += markup;
  return *this;
}

Html& Html::leaf(std::string_view tag, std::string_view content, const Attributes& attributes) {
  return open(tag, attributes).text(content).close();
}

Html& Html::single(std::string_view tag, const Attributes& attributes) {
  write_open(tag, attributes);
  return *this;
}

std::string Html::take() {
  OTO_ASSERT(open_.empty());
  return std::move(out_);
}

}  // namespace otoscope::serve
