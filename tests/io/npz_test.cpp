#include "otoscope/io/npz.h"

#include <doctest/doctest.h>

#include <cstring>

#include "otoscope/io/numbers.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using testing::error_of;
using testing::golden;

namespace {

std::string file(const char* name) { return io::read_file(golden("npz") / name); }
io::Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string error(const std::string& text) {
  return error_of([&] {
    std::string unpacked;
    for (const auto& [name, member] : io::parse_npz(bytes_of(text), "x.npz"))
      io::unpack_member(member, unpacked, "x.npz");
  });
}

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what NumPy saves, plain and compressed, is read") {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    const std::string text = file(name);
    const auto members = io::parse_npz(bytes_of(text), name);
    CHECK(members.size() == 5);
    std::string unpacked;
    const auto& member = members.at("activations");
    CHECK(member.deflated == (name[0] == 'd'));
    const io::NpyInfo info = io::parse_npy(io::unpack_member(member, unpacked, name), name);
    CHECK(unpacked.empty() == (name[0] == 's'));  // stored arrays are read where they lie
    REQUIRE(info.shape == Shape{12, 5});
    Tensor<float> x(info.shape);
    REQUIRE(io::copy_floats(info.dtype, info.bytes, x.view()));
    for (int64_t i = 0; i < x.size(); ++i) CHECK(x[i] == (static_cast<float>(i) - 7) / 4);
  }
}

TEST_CASE("a comment may follow the directory") {
  std::string text = file("stored.npz");
  text[text.size() - 2] = 4;  // its length
  text += "PK\5\6";
  CHECK(io::parse_npz(bytes_of(text), "x").size() == 5);
}

TEST_CASE("damaged zips are refused in one line") {
  const std::string whole = file("deflated.npz"), stored = file("stored.npz");
  CHECK(has(error(""), "expected a zip"));
  CHECK(has(error("PK\3\4 and no directory, but long enough"), "directory at the end, got none"));
  for (size_t size = 0; size < whole.size(); size += 7)
    CHECK(error(whole.substr(0, size)) != "nothing was thrown");

  const auto changed = [](std::string text, size_t at, const std::string& bytes) {
    return text.replace(at, bytes.size(), bytes);
  };
  const size_t entry = whole.find("PK\1\2");
  CHECK(has(error(changed(whole, entry + 8, "\1")), "encrypted"));
  CHECK(has(error(changed(whole, entry + 10, "\14")), "got method 12"));
  CHECK(has(error(changed(whole, entry + 16, "\1\2\3\4")), "CRC-32 differs"));
  CHECK(has(error(changed(whole, entry + 24, "\1")), "bytes of another length"));
  CHECK(has(error(changed(whole, entry + 26, "\xff")), "a size that its bytes can hold"));
  CHECK(has(error(changed(whole, entry + 42, "\7")), "expected the header of"));
  CHECK(has(error(changed(whole, entry + 46, "../x")), "expected names of arrays"));
  const size_t local = whole.find("PK\3\4");
  CHECK(has(error(changed(whole, local + 26, std::string("\xff\xff", 2))), "an array inside"));
  const size_t name = stored.rfind("frame.npy");
  CHECK(has(error(changed(stored, name, "frame.txt")), "expected .npy arrays alone"));
}
