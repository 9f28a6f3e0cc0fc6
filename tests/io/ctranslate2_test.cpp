#include "otoscope/io/ctranslate2.h"

#include <doctest/doctest.h>

#include <cstring>

#include "otoscope/io/hash.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using testing::error_of;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Writes what the converter would: see formats of model.bin.
struct Writer {
  std::string file;
  template <class T>
  Writer& number(T value) {
    file.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Writer& text(const std::string& value) {
    number(static_cast<uint16_t>(value.size() + 1));
    file += value + '\0';
    return *this;
  }
  Writer& head(uint32_t version, uint32_t variables) {
    number(version);
    if (version >= 2) text("WhisperSpec").number(uint32_t{3});
    return number(variables);
  }
  Writer& variable(const std::string& name, std::vector<uint32_t> dims, int dtype,
                   const std::string& bytes, int64_t claimed = -1) {
    text(name).number(static_cast<uint8_t>(dims.size()));
    for (const uint32_t size : dims) number(size);
    number(static_cast<uint8_t>(dtype));
    number(static_cast<uint32_t>(claimed >= 0 ? claimed : static_cast<int64_t>(bytes.size())));
    file += bytes;
    return *this;
  }
};
template <class T>
std::string bytes_of(std::initializer_list<T> values) {
  std::string bytes;
  for (const T value : values) bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  return bytes;
}
io::Ct2Contents parse(const std::string& file) {
  return io::parse_ctranslate2(std::as_bytes(std::span(file)), "model.bin");
}
std::string refusal(const std::string& file) {
  return error_of([&] { parse(file); });
}
const std::string kMinimal(
    "\x06\0\0\0\x0c\0WhisperSpec\0\x03\0\0\0\x01\0\0\0\x04\0a/w\0\x01\x02\0\0\0\x04\x04\0\0\0"
    "\0\x3e\0\xc0\x01\0\0\0\x04\0b/w\0\x04\0a/w\0",
    62);

}  // namespace

TEST_CASE("the smallest model.bin is read: a variable and its alias") {
  const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "model.bin", kMinimal);
  const auto model = io::CTranslate2::open(folder.path());
  CHECK(model.version() == 6);
  CHECK(model.revision() == 3);
  CHECK(model.spec() == "WhisperSpec");
  CHECK(model.names() == std::vector<std::string>{"a/w"});
  CHECK(model.has("b/w"));
  CHECK(!model.has("c/w"));
  CHECK(model.floats("b/w", {2})[0] == 1.5f);
  CHECK(model.floats("a/w")[1] == -2.0f);
  CHECK(model.sha256() == io::sha256(kMinimal));
  CHECK(has(error_of([&] { model.floats("a/v"); }), "the nearest are a/w"));
  CHECK(has(error_of([&] { model.floats("a/w", {1, 2}); }), "of shape (1, 2), got (2)"));
}

TEST_CASE("a model in parts is read as if joined") {
  const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "model.bin.part1", kMinimal.substr(0, 30));
  io::write_file(folder.path() / "model.bin.part2", kMinimal.substr(30));
  const auto model = io::CTranslate2::open(folder.path());
  CHECK(model.floats("b/w")[0] == 1.5f);
  CHECK(model.sha256() == io::sha256(kMinimal));
  std::filesystem::remove(folder.path() / "model.bin.part2");
  CHECK(has(error_of([&] { io::CTranslate2::open(folder.path()); }), "cut short"));
  std::filesystem::remove(folder.path() / "model.bin.part1");
  CHECK(has(error_of([&] { io::CTranslate2::open(folder.path()); }), "cannot open"));
}

TEST_CASE("quantised weights are divided by their scales, through an alias too") {
  Writer writer;
  writer.head(6, 6)
      .variable("a/weight", {2, 2}, 1, bytes_of<int8_t>({127, -127, 64, 0}))
      .variable("a/weight_scale", {2}, 0, bytes_of({254.f, 64.f}))
      .variable("b/weight", {2}, 2, bytes_of<int16_t>({-300, 600}))
      .variable("b/weight_scale", {}, 0, bytes_of({100.f}))
      .variable("c", {}, 2, bytes_of<int16_t>({-1}))
      .variable("d", {2}, 1, bytes_of<int8_t>({1, 2}));
  writer.number(uint32_t{1}).text("z/weight").text("a/weight");
  const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "m", writer.file);
  const auto model = io::CTranslate2::open(folder.path() / "m");
  const float want[] = {0.5f, -0.5f, 1.0f, 0.0f};
  const auto by_name = model.floats("a/weight"), by_alias = model.floats("z/weight");
  CHECK_CLOSE(by_name.view(), View<const float>(want, {2, 2}), 0);
  CHECK_CLOSE(by_alias.view(), View<const float>(want, {2, 2}), 0);
  CHECK(model.floats("b/weight")[0] == -3.0f);
  CHECK(model.floats("b/weight")[1] == 6.0f);
  CHECK(model.scalar("c") == -1);
  CHECK(has(error_of([&] { model.scalar("d"); }), "expected one integer"));
  CHECK(has(error_of([&] { model.scalar("b/weight_scale"); }), "expected one integer"));
  CHECK(has(error_of([&] { model.floats("d"); }), "d_scale"));
}

