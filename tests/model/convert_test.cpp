/// A checkpoint written in the other container is the same model, and its tokenizer the same.

#include "otoscope/model/convert.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "model/export/token_table.h"
#include "model/nano.h"
#include "model/tokenizer/vocabulary.h"
#include "otoscope/io/ctranslate2.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/model/tokenizer.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::model;
using namespace otoscope::testing;

namespace fs = std::filesystem;

namespace {

Converted convert(const fs::path& from, const fs::path& to, Container container,
                  const std::string& dtype = "auto") {
  return convert_model(from.string(), to, {.to = container, .dtype = dtype});
}

struct Notes : Progress {
  int count = 0;
  void start(std::string_view, int64_t, std::string_view) override {}
  void advance(int64_t, std::string_view) override {}
  void finish() override {}
  void note(std::string_view) override { ++count; }
};

/// Everything that a folder says of text must survive.
void check_same_tokenizer(const fs::path& folder) {
  const int64_t n = nano().dims().n_vocab;
  const Tokenizer want = Tokenizer::load(golden("whisper_nano"), n);
  Notes notes;
  const Tokenizer got = Tokenizer::load(folder, n, notes);
  CHECK(notes.count == 0);  // nothing is left to mend
  CHECK(got.special().eot == want.special().eot);
  CHECK(got.special().multilingual);
  int64_t same = 0;
  for (int64_t id = 0; id < n; ++id) same += got.bytes(id) == want.bytes(id);
  CHECK(same == n);
  const io::Json cases = io::read_json(golden("tokenizer/nano.json"));
  for (const io::Json& one : cases["cases"])
    CHECK(got.encode(one["text"].get<std::string>()) == one["tokens"].get<std::vector<int64_t>>());
}

}  // namespace

TEST_CASE("CTranslate2 to Hugging Face and back is bit-equal") {
  const TemporaryFolder work;
  const fs::path hf = work.path() / "hf", ct2 = work.path() / "ct2", again = work.path() / "again";
  const Converted first = convert(golden("whisper_nano_ct2"), hf, Container::hugging_face);
  CHECK(first.dtype == "f16");
  CHECK(first.rounded == 0);
  CHECK(first.tensors == 11 + 15 * 2 + 24 * 2);
  CHECK(first.hash == nano().hash());
  CHECK(first.sha256 == io::sha256_file(hf / "model.safetensors"));
  CHECK(Whisper::load(hf).hash() == nano().hash());
  check_same_tokenizer(hf);

  const Converted second = convert(hf, ct2, Container::ctranslate2);
  CHECK(second.hash == nano().hash());
  CHECK(io::sha256_file(ct2 / "model.bin") ==
        io::sha256_file(golden("whisper_nano_ct2") / "model.bin"));
  CHECK(io::read_json(ct2 / "config.json") ==
        io::read_json(golden("whisper_nano_ct2") / "config.json"));
  check_same_tokenizer(ct2);

  CHECK(convert(ct2, again, Container::hugging_face).sha256 == first.sha256);
  for (const char* file : {"config.json", "generation_config.json", "tokenizer.json", "vocab.json",
                           "merges.txt", "added_tokens.json", "preprocessor_config.json",
                           "tokenizer_config.json", "special_tokens_map.json", "normalizer.json"}) {
    CAPTURE(file);
    CHECK(io::read_file(hf / file) == io::read_file(again / file));
  }
}

TEST_CASE("what a Hugging Face folder says of generation is kept") {
  const TemporaryFolder work;
  convert(golden("whisper_nano"), work.path() / "hf", Container::hugging_face);
  const io::Json want = io::read_json(golden("whisper_nano") / "generation_config.json");
  const io::Json got = io::read_json(work.path() / "hf" / "generation_config.json");
  for (const auto& item : want.items()) {
    CAPTURE(item.key());
    CHECK(got[item.key()] == item.value());
  }
  const io::Json config = io::read_json(work.path() / "hf" / "preprocessor_config.json");
  CHECK(config["n_samples"] == 32000);
  CHECK(config["nb_max_frames"] == 200);
}

TEST_CASE("fp32 holds what fp16 cannot, and fp16 is told to round") {
  const TemporaryFolder work;
  fs::copy(golden("whisper_nano"), work.path() / "in");
  const auto file = io::Safetensors::open(golden("whisper_nano/model.safetensors"));
  std::vector<io::NamedTensor> tensors;
  std::vector<Tensor<float>> values;
  for (const std::string& name : file.names()) values.push_back(file.floats(name));
  size_t i = 0;
  for (const std::string& name : file.names()) tensors.push_back(io::named(name, values[i++]));
  values[3][7] = 0.1f;
  io::write_safetensors(work.path() / "in" / "model.safetensors", tensors);

  const std::string hash = Whisper::load(work.path() / "in").hash();
  for (const Container to : {Container::hugging_face, Container::ctranslate2}) {
    const fs::path out = work.path() / std::string(container_name(to));
    const Converted whole = convert(work.path() / "in", out, to);
    CHECK(whole.dtype == "f32");
    CHECK(whole.hash == hash);
    CHECK(Whisper::load(out).hash() == hash);
    const fs::path half = out.string() + "-f16";
    const Converted rounded = convert(work.path() / "in", half, to, "f16");
    CHECK(rounded.rounded == 1);
    CHECK(rounded.hash != hash);
    CHECK(Whisper::load(half).hash() == rounded.hash);
  }

  values[3][7] = 70000.0f;
  io::write_safetensors(work.path() / "in" / "model.safetensors", tensors);
  const std::string error = error_of(
      [&] { convert(work.path() / "in", work.path() / "no", Container::hugging_face, "f16"); });
  CHECK(error.find("65504") != std::string::npos);
  for (const auto& entry : fs::directory_iterator(work.path()))
    CHECK(entry.path().filename().string().substr(0, 2) != "no");  // nothing is left
}

