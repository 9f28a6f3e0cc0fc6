#include "otoscope/io/npy.h"

#include <doctest/doctest.h>

#include <cstring>

#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using testing::error_of;

namespace {

std::string npy_of(std::string header, const std::string& data, int major = 1) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(major);
  file += '\0';
  const auto length = static_cast<uint32_t>(header.size());
  file.append(reinterpret_cast<const char*>(&length), major == 1 ? 2 : 4);
  return file + header + data;
}
std::string header_of(const char* descr, const char* order, const char* shape) {
  return std::string("{'descr': '") + descr + "', 'fortran_order': " + order +
         ", 'shape': " + shape + ", }\n";
}
template <class T>
std::string bytes_of(std::initializer_list<T> values) {
  std::string bytes;
  for (const T value : values) bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  return bytes;
}
io::Npy opened(const std::string& file) {
  static const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "x.npy", file);
  return io::Npy::open(folder.path() / "x.npy");
}
std::string refusal(const std::string& file) {
  return error_of([&] { io::parse_npy(std::as_bytes(std::span(file)), "x.npy"); });
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the 152 bytes that NumPy writes for a small matrix are written and read") {
  const testing::TemporaryFolder folder;
  const float values[] = {1, 2, 3, 4, 5, 6};
  io::write_npy(folder.path() / "a.npy", View<const float>(values, {2, 3}));
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  header.append(117 - header.size(), ' ');
  const std::string want = npy_of(header + "\n", bytes_of({1.f, 2.f, 3.f, 4.f, 5.f, 6.f}));
  CHECK(want.size() == 152);
  CHECK(io::read_file(folder.path() / "a.npy") == want);
  const auto back = io::Npy::open(folder.path() / "a.npy").floats();
  CHECK_CLOSE(back.view(), View<const float>(values, {2, 3}), 0);

  for (const Shape& shape : {Shape{}, Shape{3}, Shape{0, 4}, Shape{1, 1, 2, 3}}) {
    const Tensor<float> x(shape);
    io::write_npy(folder.path() / "b.npy", x.view());
    CHECK(io::Npy::open(folder.path() / "b.npy").floats().shape() == shape);
  }
}

TEST_CASE("every number that npy has is read") {
  const auto floats = [](const char* descr, const std::string& data) {
    return opened(npy_of(header_of(descr, "False", "(1,)"), data)).floats()[0];
  };
  const auto integers = [](const char* descr, const std::string& data) {
    return opened(npy_of(header_of(descr, "False", "(1,)"), data)).integers()[0];
  };
  CHECK(floats("<f2", bytes_of<uint16_t>({0x3e00})) == 1.5f);
  CHECK(floats("=f4", bytes_of({-2.5f})) == -2.5f);
  CHECK(floats("<f8", bytes_of({0.25})) == 0.25f);
  CHECK(floats(">f4", std::string("\x3f\xc0\x00\x00", 4)) == 1.5f);
  CHECK(integers("|i1", "\xfe") == -2);
  CHECK(integers("|u1", "\xfe") == 254);
  CHECK(integers("|b1", "\x01") == 1);
  CHECK(integers("<i2", bytes_of<int16_t>({-300})) == -300);
  CHECK(integers(">i2", std::string("\x01\x02", 2)) == 258);
  CHECK(integers("<i8", bytes_of<int64_t>({-(int64_t{1} << 50)})) == -(int64_t{1} << 50));
  CHECK(integers("<u4", bytes_of<uint32_t>({4000000000u})) == 4000000000);
  CHECK(has(error_of([&] { integers("<u8", std::string(8, '\xff')); }), "below 2^63"));
  CHECK(has(error_of([&] { integers("<f4", std::string(4, '\0')); }), "got F32"));
  CHECK(has(error_of([&] { floats("<i4", std::string(4, '\0')); }), "got I32"));
}

