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

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t j = 0; j < 3; ++j)
      word = (word << 8) | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j)
      out += i + j <= bytes.size() ? kDigits[(word >> (18 - 6 * j)) & 63] : '=';
  }
  return out;
}

}  // namespace otoscope::serve
