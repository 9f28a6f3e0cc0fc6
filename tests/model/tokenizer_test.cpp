#include "otoscope/model/tokenizer.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/model/languages.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::model;
using testing::error_of;
using testing::golden;

namespace {

constexpr int64_t kNanoVocab = 1924;

struct Notes : Progress {
  std::vector<std::string> notes;
  void start(std::string_view, int64_t, std::string_view) override {}
  void advance(int64_t, std::string_view) override {}
  void finish() override {}
  void note(std::string_view text) override { notes.emplace_back(text); }
};

Tokenizer nano() { return Tokenizer::load(golden("whisper_nano"), kNanoVocab); }

std::string minimal_json(const std::string& merges, const std::string& more = "") {
  nlohmann::json vocab;
  // The 256 bytes in GPT-2's spelling, taken from nano's file so that the test has no alphabet.
  const io::Json file = io::read_json(golden("whisper_nano") / "tokenizer.json");
  for (const auto& [token, id] : file["model"]["vocab"].items())
    if (id.get<int>() < 256) vocab[token] = id;
  vocab["ab"] = 256;
  nlohmann::json added = nlohmann::json::array();
  int id = 257;
  for (const char* name : {"endoftext", "startoftranscript", "en", "translate", "transcribe",
                           "startoflm", "startofprev", "nospeech", "notimestamps"})
    added.push_back({{"id", id++}, {"content", std::string("<|") + name + "|>"}});
  return R"({"model":{"vocab":)" + vocab.dump() + R"(,"merges":)" + merges +
         R"(},"added_tokens":)" + added.dump() + more + "}";
}

}  // namespace

TEST_CASE("nano's tokenizer encodes and decodes as tiktoken") {
  const io::Json expected = io::read_json(golden("tokenizer/nano.json"));
  for (const char* folder : {"whisper_nano", "whisper_nano_ct2"}) {
    CAPTURE(folder);
    const Tokenizer tokenizer = Tokenizer::load(golden(folder), kNanoVocab);
    REQUIRE(expected["cases"].size() > 100);
    for (const io::Json& one : expected["cases"]) {
      const auto text = one["text"].get<std::string>();
      CAPTURE(text);
      const auto want = one["tokens"].get<std::vector<int64_t>>();
      CHECK(tokenizer.encode(text) == want);
      CHECK(tokenizer.decode(want) == text);
    }
    for (const io::Json& one : expected["decode"]) {
      const auto ids = one["tokens"].get<std::vector<int64_t>>();
      CHECK(tokenizer.decode(ids) == one["text"].get<std::string>());
    }
  }
}

TEST_CASE("a lost first merge is put back, and said") {
  Notes notes;
  const Tokenizer mended = Tokenizer::load(golden("whisper_nano_ct2"), kNanoVocab, notes);
  REQUIRE(notes.notes.size() == 1);
  CHECK(notes.notes[0].find("lacks its first merge") != std::string::npos);
  Notes none;
  const Tokenizer whole = Tokenizer::load(golden("whisper_nano"), kNanoVocab, none);
  CHECK(none.notes.empty());
  CHECK(mended.encode(" the time that tells") == whole.encode(" the time that tells"));
}

TEST_CASE("special tokens are found by content, and by size where nothing lists them") {
  const SpecialTokens s = nano().special();
  CHECK(s.eot == 316);
  CHECK(s.sot == 317);
  CHECK(s.first_language == 318);
  CHECK(s.n_languages == 99);
  CHECK(s.translate == 417);
  CHECK(s.transcribe == 418);
  CHECK(s.sot_lm == 419);
  CHECK(s.sot_prev == 420);
  CHECK(s.no_speech == 421);
  CHECK(s.no_timestamps == 422);
  CHECK(s.timestamp_begin == 423);
  CHECK(s.multilingual);

  const SpecialTokens english = special_tokens_of(51864), v2 = special_tokens_of(51865),
                      v3 = special_tokens_of(51866);
  CHECK(english.eot == 50256);
  CHECK(english.transcribe == 50358);
  CHECK(english.timestamp_begin == 50363);
  CHECK_FALSE(english.multilingual);
  CHECK(v2.eot == 50257);
  CHECK(v2.translate == 50358);
  CHECK(v2.timestamp_begin == 50364);
  CHECK(v3.n_languages == 100);
  CHECK(v3.no_speech == 50363);
  CHECK(v3.timestamp_begin == 50365);
  CHECK(error_of([] { special_tokens_of(1924); }).find("got 1924") != std::string::npos);
}

