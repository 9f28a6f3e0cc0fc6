#include "otoscope/model/decode.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "model/nano.h"
#include "otoscope/io/json.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::model;
using testing::golden;
using testing::nano;

namespace {

const Tensor<float>& audio() {
  static const Tensor<float> out = nano().encode(testing::nano_input().mel);
  return out;
}

const Tokenizer& tokenizer() {
  static const Tokenizer one = load_tokenizer(nano());
  return one;
}

/// DecodingOptions as the golden file names them.
DecodeOptions options_of(const io::Json& json) {
  DecodeOptions o;
  o.margins = true;
  for (const auto& [key, value] : json.items()) {
    if (key == "language")
      o.languages = {value.get<std::string>()};
    else if (key == "without_timestamps")
      o.without_timestamps = value.get<bool>();
    else if (key == "suppress_blank")
      o.suppress_blank = value.get<bool>();
    else if (key == "suppress_tokens")
      o.suppress_tokens =
          value.is_null() ? std::vector<int64_t>() : value.get<std::vector<int64_t>>();
    else if (key == "sample_len")
      o.sample_len = value.get<int>();
    else if (key == "beam_size")
      o.beam_size = value.get<int>();
    else if (key == "patience")
      o.patience = value.get<double>();
    else if (key == "length_penalty")
      o.length_penalty = value.get<double>();
    else if (key == "task")
      o.task = value.get<std::string>();
    else if (key == "prompt")
      o.prompts = {value.get<std::vector<int64_t>>()};
    else if (key == "prefix")
      o.prefix = value.get<std::vector<int64_t>>();
    else
      FAIL("unknown option ", key);
  }
  return o;
}

void check_result(const DecodeResult& got, const io::Json& want) {
  CHECK(got.tokens == want["tokens"].get<std::vector<int64_t>>());
  CHECK(got.text == want["text"].get<std::string>());
  CHECK(got.avg_logprob == doctest::Approx(want["avg_logprob"].get<double>()).epsilon(1e-4));
  CHECK(got.no_speech_prob == doctest::Approx(want["no_speech_prob"].get<double>()).epsilon(1e-3));
  CHECK(got.compression_ratio ==
        doctest::Approx(want["compression_ratio"].get<double>()).epsilon(1e-5));
  if (!want.contains("margins")) return;
  REQUIRE(got.margins.size() == want["margins"].size());
  for (size_t i = 0; i < got.margins.size(); ++i)
    CHECK(std::min(got.margins[i], 1e4f) ==
          doctest::Approx(want["margins"][i].get<float>()).epsilon(0.01));
}

/// Counts what hooks are told.
struct Watcher : Hook {
  std::vector<std::vector<int64_t>> items;
  std::vector<int> steps;
  std::vector<int64_t> positions;
  std::vector<size_t> beams;
  std::vector<std::vector<int32_t>> moves;

  Want ask(const Site& site) override {
    return site == Site{Stack::decoder, Point::embed, -1} ? Want::observe : Want::none;
  }
  void observe(const Site&, const Rows& rows, View<const float> x) override {
    CHECK(rows.pass == Pass::decoder_cached);
    CHECK(rows.B == x.shape[0]);
    CHECK(rows.T == x.shape[1]);
    items.emplace_back(rows.item.begin(), rows.item.end());
    steps.push_back(rows.step);
    positions.push_back(rows.position);
    beams.push_back(rows.beam.size());
  }
  void reorder(std::span<const int32_t> source) override {
    moves.emplace_back(source.begin(), source.end());
  }
};

}  // namespace

TEST_CASE("nano decodes as openai-whisper, alone and in a batch") {
  const io::Json file = io::read_json(golden("whisper_nano_decode.json"));
  int compared = 0;
  for (const auto& item : file.items()) {
    const std::string& name = item.key();
    const io::Json& run = item.value();
    if (!run.is_object() || !run.contains("results")) continue;
    CAPTURE(name);
    const DecodeOptions options = options_of(run["options"]);
    const auto together = decode(nano(), tokenizer(), audio(), options);
    for (int64_t row = 0; row < 2; ++row) {
      CAPTURE(row);
      check_result(together[static_cast<size_t>(row)], run["results"][static_cast<size_t>(row)]);
      const auto alone = decode(nano(), tokenizer(), audio().view().slice(row, row + 1), options);
      CHECK(alone[0].tokens == together[static_cast<size_t>(row)].tokens);
    }
    ++compared;
  }
  CHECK(compared >= 9);
}

