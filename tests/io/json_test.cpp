#include "otoscope/io/json.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/io/file.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using testing::error_of;

namespace {

std::string refusal(const std::string& text) {
  return error_of([&] { io::parse_json(text, "x.json"); });
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Sample {
  bool flag = false;
  int count = 3;
  int64_t large = 5;
  uint64_t seed = 7;
  float rate = 0.1f;
  double exact = 0.1;
  std::string name = "a";
  std::vector<std::string> sites;
  std::vector<int> widths{1, 2};
  std::vector<float> scales;
  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("flag", o.flag, "a flag");
    v("count", o.count, "a count", Range{1, 10});
    v("large", o.large, "a large number");
    v("seed", o.seed, "a seed");
    v("rate", o.rate, "a rate", Range{0, 1});
    v("exact", o.exact, "an exact number");
    v("name", o.name, "a name", Choices{{"a", "b"}});
    v("sites", o.sites, "names");
    v("widths", o.widths, "whole numbers", Range{1, 100});
    v("scales", o.scales, "numbers");
  }
};

}  // namespace

TEST_CASE("a document keeps its values and kinds") {
  const io::Json json = io::parse_json(
      R"( {"a": [1, -2, 2.5, true, null, "x\u00e9"], "big": 18446744073709551615, "o": {"": {}}} )",
      "x.json");
  CHECK(json["a"][0] == 1);
  CHECK(json["a"][1] == -2);
  CHECK(json["a"][2] == 2.5);
  CHECK(json["a"][3] == true);
  CHECK(json["a"][4].is_null());
  CHECK(json["a"][5] == "xé");
  CHECK(json["big"] == 18446744073709551615ULL);
  CHECK(json["o"][""].is_object());
  CHECK(io::parse_json("3", "x.json") == 3);
}

TEST_CASE("what is not JSON is refused with the byte it stops at") {
  CHECK(has(refusal("{\"a\": tru}"), "[x.json] expected JSON, got"));
  CHECK(has(refusal("{\"a\": tru}"), "(at byte 10)"));
  CHECK(has(refusal(""), "(at byte 0)"));
  for (const char* bad :
       {"{", "[1,", "[1,]", "{} x", "NaN", "[NaN]", "[Infinity]", "[-Infinity]", "[1e999]",
        "{\"a\" 1}", "'a'", "[01]", "// c\n1", "\"\xff\"", "\"\xc3\"", "\"\\ud800\"", "[\"a\nb\"]"})
    CHECK_MESSAGE(has(refusal(bad), "expected JSON"), bad);
  CHECK(has(refusal(std::string("{}\0x", 4)), "a NUL (at byte 2)"));
}

TEST_CASE("a key twice in one object is refused, in two objects it is not") {
  CHECK(has(refusal(R"({"a": 1, "b": 2, "a": 3})"), "got key \"a\" twice (at byte 20)"));
  CHECK(has(refusal(R"({"x": {"a": 1, "a": 1}})"), "got key \"a\" twice"));
  CHECK_NOTHROW(io::parse_json(R"({"a": {"a": 1}, "b": {"a": 2}})", "x.json"));
}

TEST_CASE("64 levels are read and 65 refused") {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  CHECK_NOTHROW(io::parse_json(nested(64), "x.json"));
  CHECK(has(refusal(nested(65)), "more than 64 levels"));
  CHECK(has(refusal(std::string(1000000, '[')), "more than 64 levels"));
  CHECK(has(refusal([] {
              std::string text;
              for (int i = 0; i < 100; ++i) text += "{\"a\":";
              return text;
            }()),
            "more than 64 levels"));
}

