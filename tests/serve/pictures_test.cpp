#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>

#include <cmath>
#include <vector>

#include "serve/chart.h"
#include "serve/html.h"
#include "serve/png.h"
#include "serve/shared_word.h"

namespace otoscope::serve {

TEST_CASE("foreign text never becomes markup") {
  Html html;
  html.open("p", {{"title", "\"><script>"}}).text("<b>&'").close();
  CHECK(html.take() == "<p title=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt;&amp;&#39;</p>\n");
}

TEST_CASE("a png holds the pixels that went in") {
  const std::vector<uint8_t> pixels = {0, 1, 2, 253, 254, 255};
  const std::string file = png(pixels, 3, 2, heat_palette());
  CHECK(file.substr(1, 3) == "PNG");
  CHECK(static_cast<unsigned char>(file[19]) == 3);  // width, low byte
  CHECK(static_cast<unsigned char>(file[23]) == 2);
  const size_t data = file.find("IDAT") + 4;
  std::vector<uint8_t> raw(8);
  uLongf size = raw.size();
  REQUIRE(uncompress(raw.data(), &size, reinterpret_cast<const Bytef*>(file.data()) + data,
                     static_cast<uLong>(file.size() - data)) == Z_OK);
  CHECK(raw == std::vector<uint8_t>{0, 0, 1, 2, 0, 253, 254, 255});
}

TEST_CASE("charts leave out what is not finite and keep what is") {
  const std::string svg =
      line_chart("loss", {{"a", {1, 2, 3}, {1, NAN, 0.1}}, {"b", {}, {}}}, {"step"}, {"fvu", true});
  CHECK(svg.find("nan") == std::string::npos);
  const size_t points = svg.find("points=\"") + 8;
  const std::string list = svg.substr(points, svg.find('"', points) - points);
  CHECK(std::count(list.begin(), list.end(), ',') == 2);
  CHECK(interval_chart("x", {{"only", 1, NAN, NAN}}, {"wer"}).find("whisker") == std::string::npos);
}

TEST_CASE("a bar is as wide as its share, and no wider than the whole") {
  CHECK(share_width(.25) == "25.0%");
  for (const double over : {1.0, 2.0, 1e300, static_cast<double>(INFINITY)})
    CHECK(share_width(over) == "100.0%");
  for (const double none : {0.0, -1.0, static_cast<double>(NAN)})
    CHECK(share_width(none) == "0.0%");
}

TEST_CASE("numbers that are huge, or closer than they can be told apart, still make a picture") {
  for (const double close : {1e16 + 2, 1e16, 1.0, 1e300, -1e300, 1e-300}) {
    const std::string svg = line_chart("x", {{"a", {1, 2}, {1e16, close}}}, {"step"}, {"value"});
    CHECK(svg.find("class=\"tick\"") != std::string::npos);
    CHECK(svg.find("nan") == std::string::npos);
    CHECK(svg.size() < 10000);
  }
}

TEST_CASE("a dose chart has a line for what is tested, and dots under it for controls") {
  const std::string svg = response_chart(
      "dose",
      {{"tested", {{0, 0.5, 0.4, 0.6}, {1, 0.7, NAN, NAN}, {2, NAN, NAN, NAN}}, Drawn::line},
       {"random", {{1, 0.5, NAN, NAN}, {1, 0.6, NAN, NAN}}, Drawn::control},
       {"tried", {{1, 0.5, 0.5, 0.5}}, Drawn::dots}},
      {"dose"}, {"share"});
  const auto count = [&](const std::string& piece) {
    int64_t n = 0;
    for (size_t at = svg.find(piece); at != std::string::npos; at = svg.find(piece, at + 1)) ++n;
    return n;
  };
  CHECK(svg.find("nan") == std::string::npos);
  CHECK(count("<circle") == 5);
  CHECK(count("<polyline") == 1);
  CHECK(count("class=\"whisker") == 2);
  CHECK(svg.find("dot null") < svg.find("dot s0"));
  CHECK(count("<li class=\"null\">random</li>") == 1);
}

TEST_CASE("a word shared by rare chance beats a common one") {
  const std::vector<std::string> texts = {"call the operator", "the operator", "the line",
                                          "the pound operator"};
  const SharedWord shared = shared_word(
      texts, {{"the", 90}, {"operator", 3}, {"call", 5}, {"line", 4}, {"pound", 6}}, 100);
  CHECK(shared.word == "operator");
  CHECK(shared.examples == 3);
  CHECK(shared_word({"a", "b"}, {{"a", 1}, {"b", 1}}, 2).examples == 0);
}

}  // namespace otoscope::serve