TEST_CASE("each row has its own language and prompt, whatever the batch") {
  const io::Json file = io::read_json(golden("whisper_nano_decode.json"));
  DecodeOptions options = options_of(file["greedy"]["options"]);
  options.languages = {"en", "de"};
  const auto mixed = decode(nano(), tokenizer(), audio(), options);
  check_result(mixed[0], file["greedy"]["results"][0]);
  options.languages = {"de"};
  CHECK(mixed[1].tokens == decode(nano(), tokenizer(), audio(), options)[1].tokens);
  CHECK(mixed[1].language == "de");

  options.languages = {"en"};
  options.prompts = {{}, {257, 259, 64}};  // of unequal length: decoded in two batches
  const auto prompted = decode(nano(), tokenizer(), audio(), options);
  check_result(prompted[0], file["greedy"]["results"][0]);
  check_result(prompted[1], file["greedy_prompt"]["results"][1]);

  options.prompts.clear();
  options.batch = 1;
  check_result(decode(nano(), tokenizer(), audio(), options)[1], file["greedy"]["results"][1]);
}

TEST_CASE("languages are detected as openai-whisper does it, alone and inside decode") {
  const io::Json want = io::read_json(golden("whisper_nano_decode.json"))["detect_language"];
  const auto guesses = detect_language(nano(), tokenizer(), audio());
  REQUIRE(guesses.size() == 2);
  for (size_t row = 0; row < 2; ++row) {
    CHECK(tokenizer().language_token(guesses[row].language) == want["token"][row].get<int64_t>());
    double total = 0;
    for (const double p : guesses[row].probabilities) total += p;
    CHECK(total == doctest::Approx(1.0));
    for (const io::Json& one : want["top"][row]) {
      const int64_t id = tokenizer().language_token(one[0].get<std::string>()) -
                         tokenizer().special().first_language;
      CHECK(guesses[row].probabilities[static_cast<size_t>(id)] ==
            doctest::Approx(one[1].get<double>()).epsilon(1e-3));
    }
  }
  DecodeOptions open, told;
  told.languages = {guesses[0].language, guesses[1].language};
  const auto a = decode(nano(), tokenizer(), audio(), open),
             b = decode(nano(), tokenizer(), audio(), told);
  for (size_t row = 0; row < 2; ++row) {
    CHECK(a[row].language == guesses[row].language);
    CHECK(a[row].tokens == b[row].tokens);
    CHECK(a[row].no_speech_prob == b[row].no_speech_prob);
  }
}

TEST_CASE("a hook sees the items of the rows that are left, the steps and the moves") {
  Watcher watcher;
  Hook* hooks[] = {&watcher};
  const io::Json file = io::read_json(golden("whisper_nano_decode.json"));
  DecodeOptions options = options_of(file["greedy"]["options"]);
  const std::vector<int64_t> items{70, 71};
  const auto results = decode(nano(), tokenizer(), audio(), options, items, hooks);
  check_result(results[1], file["greedy"]["results"][1]);
  // Prompt in two parts, then one step a token; row 1 ends after 11 tokens and leaves.
  REQUIRE(watcher.steps.size() == 2 + 19);
  CHECK(watcher.steps[0] == 0);
  CHECK(watcher.steps[1] == 0);
  CHECK(watcher.positions[1] == 1);
  CHECK(watcher.steps.back() == 19);
  CHECK(watcher.items[12] == items);
  CHECK(watcher.items.back() == std::vector<int64_t>{70});
  CHECK(watcher.moves == std::vector<std::vector<int32_t>>{{0}});
  CHECK(watcher.beams.back() == 0);

  Watcher of_beams;
  Hook* beam_hooks[] = {&of_beams};
  options = options_of(file["beam3"]["options"]);
  check_result(decode(nano(), tokenizer(), audio(), options, items, beam_hooks)[0],
               file["beam3"]["results"][0]);
  CHECK(of_beams.items[2] == std::vector<int64_t>{70, 70, 70, 71, 71, 71});
  CHECK(of_beams.beams[2] == 6);
  CHECK(of_beams.moves[0] == std::vector<int32_t>{0, 0, 0, 1, 1, 1});
}

