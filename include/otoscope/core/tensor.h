#pragma once
/// `Tensor` owns, `View` borrows. Row-major, last index fastest, no strides.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "otoscope/core/errors.h"
#include "otoscope/core/shape.h"

namespace otoscope {

/// Borrowed dense array. Cheap to copy; never outlives what it borrows from.
template <class T>
struct View {
  T* data = nullptr;
  Shape shape;

  View() = default;
  View(T* pointer, Shape sizes) : data(pointer), shape(sizes) {}
  /// A View of mutable values is also a View of constant ones.
  operator View<const T>() const requires(!std::is_const_v<T>) { return {data, shape}; }

  int64_t size() const { return shape.count(); }
  bool empty() const { return data == nullptr || size() == 0; }
  int64_t rows() const { return shape.rows(); }
  int64_t width() const { return shape[-1]; }
  std::span<T> span() const { return {data, static_cast<size_t>(size())}; }

  /// Row i of the array seen as (rows, width).
  T* row(int64_t i) const { return data + i * shape[-1]; }
  T& operator[](int64_t i) const { return data[i]; }
  T& at(int64_t i, int64_t j) const { return data[i * shape[-1] + j]; }

  /// Entry i of the first dimension: shape without its first size.
  View sub(int64_t i) const {
    OTO_ASSERT(shape.rank() > 0 && i >= 0 && i < shape[0]);
    const Shape rest = shape.tail();
    return {data + i * rest.count(), rest};
  }
  /// Entries [begin, end) of the first dimension.
  View slice(int64_t begin, int64_t end) const {
    OTO_ASSERT(shape.rank() > 0 && 0 <= begin && begin <= end && end <= shape[0]);
    Shape sizes{end - begin};
    for (int i = 1; i < shape.rank(); ++i) sizes.push_back(shape[i]);
    return {data + begin * shape.tail().count(), sizes};
  }
  View reshaped(Shape sizes) const {
    OTO_ASSERT(sizes.count() == size());
    return {data, sizes};
  }
  /// The array seen as (rows, width).
  View flat() const { return {data, Shape{rows(), shape[-1]}}; }
};

namespace detail {
void* allocate_aligned(int64_t bytes, bool zero);
void free_aligned(void* pointer);
struct FreeAligned {
  void operator()(void* pointer) const { free_aligned(pointer); }
};
}  // namespace detail

/// The storage: owns, move-only, 64-byte aligned, starts at zero.
template <class T>
class Tensor {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Tensor() = default;
  explicit Tensor(Shape shape) : Tensor(shape, true) {}
  /// Memory with unspecified content, for outputs that are written whole.
  static Tensor uninitialized(Shape shape) { return Tensor(shape, false); }
  /// A copy of what the view borrows.
  static Tensor copy_of(View<const T> source) {
    Tensor copy(source.shape, false);
    std::copy_n(source.data, source.size(), copy.data());
    return copy;
  }

  T* data() { return static_cast<T*>(storage_.get()); }
  const T* data() const { return static_cast<const T*>(storage_.get()); }
  const Shape& shape() const { return shape_; }
  int64_t size() const { return storage_ ? shape_.count() : 0; }
  bool empty() const { return size() == 0; }

  View<T> view() { return {data(), shape_}; }
  View<const T> view() const { return {data(), shape_}; }
  operator View<T>() { return view(); }
  operator View<const T>() const { return view(); }

  T& operator[](int64_t i) { return data()[i]; }
  const T& operator[](int64_t i) const { return data()[i]; }
  T& at(int64_t i, int64_t j) { return data()[i * shape_[-1] + j]; }
  const T& at(int64_t i, int64_t j) const { return data()[i * shape_[-1] + j]; }

  Tensor clone() const { return copy_of(view()); }
  void reshape(Shape sizes) {
    OTO_ASSERT(sizes.count() == shape_.count());
    shape_ = sizes;
  }

 private:
  Tensor(Shape shape, bool zero)
      : storage_(detail::allocate_aligned(
            checked_product(shape.count(), static_cast<int64_t>(sizeof(T)), "tensor"), zero)),
        shape_(shape) {}

  std::unique_ptr<void, detail::FreeAligned> storage_;
  Shape shape_;
};

}  // namespace otoscope
