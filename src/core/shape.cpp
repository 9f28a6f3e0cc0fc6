#include "otoscope/core/shape.h"

#include "otoscope/core/errors.h"

namespace otoscope {

Shape::Shape(std::initializer_list<int64_t> sizes) {
  for (const int64_t size : sizes) push_back(size);
}

int64_t Shape::count() const {
  int64_t n = 1;
  for (int i = 0; i < rank_; ++i) n = checked_product(n, (*this)[i], "shape");
  return n;
}

int64_t Shape::rows() const {
  int64_t n = 1;
  for (int i = 0; i + 1 < rank_; ++i) n *= (*this)[i];
  return n;
}

Shape Shape::tail() const {
  Shape rest;
  for (int i = 1; i < rank_; ++i) rest.push_back((*this)[i]);
  return rest;
}

void Shape::push_back(int64_t size) {
  OTO_ASSERT(rank_ < kMaxRank);
  OTO_ASSERT(size >= 0);
  sizes_[static_cast<size_t>(rank_++)] = size;
}

std::string Shape::str() const {
  std::string text = "(";
  for (int i = 0; i < rank_; ++i) {
    if (i > 0) text += ", ";
    text += std::to_string((*this)[i]);
  }
  return text + ")";
}

int64_t checked_product(int64_t a, int64_t b, const char* where) {
  int64_t product = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product))
    throw UserError(where, "expected sizes whose product fits in 63 bits, got " +
                               std::to_string(a) + " x " + std::to_string(b));
  return product;
}

}  // namespace otoscope
