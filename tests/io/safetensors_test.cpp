#include "otoscope/io/safetensors.h"

#include <doctest/doctest.h>

#include <cstring>

#include "otoscope/io/hash.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using testing::error_of;

namespace {

std::string file_of(const std::string& header, const std::string& data, int64_t claimed = -1) {
  const uint64_t length = claimed >= 0 ? static_cast<uint64_t>(claimed) : header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + header + data;
}
auto parse(const std::string& file, std::map<std::string, std::string>* metadata = nullptr) {
  return io::parse_safetensors(std::as_bytes(std::span(file)), "m.safetensors", metadata);
}
std::string refusal(const std::string& header, const std::string& data = {}) {
  const std::string file = file_of(header, data);
  const std::string message = error_of([&] { parse(file); });
  CHECK(message.starts_with("[m.safetensors"));
  return message;
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
std::string f32(const char* name, const char* shape, int64_t begin, int64_t end) {
  return "\"" + std::string(name) + R"(":{"dtype":"F32","shape":)" + shape + ",\"data_offsets\":[" +
         std::to_string(begin) + "," + std::to_string(end) + "]}";
}

}  // namespace

TEST_CASE("the example of the format reads, byte for byte") {
  const std::string file = file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  )",
                                   std::string("\x00\x00\xc0\x3f", 4));
  REQUIRE(file.size() == 68);
  const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "a.safetensors", file);
  const auto opened = io::Safetensors::open(folder.path() / "a.safetensors");
  CHECK(opened.names() == std::vector<std::string>{"a"});
  CHECK(opened.floats("a")[0] == 1.5f);

  const float value = 1.5f;
  io::write_safetensors(folder.path() / "b.safetensors",
                        {io::named("a", View<const float>(&value, {1}))});
  CHECK(io::read_file(folder.path() / "b.safetensors") == file);
}

TEST_CASE("what the reference reader accepts is accepted") {
  CHECK(parse(file_of("{}", "")).empty());
  CHECK(parse(file_of("{}      ", "")).empty());
  // header in another order than the data
  CHECK(parse(file_of("{" + f32("b", "[1]", 4, 8) + "," + f32("a", "[1]", 0, 4) + "}",
                      std::string(8, 'x')))
            .size() == 2);
  // unknown extra fields, the empty name, names beyond ASCII
  CHECK(parse(file_of(R"({"":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":[1]}})", "x"))
            .count("") == 1);
  CHECK(parse(file_of("{" + f32("größe", "[0]", 0, 0) + "}", "")).count("größe") == 1);
  // scalars and empty tensors, several of them at one place
  const auto tensors =
      parse(file_of("{" + f32("a", "[0,5]", 0, 0) + "," + f32("b", "[]", 0, 4) + "," +
                        f32("c", "[2,0]", 4, 4) + "," + f32("d", "[0]", 0, 0) + "}",
                    std::string(4, 'x')));
  CHECK(tensors.at("a").shape == Shape{0, 5});
  CHECK(tensors.at("b").shape.rank() == 0);
  CHECK(tensors.at("b").bytes.size() == 4);
}

TEST_CASE("a float at an odd place is read right") {
  std::string data(1, '\x07');
  const float value = -3.25f;
  data.append(reinterpret_cast<const char*>(&value), 4);
  const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "odd",
                 file_of(R"({"b":{"dtype":"U8","shape":[],"data_offsets":[0,1]},)" +
                             f32("a", "[1]", 1, 5) + "}",
                         data));
  const auto opened = io::Safetensors::open(folder.path() / "odd");
  CHECK(opened.floats("a")[0] == value);
  CHECK(opened.integers("b")[0] == 7);
}

