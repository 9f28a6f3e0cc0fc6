#include "otoscope/core/tensor.h"

#include <doctest/doctest.h>

#include "otoscope/core/half.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"

namespace otoscope {

TEST_CASE("a tensor starts at zero, is aligned, and hands out views") {
  Tensor<float> x(Shape{2, 3, 4});
  CHECK(reinterpret_cast<uintptr_t>(x.data()) % 64 == 0);
  for (int64_t i = 0; i < x.size(); ++i) CHECK(x[i] == 0.0f);
  x[23] = 5.0f;
  CHECK(x.view().sub(1).sub(2)[3] == 5.0f);
  CHECK(x.view().slice(1, 2).shape == Shape{1, 3, 4});
  CHECK(x.view().flat().shape == Shape{6, 4});
  CHECK(x.shape().str() == "(2, 3, 4)");
}

TEST_CASE("sizes that overflow are the file's fault, not ours") {
  CHECK_THROWS_AS(checked_product(int64_t{1} << 40, int64_t{1} << 40, "x"), UserError);
  CHECK_THROWS_AS(checked_product(-1, 2, "x"), UserError);
}

TEST_CASE("every f16 goes to float and back unchanged") {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const f16 half{static_cast<uint16_t>(bits)};
    const bool nan = (bits & 0x7c00) == 0x7c00 && (bits & 0x3ff) != 0;
    if (!nan) CHECK(to_f16(to_float(half)).bits == half.bits);
  }
}

TEST_CASE("f16 rounds to nearest, ties to even, and overflow is found") {
  CHECK(to_f16(1.0f + 0x1p-11f).bits == to_f16(1.0f).bits);
  CHECK(to_f16(1.0f + 3 * 0x1p-11f).bits == to_f16(1.0f + 0x1p-9f).bits);
  CHECK(to_f16(65519.9f).bits == 0x7bff);
  CHECK(to_f16(65520.0f).bits == 0x7c00);
  Tensor<float> x(Shape{3});
  x[1] = 70000.0f;
  Tensor<f16> half(Shape{3});
  CHECK(to_f16_checked(x.view(), half.view()) == 1);
}

TEST_CASE("philox gives the published known answers") {  // Random123, kat_vectors
  const uint32_t zero[4] = {}, zero_key[2] = {};
  uint32_t out[4];
  philox4x32(zero, zero_key, out);
  CHECK(out[0] == 0x6627e8d5);
  CHECK(out[1] == 0xe169c58d);
  CHECK(out[2] == 0xbc57ac4c);
  CHECK(out[3] == 0x9b00dbd8);
}

TEST_CASE("a random stream can be taken up at any position") {
  Rng all(7, "test"), later(7, "test");
  for (int i = 0; i < 5; ++i) all.bits();
  later.seek(5);
  for (int i = 0; i < 9; ++i) CHECK(all.bits() == later.bits());
}

TEST_CASE("ranges do not depend on threads, and exceptions reach the caller") {
  std::vector<double> sums(4);
  for (const int n : {1, 2}) {
    set_threads(n);
    std::vector<int64_t> begins(11);
    parallel_ranges(105, 10, [&](int64_t chunk, int64_t begin, int64_t) {
      begins[static_cast<size_t>(chunk)] = begin;
    });
    for (int64_t c = 0; c < 11; ++c) CHECK(begins[static_cast<size_t>(c)] == 10 * c);
    CHECK_THROWS_AS(parallel_ranges(8, 1, [](int64_t, int64_t) { throw UserError("x", "y"); }),
                    UserError);
  }
  set_threads(0);
}

}  // namespace otoscope
