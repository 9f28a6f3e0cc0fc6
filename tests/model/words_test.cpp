#include "otoscope/model/words.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "model/nano.h"
#include "model/words/alignment.h"
#include "otoscope/io/json.h"

using namespace otoscope;
using namespace otoscope::model;
using testing::golden;
using testing::nano;

namespace {

Tensor<float> matrix(const io::Json& rows) {
  Tensor<float> x(Shape{static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())});
  for (int64_t i = 0; i < x.size(); ++i)
    x[i] = rows[static_cast<size_t>(i / x.shape()[1])][static_cast<size_t>(i % x.shape()[1])]
               .get<float>();
  return x;
}

}  // namespace

TEST_CASE("time warping takes openai-whisper's path, ties included") {
  const io::Json cases = io::read_json(golden("timing/dtw.json"))["cases"];
  REQUIRE(cases.size() > 15);
  for (const io::Json& one : cases) {
    std::vector<int> rows, columns;
    for (const auto& [row, column] : warp(matrix(one["cost"])))
      rows.push_back(row), columns.push_back(column);
    CHECK(rows == one["rows"].get<std::vector<int>>());
    CHECK(columns == one["columns"].get<std::vector<int>>());
  }
}

TEST_CASE("the median filter reflects its ends and leaves short rows alone") {
  const io::Json cases = io::read_json(golden("timing/median_filter.json"))["cases"];
  REQUIRE(cases.size() >= 10);
  for (const io::Json& one : cases) {
    Tensor<float> x = matrix(one["in"]);
    median_filter(x, one["width"].get<int>());
    CHECK_CLOSE(x, matrix(one["out"]), 0.0);
  }
}

TEST_CASE("words of nano are aligned as openai-whisper aligns them") {
  const Tokenizer tokenizer = load_tokenizer(nano());
  const Tensor<float> audio = nano().encode(testing::nano_input().mel);
  const io::Json items = io::read_json(golden("timing/nano_words.json"))["items"];
  REQUIRE(items.size() >= 4);
  for (const io::Json& one : items) {
    CAPTURE(one["text"].get<std::string>());
    AlignOptions options;
    options.heads = alignment_heads(nano().folder(), nano().dims());
    options.mel_frames = one["num_frames"].get<int64_t>();
    const auto words = align_words(nano(), tokenizer, audio.view().sub(one["mel"].get<int64_t>()),
                                   one["tokens"].get<std::vector<int64_t>>(), options);
    const io::Json& want = one["alignment"];
    REQUIRE(words.size() == want.size());
    for (size_t i = 0; i < words.size(); ++i) {
      CHECK(words[i].text == want[i][0].get<std::string>());
      CHECK(words[i].tokens == want[i][1].get<std::vector<int64_t>>());
      CHECK(words[i].start == doctest::Approx(want[i][2].get<double>()).epsilon(1e-9));
      CHECK(words[i].end == doctest::Approx(want[i][3].get<double>()).epsilon(1e-9));
      CHECK(words[i].probability == doctest::Approx(want[i][4].get<double>()).epsilon(1e-3));
    }
  }
}

TEST_CASE("no text has no words") {
  const Tokenizer tokenizer = load_tokenizer(nano());
  const Tensor<float> audio = nano().encode(testing::nano_input().mel);
  CHECK(align_words(nano(), tokenizer, audio.view().sub(0), {}, {}).empty());
}

TEST_CASE("marks go to the word that they belong to") {
  std::vector<AlignedWord> words{
      {" (", {1}, 0, 1, 1}, {"a", {2}, 1, 2, 1}, {".", {3}, 2, 3, 1}, {" b", {4}, 3, 4, 1}};
  merge_punctuation(words, "\"'(", ".,");
  CHECK(words[0].text.empty());
  CHECK(words[1].text == " (a.");
  CHECK(words[1].tokens == std::vector<int64_t>{1, 2, 3});
  CHECK(words[3].text == " b");
}

TEST_CASE("a mark that ends a sentence is held to twice the median") {
  std::vector<AlignedWord> words{{" a", {1}, 0, 0.2, 1},
                                 {" b", {2}, 0.2, 0.4, 1},
                                 {".", {3}, 0.4, 3, 1},
                                 {" c", {4}, 3, 3.2, 1}};
  CHECK(limit_sentence_ends(words) == doctest::Approx(0.2));
  CHECK(words[2].end == doctest::Approx(0.8));
}