TEST_CASE("an edit at a site changes what is decoded; an edit by itself changes nothing") {
  DecodeOptions options;
  options.languages = {"en"};
  const auto plain = decode(nano(), tokenizer(), audio(), options);
  const Site site{Stack::decoder, Point::resid_post, 0};
  Edit same(site, [](const Rows&, View<float>) {});
  Edit zero(site, [](const Rows& rows, View<float> x) {
    for (int64_t i = 0; i < x.size(); ++i)
      if (rows.item[static_cast<size_t>(i / (x.shape[1] * x.shape[2]))] == 1) x[i] = 0;
  });
  Hook* by_itself[] = {&same};
  Hook* by_zero[] = {&zero};
  const auto kept = decode(nano(), tokenizer(), audio(), options, {}, by_itself);
  const auto changed = decode(nano(), tokenizer(), audio(), options, {}, by_zero);
  CHECK(kept[1].avg_logprob == plain[1].avg_logprob);
  CHECK(changed[0].tokens == plain[0].tokens);
  CHECK(changed[1].tokens != plain[1].tokens);
}

TEST_CASE("samples repeat by seed and item, and more of them are likelier") {
  DecodeOptions options;
  options.languages = {"en"};
  options.without_timestamps = true;
  options.temperature = 0.8;
  options.seed = 5;
  const auto first = decode(nano(), tokenizer(), audio(), options);
  const auto again = decode(nano(), tokenizer(), audio(), options);
  CHECK(first[0].tokens == again[0].tokens);
  const std::vector<int64_t> one{1};
  const auto alone = decode(nano(), tokenizer(), audio().view().slice(1, 2), options, one);
  CHECK(alone[0].tokens == first[1].tokens);
  options.seed = 6;
  CHECK(decode(nano(), tokenizer(), audio(), options)[0].tokens != first[0].tokens);
  options.best_of = 8;
  const auto eight = decode(nano(), tokenizer(), audio(), options);
  const auto score = [](const DecodeResult& r) {
    return r.avg_logprob * static_cast<double>(r.tokens.size() + 1) /
           static_cast<double>(r.tokens.size());
  };
  CHECK(score(eight[0]) > score(decode(nano(), tokenizer(), audio(), [&] {
          auto o = options;
          o.best_of = 1;
          return o;
        }())[0]));
  // Almost no temperature is the greedy answer.
  options.best_of = 1, options.temperature = 1e-4;
  const auto cold = decode(nano(), tokenizer(), audio(), options);
  options.temperature = 0;
  CHECK(cold[0].tokens == decode(nano(), tokenizer(), audio(), options)[0].tokens);
}

TEST_CASE("a full context ends the answer") {
  DecodeOptions options;
  options.languages = {"en"};
  options.without_timestamps = true;
  options.suppress_tokens = {-1, 316};  // eot: never ends by itself
  options.prompts = {std::vector<int64_t>(40, 257)};
  const auto results = decode(nano(), tokenizer(), audio(), options);
  CHECK(results[0].tokens.size() == 64 - (1 + 31 + 4) + 1);
}

TEST_CASE("wrong options are refused in one line") {
  const auto refusal = [&](auto change) {
    DecodeOptions options;
    options.languages = {"en"};
    change(options);
    return testing::error_of([&] { decode(nano(), tokenizer(), audio(), options); });
  };
  CHECK(refusal([](auto& o) { o.task = "sing"; }).find("--task") != std::string::npos);
  CHECK(refusal([](auto& o) { o.temperature = NAN; }).find("--temperature") != std::string::npos);
  CHECK(refusal([](auto& o) {
          o.languages = {"en", "de", "fr"};
        }).find("each of 2 windows") != std::string::npos);
  CHECK(refusal([](auto& o) { o.suppress_tokens = {99999}; }).find("--suppress-tokens") !=
        std::string::npos);
  CHECK(refusal([](auto& o) { o.length_penalty = 2; }).find("--length-penalty") !=
        std::string::npos);
  CHECK(refusal([](auto& o) { o.prompts = {{-5}}; }).find("prompt") != std::string::npos);
  Edit broken({Stack::decoder, Point::out, -1}, [](const Rows&, View<float> x) { x[0] = NAN; });
  Hook* hooks[] = {&broken};
  CHECK(testing::error_of([&] {
          decode(nano(), tokenizer(), audio(), {}, {}, hooks);
        }).find("finite") != std::string::npos);
}

TEST_CASE("forced sequences of different lengths are padded with their lengths kept") {
  const std::vector<std::vector<int64_t>> sequences{{1, 2, 3}, {4}};
  const TokenBatch batch = pad_tokens(sequences, 9);
  CHECK(batch.tokens.shape() == Shape{2, 3});
  CHECK(batch.tokens[3] == 4);
  CHECK(batch.tokens[5] == 9);
  CHECK(batch.valid == std::vector<int32_t>{3, 1});
}