TEST_CASE("prompts are built from language and task") {
  const Tokenizer tokenizer = nano();
  CHECK(tokenizer.sot_sequence("en", "transcribe", true) ==
        std::vector<int64_t>{317, 318, 418, 422});
  CHECK(tokenizer.sot_sequence("German", "translate") == std::vector<int64_t>{317, 320, 417});
  CHECK(tokenizer.language_of(320) == "de");
  std::vector<int64_t> want{317, 318, 418, 422};
  for (const int64_t id : tokenizer.encode(" it's the")) want.push_back(id);
  want.push_back(316);
  CHECK(forced_tokens(tokenizer, "en", "  it's the\n") == want);
  CHECK(forced_tokens(tokenizer, "en", " ") == std::vector<int64_t>{317, 318, 418, 422, 316});
  CHECK(error_of([&] { tokenizer.sot_sequence("klingon"); }).find("klingon") != std::string::npos);
  CHECK(error_of([&] { tokenizer.sot_sequence("yue"); }).find("yue") != std::string::npos);
}

TEST_CASE("languages have codes, names and other names") {
  CHECK(languages().size() == 100);
  CHECK(language_code("EN") == "en");
  CHECK(language_code("haitian creole") == "ht");
  CHECK(language_code("Castilian") == "es");
  CHECK(nano().knows("es"));
  CHECK_FALSE(nano().knows("yue"));  // a language, but of no token here
  CHECK_FALSE(nano().knows("englsh"));
  CHECK(error_of([] { language_code("englsh"); }).find("nearest: english") != std::string::npos);
}

TEST_CASE("words are grouped as for openai-whisper's word times") {
  const Tokenizer tokenizer = nano();
  const io::Json expected = io::read_json(golden("tokenizer/nano_words.json"));
  for (const io::Json& one : expected["cases"]) {
    CAPTURE(one["text"].get<std::string>());
    const auto words = tokenizer.split_to_words(one["tokens"].get<std::vector<int64_t>>(),
                                                one["language"].get<std::string>());
    std::vector<std::string> texts;
    std::vector<std::vector<int64_t>> tokens;
    for (const auto& word : words) texts.push_back(word.text), tokens.push_back(word.tokens);
    CHECK(texts == one["words"].get<std::vector<std::string>>());
    CHECK(tokens == one["word_tokens"].get<std::vector<std::vector<int64_t>>>());
  }
}

TEST_CASE("suppressed symbols are those that openai-whisper finds in nano's vocabulary") {
  const io::Json config = io::read_json(golden("whisper_nano") / "generation_config.json");
  std::vector<int64_t> want;
  for (const io::Json& id : config["suppress_tokens"])
    if (id.get<int64_t>() < 316) want.push_back(id.get<int64_t>());
  // nano has no token for a note, so openai-whisper suppresses what one starts with: 0xE2, and the
  // space before it.
  want.push_back(158), want.push_back(220);
  CHECK(nano().non_speech_tokens() == want);
  CHECK(nano().blank_tokens() == std::vector<int64_t>{220});
}