TEST_CASE("a file round-trips, and NaN is refused before a byte is written") {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "x.json";
  io::OrderedJson json{{"z", 1}, {"a", {0.1, "é"}}};
  io::write_json(path, json);
  CHECK(io::read_file(path) == "{\n \"z\": 1,\n \"a\": [\n  0.1,\n  \"é\"\n ]\n}\n");
  CHECK(io::read_json(path)["a"][0] == 0.1);

  json["a"][0] = std::nan("");
  const std::string message = error_of([&] { io::write_json(path, json); });
  CHECK(has(message, "expected a finite number at /a/0, got NaN or infinity"));
  io::Json infinite{{"x", INFINITY}};
  CHECK(has(error_of([&] { io::write_json(path, infinite); }), "/x"));
  CHECK(io::read_json(path)["a"][0] == 0.1);
  CHECK(has(error_of([&] { io::write_json(path, io::Json("\xff")); }), "cannot be written"));
  CHECK(has(error_of([&] { io::read_json(path, 5); }), "expected at most 5 B"));
}

TEST_CASE("members are asked for by kind") {
  const io::Json json = io::parse_json(
      R"({"i": 3, "f": 2.5, "s": "x", "b": true, "n": null, "u": 18446744073709551615})", "j");
  CHECK(io::integer_at(json, "i", "j") == 3);
  CHECK(io::number_at(json, "f", "j") == 2.5);
  CHECK(io::number_at(json, "i", "j") == 3.0);
  CHECK(io::string_at(json, "s", "j") == "x");
  CHECK(io::bool_at(json, "b", "j"));
  CHECK(io::member_at(json, "n", "j").is_null());
  CHECK(error_of([&] { io::integer_at(json, "f", "j"); }) ==
        "[j] expected a whole number at f, got number.");
  CHECK(error_of([&] { io::string_at(json, "i", "j"); }) ==
        "[j] expected a text at i, got number.");
  CHECK(error_of([&] { io::bool_at(json, "x", "j"); }) == "[j] expected the key x, got none.");
  CHECK(has(error_of([&] { io::integer_at(json, "u", "j"); }), "below 2^63"));
  CHECK(has(error_of([&] { io::number_at(io::Json(3), "u", "j"); }), "expected an object"));
}

TEST_CASE("options survive JSON, every field of them") {
  Sample changed;
  changed.flag = true;
  changed.count = 9;
  changed.large = -(int64_t{1} << 60);
  changed.seed = ~0ULL;
  changed.rate = 0.3f;
  changed.exact = 1.0 / 3;
  changed.name = "b";
  changed.sites = {"x,y", "z"};
  changed.widths = {4};
  changed.scales = {1e-7f, 3};
  Sample back;
  const std::string text = io::options_to_json(options_of(changed)).dump();
  io::options_from_json(options_of(back), io::parse_json(text, "o"), "o");
  CHECK(back.flag == changed.flag);
  CHECK(back.count == changed.count);
  CHECK(back.large == changed.large);
  CHECK(back.seed == changed.seed);
  CHECK(back.rate == changed.rate);
  CHECK(back.exact == changed.exact);
  CHECK(back.name == changed.name);
  CHECK(back.sites == changed.sites);
  CHECK(back.widths == changed.widths);
  CHECK(back.scales == changed.scales);
}

TEST_CASE("options of a wrong kind, value or name are refused") {
  Sample sample;
  const auto refused = [&](const char* text) {
    return error_of(
        [&] { io::options_from_json(options_of(sample), io::parse_json(text, "o"), "o"); });
  };
  CHECK(has(refused(R"({"cout": 3})"), "--count"));
  CHECK(has(refused(R"({"count": 30})"), "in [1, 10]"));
  CHECK(has(refused(R"({"count": "3"})"), "expected a whole number at count"));
  CHECK(has(refused(R"({"count": 2.5})"), "expected a whole number at count"));
  CHECK(has(refused(R"({"flag": 1})"), "expected true or false at flag"));
  CHECK(has(refused(R"({"name": "c"})"), "expected one of a, b"));
  CHECK(has(refused(R"({"widths": [0]})"), "in [1, 100]"));
  CHECK(has(refused(R"({"sites": "x"})"), "expected a list at sites"));
  CHECK(has(refused(R"([])"), "expected an object of options"));
}