TEST_CASE("a folder with something in it is not overwritten") {
  const TemporaryFolder work;
  fs::create_directories(work.path() / "out");
  convert(golden("whisper_nano"), work.path() / "out", Container::ctranslate2);  // empty: welcome
  const std::string error = error_of(
      [&] { convert(golden("whisper_nano"), work.path() / "out", Container::ctranslate2); });
  CHECK(error.find("expected a new or empty folder") != std::string::npos);
}

TEST_CASE("what a killed conversion left behind goes with the next one") {
  const TemporaryFolder work;
  const fs::path dead = work.path() / "out.tmp-999999999", other = work.path() / "out.tmp-x";
  fs::create_directories(dead);
  fs::create_directories(other);
  convert(golden("whisper_nano"), work.path() / "out", Container::hugging_face);
  CHECK(!fs::exists(dead));
  CHECK(fs::exists(other));  // not ours
}

TEST_CASE("merges come back from the order of the tokens") {
  const TemporaryFolder work;
  fs::copy(golden("whisper_nano_ct2"), work.path() / "in");
  fs::remove(work.path() / "in" / "tokenizer.json");  // vocabulary.txt is left
  convert(work.path() / "in", work.path() / "out", Container::hugging_face);
  const int64_t n = nano().dims().n_vocab;
  const Vocabulary want = read_vocabulary(golden("whisper_nano"), n);
  const Vocabulary got = read_vocabulary(work.path() / "out", n);
  // Nano's list is made by hand: "Ġ of" cannot happen, "Ġo f" can. Real lists come back whole
  // (real_convert.cpp).
  REQUIRE(got.merges.size() == want.merges.size());
  int same = 0;
  for (size_t i = 0; i < got.merges.size(); ++i) {
    CHECK(got.merges[i].first + got.merges[i].second ==
          want.merges[i].first + want.merges[i].second);
    same += got.merges[i] == want.merges[i];
  }
  CHECK(same >= 55);
  check_same_tokenizer(work.path() / "out");

  CHECK_THROWS_AS(merges_of_order({"a", "b", "abc", "ab", "c"}, "x"), UserError);
  CHECK(merges_of_order({"a", "b", "", "ab", "aba"}, "x") ==
        std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"ab", "a"}});
}

TEST_CASE("what cannot be converted says why") {
  const TemporaryFolder work;
  const auto error = [&](const fs::path& from) {
    return error_of([&] { convert(from, work.path() / "out", Container::hugging_face); });
  };
  CHECK(error(golden("whisper_pico_sharded")).find("copy the tokenizer") != std::string::npos);
  CHECK(error(work.path()).find("expected model.safetensors") != std::string::npos);
  CHECK(error(work.path() / "nothing").find("got nothing there") != std::string::npos);
  fs::copy(golden("whisper_nano"), work.path() / "in");
  io::write_file(work.path() / "in" / "generation_config.json", R"({"suppress_tokens": [99999]})");
  CHECK(error(work.path() / "in").find("ids of this vocabulary") != std::string::npos);
  io::write_file(work.path() / "in" / "generation_config.json", R"({"suppress_tokens": [-1]})");
  CHECK(error(work.path() / "in") == "nothing was thrown");  // -1: the default set
}

TEST_CASE("equal arrays are stored once in a CTranslate2 file, scalars are not") {
  const TemporaryFolder work;
  const Tensor<float> a({2, 3}), b({2, 3}), c({3, 2});
  const Tensor<float> one(Shape{}), other(Shape{});
  io::write_ctranslate2(work.path() / "model.bin", "WhisperSpec", 3,
                        {io::named("z", b), io::named("y", a), io::named("x", c),
                         io::named("w", one), io::named("v", other)},
                        {{"head", "z"}});
  const auto file = io::CTranslate2::open(work.path());
  CHECK(file.version() == 6);
  CHECK(file.revision() == 3);
  CHECK(file.names() == std::vector<std::string>{"v", "w", "x", "y"});
  CHECK(file.has("z"));
  CHECK(file.has("head"));
  CHECK(file.info("z").shape == Shape{2, 3});
}
