/// Published checkpoints through Hugging Face's layout and back: the published bytes.

#include "model/export/token_table.h"
#include "model/real.h"
#include "model/tokenizer/vocabulary.h"
#include "otoscope/model/convert.h"
#include "otoscope/model/registry.h"

using namespace otoscope;
using namespace otoscope::model;
using namespace otoscope::testing;

namespace fs = std::filesystem;

TEST_CASE("a published model.bin comes back from Hugging Face's layout with its own SHA-256") {
  for (const char* name : {"whisper-tiny.en", "whisper-base"}) {
    if (!have_model(name)) continue;
    CAPTURE(name);
    const TemporaryFolder work;
    const Converted first =
        convert_model(name, work.path() / "hf", {.to = Container::hugging_face});
    CHECK(first.dtype == "f16");
    const Whisper converted = Whisper::load(work.path() / "hf");
    const Real& real = name == std::string("whisper-base") ? real_base() : real_tiny_en();
    CHECK(converted.hash() == real.model.hash());
    const Tokenizer tokenizer = load_tokenizer(converted);
    CHECK(tokenizer.special().multilingual == real.tokenizer.special().multilingual);
    for (const std::string text : {" the other, don't  stop — ñandú № 12", "<|en|> x"})
      CHECK(tokenizer.encode(text) == real.tokenizer.encode(text));
    CHECK(tokenizer.non_speech_tokens() == real.tokenizer.non_speech_tokens());

    const Converted second = convert_model((work.path() / "hf").string(), work.path() / "ct2",
                                           {.to = Container::ctranslate2});
    CHECK(second.sha256 == known_model(name).files[0].sha256);
    const io::Json want = io::read_json(model_path(name) / "config.json");
    const io::Json got = io::read_json(work.path() / "ct2" / "config.json");
    for (const char* key : {"suppress_ids", "suppress_ids_begin", "alignment_heads"})
      CHECK(got[key] == want[key]);
    CHECK(got["lang_ids"].size() == 99);
    // Every line of the published vocabulary.
    const auto listed = parse_token_list(io::read_file(model_path(name) / "vocabulary.txt"), false,
                                         "vocabulary.txt", converted.dims().n_vocab);
    const auto written = read_vocabulary(work.path() / "ct2", converted.dims().n_vocab);
    int64_t same = 0;
    for (size_t id = 0; id < listed.bytes.size(); ++id)
      same += listed.bytes[id].value_or("") == written.bytes[id].value_or("");
    CHECK(same == converted.dims().n_vocab);
  }
}

TEST_CASE("the merges of real vocabularies come back from the order of their tokens") {
  for (const char* name : {"whisper-tiny.en", "whisper-base"}) {
    if (!have_model(name)) continue;
    const Real& real = name == std::string("whisper-base") ? real_base() : real_tiny_en();
    Vocabulary v = read_vocabulary(model_path(name), real.model.dims().n_vocab);
    mend_first_merge(v);
    std::vector<std::string> tokens;
    for (int64_t id = 0; id < real.tokenizer.special().eot; ++id)
      tokens.push_back(v.bytes[static_cast<size_t>(id)].value_or(""));
    CHECK(merges_of_order(tokens, name) == v.merges);
  }
}