TEST_CASE("what the reference reader refuses is refused") {
  const std::string eight(8, 'x');
  CHECK(has(refusal("{" + f32("a", "[1]", 0, 4) + "," + f32("b", "[1]", 2, 6) + "}", "xxxxxx"),
            "overlap"));
  CHECK(has(refusal("{" + f32("a", "[1]", 0, 4) + "," + f32("b", "[1]", 0, 4) + "}", "xxxx"),
            "overlap"));
  CHECK(has(
      refusal("{" + f32("a", "[1]", 0, 4) + "," + f32("b", "[1]", 5, 9) + "}", std::string(9, 'x')),
      "expected tensor \"b\" to begin at data byte 4, got 5"));
  CHECK(has(refusal("{" + f32("a", "[1]", 4, 8) + "}", eight), "hole"));
  CHECK(has(refusal("{" + f32("a", "[2]", 0, 4) + "}", "xxxx"), "expected 8 bytes"));
  CHECK(has(refusal("{" + f32("a", "[1]", -4, 0) + "}", "xxxx"), "tensor \"a\""));
  CHECK(has(refusal("{" + f32("a", "[1]", 4, 0) + "}", "xxxx"), "expected 4 bytes"));
  CHECK(has(refusal("{" + f32("a", "[4611686018427387904,4]", 0, 0) + "}"), "fits memory"));
  CHECK(has(refusal("{" + f32("a", "[18446744073709551615]", 0, 0) + "}"), "whole number"));
  CHECK(has(refusal("{" + f32("a", "[-1]", 0, 4) + "}", "xxxx"), "whole number"));
  CHECK(has(refusal("{" + f32("a", "[1.0]", 0, 4) + "}", "xxxx"), "whole number"));
  CHECK(has(refusal("{" + f32("a", "[\"1\"]", 0, 4) + "}", "xxxx"), "whole number"));
  CHECK(has(refusal("{" + f32("a", "[1,1,1,1,1,1,1]", 0, 4) + "}", "xxxx"), "dimensions"));
  CHECK(has(refusal(R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", "xxxx"), "F33"));
  CHECK(has(refusal(R"({"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}})", "xxxx"), "dtype"));
  CHECK(has(refusal(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", "xxxx"), "dtype"));
  CHECK(has(refusal(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", "xxxx"), "shape"));
  CHECK(has(refusal(R"({"a":{"dtype":"F32","shape":[1]}})", "xxxx"), "data_offsets"));
  CHECK(has(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}})", "xxxx"),
            "two data_offsets"));
  CHECK(has(refusal(R"({"a":[1]})", "xxxx"), "an object"));
  CHECK(has(refusal("{" + f32("a", "[2]", 0, 8) + "}", "xxxx"), "cut short"));
  CHECK(has(refusal("{" + f32("a", "[1]", 0, 4) + "}", "xxxxx"), "follows the last tensor"));
  CHECK(has(refusal("{}", "x"), "follows the last tensor"));
  CHECK(has(refusal(R"({"__metadata__":{"a":1}})"), "expected a text at __metadata__ key a"));
  CHECK(has(refusal(R"({"__metadata__":[]})"), "__metadata__"));
}

TEST_CASE("broken headers are refused") {
  const std::string tensor = f32("a", "[1]", 0, 4);
  // accepted by the reference, refused by us: the last of two equal keys would win in silence
  CHECK(has(refusal("{" + tensor + "," + tensor + "}", "xxxx"), "key \"a\" twice"));
  CHECK(has(refusal(" {" + tensor + "}", "xxxx"), "expected { at byte 8"));
  CHECK(has(refusal("[]"), "expected { at byte 8"));
  CHECK(has(refusal(""), "expected { at byte 8"));
  CHECK(has(refusal("{" + tensor), "header] expected JSON"));
  CHECK(has(refusal("{\"\xff\":1}"), "header] expected JSON"));
  CHECK(has(refusal(std::string("{}\0\0", 4)), "header] expected JSON"));

  const auto raw = [](const std::string& file) { return error_of([&] { parse(file); }); };
  CHECK(has(raw(""), "at least 8 bytes, got 0"));
  CHECK(has(raw("1234567"), "at least 8 bytes, got 7"));
  CHECK(has(raw(file_of("{}", "", 3)), "expected 3 bytes of header, got 2"));
  CHECK(has(raw(file_of("{}", "", 100'000'000)), "cut short"));
  CHECK(has(raw(file_of("{}", "", 100'000'001)), "at most 100000000"));
  CHECK(has(raw(std::string(16, '\xff')), "at most 100000000"));
  CHECK(has(raw("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
            "Git-LFS pointer"));
}

TEST_CASE("every dtype is read as what it means") {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "d";
  const uint16_t half[] = {0x3e00, 0xc000};
  const float full[] = {0.1f, -7.0f, 3e38f};
  const int16_t small[] = {-5, 7};
  const int64_t wide[] = {-(int64_t{1} << 40), 3};
  const int32_t middle[] = {-9};
  const uint8_t bytes[] = {255, 0};
  io::write_safetensors(
      path,
      {io::named_f16("half", {2}, half), io::named("full", View<const float>(full, {3, 1})),
       io::named("small", View<const int16_t>(small, {2})),
       io::named("wide", View<const int64_t>(wide, {1, 2})),
       io::named("middle", View<const int32_t>(middle, {})),
       io::named("bytes", View<const uint8_t>(bytes, {2}))},
      {{"format", "pt"}});
  const auto opened = io::Safetensors::open(path);
  CHECK(opened.metadata().at("format") == "pt");
  CHECK(opened.floats("half")[0] == 1.5f);
  CHECK(opened.floats("half")[1] == -2.0f);
  CHECK(opened.floats("full", {3, 1})[0] == 0.1f);
  CHECK(opened.floats("full")[2] == 3e38f);
  CHECK(opened.integers("small")[0] == -5);
  CHECK(opened.integers("wide")[0] == -(int64_t{1} << 40));
  CHECK(opened.integers("middle").shape().rank() == 0);
  CHECK(opened.integers("middle")[0] == -9);
  CHECK(opened.integers("bytes")[0] == 255);
  CHECK(has(error_of([&] { opened.floats("full", {3}); }), "of shape (3), got (3, 1)"));
  CHECK(has(error_of([&] { opened.floats("wide"); }), "expected a float dtype"));
  CHECK(has(error_of([&] { opened.integers("full"); }), "expected integers"));
  CHECK(has(error_of([&] { opened.floats("ful"); }), "the nearest are full"));

  const auto doubles = file_of(R"({"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
                               R"("b":{"dtype":"BF16","shape":[1],"data_offsets":[8,10]}})",
                               std::string("\0\0\0\0\0\0\xf8\x3f\xc0\x3f", 10));
  io::write_file(path, doubles);
  CHECK(io::Safetensors::open(path).floats("d")[0] == 1.5f);
  CHECK(io::Safetensors::open(path).floats("b")[0] == 1.5f);
}

TEST_CASE("written files depend on their tensors only: widest first, then by name, aligned") {
  const testing::TemporaryFolder folder;
  const float full[] = {1, 2};
  const int64_t wide[] = {3};
  const uint8_t bytes[] = {4, 5, 6};
  const auto a = io::named("z", View<const float>(full, {2}));
  const auto b = io::named("a", View<const uint8_t>(bytes, {3}));
  const auto c = io::named("m", View<const int64_t>(wide, {1}));
  const auto d = io::named("k", View<const float>(full, {1, 2}));
  const std::string first = io::write_safetensors(folder.path() / "1", {a, b, c, d}, {{"k", "v"}});
  const std::string second = io::write_safetensors(folder.path() / "2", {d, c, b, a}, {{"k", "v"}});
  CHECK(first == second);
  CHECK(first == io::sha256_file(folder.path() / "1"));
  const std::string file = io::read_file(folder.path() / "1");
  uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  CHECK(length % 8 == 0);
  const size_t m = file.find("\"m\""), k = file.find("\"k\":{"), z = file.find("\"z\""),
               last = file.find("\"a\"");
  CHECK((m < k && k < z && z < last));
  CHECK(has(error_of([&] { io::write_safetensors(folder.path() / "3", {a, a}); }), "\"z\" twice"));
  CHECK(!std::filesystem::exists(folder.path() / "3"));
  io::write_safetensors(folder.path() / "4", {});
  CHECK(io::Safetensors::open(folder.path() / "4").names().empty());
}

TEST_CASE("a golden of the Python writer opens with its shapes") {
  const auto opened = io::Safetensors::open(testing::golden("whisper_nano/model.safetensors"));
  CHECK(opened.info("model.encoder.conv1.weight").shape.rank() == 3);
  CHECK(opened.floats("model.encoder.conv1.weight").size() > 0);
}