TEST_CASE("column-major files give the same matrix") {
  const auto x =
      opened(npy_of(header_of("<f4", "True", "(2, 3)"), bytes_of({1.f, 4.f, 2.f, 5.f, 3.f, 6.f})))
          .floats();
  for (int64_t i = 0; i < 6; ++i) CHECK(x[i] == static_cast<float>(i + 1));
  // rank 3: element (i, j, k) lies at i + 2 j + 4 k
  const auto y =
      opened(npy_of(header_of("|u1", "True", "(2, 2, 2)"), std::string("\0\1\2\3\4\5\6\7", 8)))
          .integers();
  CHECK(y[1] == 4);  // (0, 0, 1)
  CHECK(y[2] == 2);  // (0, 1, 0)
  CHECK(y[4] == 1);  // (1, 0, 0)
  CHECK(opened(npy_of(header_of("<f4", "True", "(0, 3)"), "")).floats().shape() == Shape{0, 3});
}

TEST_CASE("older and odder headers are read") {
  CHECK(
      opened(npy_of("{\"shape\": (3L,), 'fortran_order': False, 'descr': '|u1'}", "abc")).shape() ==
      Shape{3});
  CHECK(opened(npy_of(header_of("|u1", "False", "()"), "a", 2)).shape().rank() == 0);
  CHECK(opened(npy_of(header_of("|u1", "False", "( 1 ,1 , )"), "a", 3)).shape() == Shape{1, 1});
}

TEST_CASE("hostile npy files are refused") {
  CHECK(has(refusal(""), "expected a .npy file"));
  CHECK(has(refusal("PK\x03\x04 and so on"), "zip"));
  CHECK(has(refusal("\x93NUMPY\x01"), "expected a .npy file"));
  CHECK(has(refusal(npy_of("{}", "", 4)), "version 1, 2 or 3, got 4"));
  CHECK(has(refusal(std::string("\x93NUMPY\x01\x00\xff\xff{", 11)), "cut short"));
  CHECK(has(refusal(std::string("\x93NUMPY\x02\x00\xff\xff", 10)), "cut short"));
  CHECK(has(refusal(npy_of(header_of("|O", "False", "(1,)"), "x")), "pickles"));
  CHECK(has(refusal(npy_of(header_of("|O8", "False", "(1,)"), "x")), "pickles"));
  CHECK(has(refusal(npy_of(header_of("|V2", "False", "(1,)"), "xx")), "bf16"));
  for (const char* descr : {"<U4", "|S3", "|V8", "<c8", "<f16", "<i3", "f4", "", "<"})
    CHECK_MESSAGE(has(refusal(npy_of(header_of(descr, "False", "(1,)"), "x")), "descr"), descr);
  CHECK(has(refusal(npy_of("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "")),
            "records"));
  CHECK(has(refusal(npy_of(header_of("|u1", "1", "(1,)"), "x")), "True or False"));
  for (const char* shape : {"(-1,)", "(1.5,)", "[1]", "(1", "(,)", "(1 2)", "1", "('a',)"})
    CHECK_MESSAGE(has(refusal(npy_of(header_of("|u1", "False", shape), "x")), "(at byte"), shape);
  CHECK(has(refusal(npy_of(header_of("|u1", "False", "(99999999999999999999,)"), "x")), "fits"));
  CHECK(has(refusal(npy_of(header_of("|u1", "False", "(1,1,1,1,1,1,1)"), "x")), "dimensions"));
  CHECK(has(refusal(npy_of(header_of("<f8", "False", "(4611686018427387904, 4)"), "x")), "shape"));
  CHECK(has(refusal(npy_of(header_of("<f4", "False", "(2,)"), "1234567")), "expected 8 bytes"));
  CHECK(has(refusal(npy_of(header_of("<f4", "False", "(2,)"), "123456789")), "expected 8 bytes"));
  CHECK(has(refusal(npy_of("{'descr': '<f4'}", "")), "expected the keys"));
  CHECK(has(refusal(npy_of("{'descr': '<f4', 'descr': '<f4'}", "")), "once each"));
  CHECK(has(refusal(npy_of("{'x': __import__('os')}", "")), "once each"));
  CHECK(has(refusal(npy_of(header_of("|u1", "False", "(1,)") + "x", "x")), "end of the header"));
  CHECK(has(refusal(npy_of("{'descr", "")), "closing quote"));
}