TEST_CASE("a bare vocabulary is enough: its order stands for the merges") {
  const std::string lines = io::read_file(golden("whisper_nano_ct2") / "vocabulary.txt");
  const Tokenizer bare = Tokenizer::from_vocabulary(lines, "vocabulary.txt", kNanoVocab);
  CHECK(bare.special().timestamp_begin == 423);
  CHECK(bare.bytes(315).empty());
  CHECK(bare.non_speech_tokens() == nano().non_speech_tokens());
  const io::Json cases = io::read_json(golden("tokenizer/nano.json"))["cases"];
  REQUIRE(cases.size() > 100);
  for (const io::Json& one : cases)
    CHECK(bare.encode(one["text"].get<std::string>()) == one["tokens"].get<std::vector<int64_t>>());
  const std::string windows = [&] {
    std::string text;
    for (const char c : lines) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
    return text;
  }();
  CHECK(Tokenizer::from_vocabulary(windows, "vocabulary.txt", kNanoVocab).bytes(262) == " the");
}

TEST_CASE("timestamps are spelled with the seconds they mean") {
  const Tokenizer tokenizer = nano();
  const std::vector<int64_t> ids{423, 262, 423 + 54};
  CHECK(tokenizer.decode(ids) == " the");
  CHECK(tokenizer.decode_with_timestamps(ids) == "<|0.00|> the<|1.08|>");
  CHECK(tokenizer.piece(185) == "<0xFD>");
}

TEST_CASE("alignment heads come from the folder, or from the table of sizes") {
  Dims nano_dims;
  nano_dims.n_text_layer = 2, nano_dims.n_text_head = 2, nano_dims.n_vocab = kNanoVocab;
  const std::vector<std::pair<int, int>> of_nano{{0, 1}, {1, 0}, {1, 1}};
  CHECK(alignment_heads(golden("whisper_nano"), nano_dims) == of_nano);
  CHECK(alignment_heads(golden("whisper_nano_ct2"), nano_dims) == of_nano);
  const testing::TemporaryFolder empty;
  const std::vector<std::pair<int, int>> of_base{{3, 1}, {4, 2}, {4, 3}, {4, 7},
                                                 {5, 1}, {5, 2}, {5, 4}, {5, 6}};
  CHECK(alignment_heads(empty.path(), Dims{}) == of_base);
  // CTranslate2 writes the upper half where it knows nothing.
  io::write_file(empty.path() / "config.json", [] {
    io::Json all = io::Json::array();
    for (int layer = 3; layer < 6; ++layer)
      for (int head = 0; head < 8; ++head) all.push_back({layer, head});
    return io::Json{{"alignment_heads", all}}.dump();
  }());
  CHECK(alignment_heads(empty.path(), Dims{}) == of_base);
  io::write_file(empty.path() / "config.json", R"({"alignment_heads":[[6,0]]})");
  CHECK(error_of([&] { alignment_heads(empty.path(), Dims{}); }).find("alignment_heads") !=
        std::string::npos);
}

TEST_CASE("hostile tokenizers are refused with the file's name") {
  const auto refusal = [](const std::string& json) {
    return error_of([&] { Tokenizer::from_json(json, "tokenizer.json", 400); });
  };
  CHECK(refusal(minimal_json(R"(["a b"])")) == "nothing was thrown");
  CHECK(refusal(minimal_json(R"([["a","b"]])")) == "nothing was thrown");
  CHECK(refusal("").find("[tokenizer.json]") == 0);
  CHECK(refusal("{}").find("[tokenizer.json]") == 0);
  CHECK(refusal(R"({"model":{"vocab":[],"merges":[]}})").find("vocab") != std::string::npos);
  CHECK(refusal(minimal_json(R"(["a c"])")).find("expected every part") != std::string::npos);
  CHECK(refusal(minimal_json(R"(["a b c"])")).find("merge of two") != std::string::npos);
  CHECK(refusal(minimal_json(R"([7])")).find("merges as") != std::string::npos);
  CHECK(refusal(minimal_json(R"(["a b"])", R"(,"added_tokens":[])")).find("twice") !=
        std::string::npos);
  CHECK(error_of([&] {
          Tokenizer::from_json(minimal_json(R"(["a b"])"), "tokenizer.json", 260);
        }).find("ids below 260") != std::string::npos);
}

TEST_CASE("a piece of a megabyte takes no quadratic time") {
  const Tokenizer tokenizer = nano();
  const std::string text(1 << 20, 'e');
  CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
}
