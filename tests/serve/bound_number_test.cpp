#include "serve/bound_number.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "otoscope/core/markup.h"
#include "otoscope/io/file.h"
#include "otoscope/serve/check.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::serve {
namespace {

Document sample(const std::string& file) {
  return {file, std::make_shared<io::Json>(
                    io::Json{{"fvu", {{"value", 0.08124}, {"low", 0.0801}, {"high", 0.0824}}},
                             {"rows", 34211},
                             {"none", nullptr},
                             {"name", "x"}})};
}

}  // namespace

TEST_CASE("numbers read as people write them") {
  CHECK(formatted(34211, "count") == "34,211");
  CHECK(formatted(-1234567, "count") == "-1,234,567");
  CHECK(formatted(999, "count") == "999");
  CHECK(formatted(0.08124, "fixed3") == "0.081");
  CHECK(formatted(0.5, "signed2") == "+0.50");
  CHECK(formatted(0.256, "percent1") == "25.6 %");
  CHECK(formatted(83, "time") == "1 min 23 s");
}

TEST_CASE("a bound number carries file, pointer and value") {
  const Document document = sample("sae/x/eval.json");
  CHECK(bound(document, "/fvu/value", "fixed3") ==
        "<data value=\"0.08124\" data-file=\"sae/x/eval.json\" data-pointer=\"/fvu/value\" "
        "data-format=\"fixed3\">0.081</data>");
  CHECK(bound(document, "/none", "fixed3").find("data") == std::string::npos);
  CHECK(testing::error_of([&] {
          bound(document, "/missing", "fixed3");
        }).find("[sae/x/eval.json] expected a number at /missing") == 0);
  CHECK(testing::error_of([&] { bound(document, "/name", "fixed3"); }).find("got string") !=
        std::string::npos);
}

TEST_CASE(
    "the check finds a changed number, a changed file and a bare numeral, and passes what is "
    "true") {
  const testing::TemporaryFolder folder;
  const Document document = sample("eval.json");
  io::write_json(folder.path() / "eval.json", *document.json);
  const std::string cell = "<table><tr><th>BatchTopK 8</th><td>" +
                           bound_estimate(document, "/fvu", "fixed3") + "</td></tr></table>";
  const ReportCheck good = check_report(cell, folder.path());
  CHECK(good.numbers == 3);
  CHECK(good.problems.empty());

  std::string edited = cell;
  edited.replace(edited.find(">0.081<"), 7, ">0.071<");
  CHECK(check_report(edited, folder.path()).problems.size() == 1);

  io::Json changed = *document.json;
  changed["fvu"]["value"] = 0.2;
  io::write_json(folder.path() / "eval.json", changed);
  CHECK(check_report(cell, folder.path()).problems.size() == 1);

  CHECK(check_report("<td>about 5 %</td>", folder.path()).problems.size() == 1);
  CHECK(check_report("<td>none</td><p>5</p>", folder.path()).problems.empty());
  CHECK(check_report(bound(sample("../outside.json"), "/rows", "count"), folder.path())
            .problems.size() == 1);
}

TEST_CASE(
    "a foreign report with unknown formats or numbers beyond integers is judged, not feared") {
  const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "x.json", R"({"big": -1e300, "a&amp;b": 1, "n": 0.4})");
  const auto problems = [&](const std::string& value, const char* pointer, const char* format,
                            const std::string& shown) {
    return check_report("<data value=\"" + value + "\" data-file=\"x.json\" data-pointer=\"" +
                            markup_escaped(pointer) + "\" data-format=\"" + format + "\">" + shown +
                            "</data>",
                        folder.path())
        .problems;
  };
  for (const char* format : {"fixedx", "fixed", "", "bound", "percent-"}) {
    REQUIRE(problems("0.4", "/n", format, "0.4").size() == 1);
    CHECK(problems("0.4", "/n", format, "0.4")[0].find("no format") != std::string::npos);
  }
  CHECK(problems("0.4", "/n", "count", "0").empty());
  CHECK(problems("1", "/a&amp;b", "count", "1").empty());
  const std::string count = formatted(-1e300, "count");
  CHECK(count.size() == 302 + 100);  // sign, 301 digits, a comma before every three but the first
  CHECK(problems("-1e+300", "/big", "count", count).empty());
  for (const char* format : {"time", "bytes", "short", "fixed2", "percent1"})
    CHECK(problems("-1e+300", "/big", format, formatted(-1e300, format)).empty());
}

}  // namespace otoscope::serve