TEST_CASE("wrong scales are refused") {
  const auto broken = [](std::vector<uint32_t> dims, const std::string& scales) {
    Writer writer;
    writer.head(6, 2)
        .variable("a", {2, 1}, 1, bytes_of<int8_t>({1, 2}))
        .variable("a_scale", std::move(dims), 0, scales)
        .number(uint32_t{0});
    const testing::TemporaryFolder folder;
    io::write_file(folder.path() / "m", writer.file);
    return error_of([&] { io::CTranslate2::open(folder.path() / "m").floats("a"); });
  };
  CHECK(has(broken({3}, bytes_of({1.f, 1.f, 1.f})), "expected 1 or 2 scales"));
  CHECK(has(broken({2}, bytes_of({1.f, 0.f})), "above 0"));
  CHECK(has(broken({}, bytes_of({NAN})), "above 0"));
}

TEST_CASE("older versions are read") {
  for (const uint32_t version : {1u, 2u, 3u}) {
    Writer writer;  // dtype is the size of an item, and what follows counts items
    writer.head(version, 2)
        .variable("a", {2}, 4, bytes_of({1.5f, 2.5f}), 2)
        .variable("b", {1}, 1, "\x05", 1);
    if (version >= 3) writer.number(uint32_t{0});
    const auto contents = parse(writer.file);
    CHECK(contents.version == version);
    CHECK(contents.variables.at("a").dtype == io::Dtype::f32);
    CHECK(contents.variables.at("b").dtype == io::Dtype::i8);
  }
}

TEST_CASE("a file cut anywhere is refused, and so is one with a byte more") {
  for (size_t length = 0; length < kMinimal.size(); ++length)
    CHECK(has(refusal(kMinimal.substr(0, length)), "[model.bin]"));
  CHECK(has(refusal(kMinimal + "x"), "expected the end of the file, got 1 more"));
}

TEST_CASE("hostile model files are refused") {
  CHECK(has(refusal(bytes_of<uint32_t>({7, 0, 0})), "version in [1, 6], got 7"));
  CHECK(has(refusal(bytes_of<uint32_t>({0})), "version"));
  const auto one = [](std::vector<uint32_t> dims, int dtype, const std::string& bytes,
                      int64_t claimed = -1) {
    Writer writer;
    writer.head(6, 1).variable("a", std::move(dims), dtype, bytes, claimed).number(uint32_t{0});
    return refusal(writer.file);
  };
  CHECK(has(one({2}, 0, "1234"), "expected 8 bytes for shape (2) at variable a, got 4"));
  CHECK(has(one({1}, 0, "1234", 0xffffffff), "got 4294967295"));
  CHECK(has(one({1}, 6, "1234"), "dtype in [0, 5]"));
  CHECK(has(one({0xffffffff, 0xffffffff, 0xffffffff}, 0, ""), "fits memory"));
  CHECK(has(one({1, 1, 1, 1, 1, 1, 1}, 0, "1234"), "dimensions"));
  CHECK(has(one({0x40000000, 1}, 0, "", 0), "expected 4294967296 bytes"));
  CHECK(has(refusal(Writer().head(6, 0xffffffff).file), "cut short"));
  Writer twice;
  twice.head(6, 2).variable("a", {}, 1, "x").variable("a", {}, 1, "x").number(uint32_t{0});
  CHECK(has(refusal(twice.file), "a twice"));
  const auto alias = [](const char* name, const char* target, int times = 1) {
    Writer writer;
    writer.head(6, 1).variable("a", {}, 1, "x").number(static_cast<uint32_t>(times));
    for (int i = 0; i < times; ++i) writer.text(name).text(target);
    return refusal(writer.file);
  };
  CHECK(has(alias("b", "c"), "expected alias b to name a variable, got c"));
  CHECK(has(alias("b", "b"), "expected alias b"));
  CHECK(has(alias("a", "a"), "a twice"));
  CHECK(has(alias("b", "a", 2), "b twice"));
  Writer unterminated;
  unterminated.head(6, 1).number(uint16_t{2});
  unterminated.file += "ab";
  CHECK(has(refusal(unterminated.file), "ends in NUL"));
  Writer empty;
  empty.head(6, 1).number(uint16_t{0});
  CHECK(has(refusal(empty.file + std::string(20, '\0')), "ends in NUL"));
}

TEST_CASE("the golden of the converter holds the weights of the Hugging Face file") {
  const auto ours = io::CTranslate2::open(testing::golden("whisper_nano_ct2"));
  const auto theirs = io::Safetensors::open(testing::golden("whisper_nano/model.safetensors"));
  const auto want = theirs.floats("model.encoder.conv1.weight");
  const auto got = ours.floats("encoder/conv1/weight", want.shape());
  CHECK_CLOSE(got.view(), want.view(), 0);
  const auto head = theirs.floats("model.decoder.embed_tokens.weight");
  const auto got_head = ours.floats("decoder/projection/weight");
  CHECK_CLOSE(got_head.view(), head.view(), 0);
  CHECK(ours.scalar("encoder/num_heads") == 2);
  CHECK(ours.scalar("decoder/alignment_layer") == -1);
}
