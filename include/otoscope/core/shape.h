#pragma once
/// Sizes of a dense array, outermost first, as PyTorch prints them.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace otoscope {

class Shape {
 public:
  static constexpr int kMaxRank = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes);

  int rank() const { return rank_; }
  /// Negative i counts from the end: shape[-1] is the row width.
  int64_t operator[](int i) const { return sizes_[static_cast<size_t>(i < 0 ? rank_ + i : i)]; }
  /// Product of the sizes; 1 for a scalar.
  int64_t count() const;
  /// All but the last size multiplied: the number of rows of a (..., d) array.
  int64_t rows() const;
  /// The shape without its first size.
  Shape tail() const;
  void push_back(int64_t size);

  bool operator==(const Shape&) const = default;
  /// "(2, 80, 3000)"
  std::string str() const;

 private:
  std::array<int64_t, kMaxRank> sizes_{};
  int rank_ = 0;
};

/// a * b, or a UserError when the product does not fit: sizes come from files.
int64_t checked_product(int64_t a, int64_t b, const char* where);

}  // namespace otoscope
