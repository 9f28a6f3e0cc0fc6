#include "otoscope/io/npy.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "otoscope/core/errors.h"
#include "otoscope/io/numbers.h"

namespace otoscope::io {
namespace {

/// Native byte order; a copy is made only where it differs.
std::string swapped_copy(const NpyInfo& info) {
  std::string copy(reinterpret_cast<const char*>(info.bytes.data()), info.bytes.size());
  const auto width = static_cast<size_t>(dtype_bytes(info.dtype));
  for (size_t i = 0; i < copy.size(); i += width)
    std::reverse(copy.begin() + static_cast<std::ptrdiff_t>(i),
                 copy.begin() + static_cast<std::ptrdiff_t>(i + width));
  return copy;
}

/// Column-major to row-major, any rank: walks the output in order and keeps the input's offset.
template <class T>
Tensor<T> row_major(const Tensor<T>& source) {
  const Shape& shape = source.shape();
  auto out = Tensor<T>::uninitialized(shape);
  int64_t strides[Shape::kMaxRank] = {}, index[Shape::kMaxRank] = {};
  int64_t stride = 1;
  for (int i = 0; i < shape.rank(); ++i) strides[i] = stride, stride *= shape[i];
  int64_t from = 0;
  for (int64_t to = 0; to < out.size(); ++to) {
    out[to] = source[from];
    for (int i = shape.rank() - 1; i >= 0; --i) {
      from += strides[i];
      if (++index[i] < shape[i]) break;
      from -= strides[i] * shape[i];
      index[i] = 0;
    }
  }
  return out;
}

template <class T, class Copy>
Tensor<T> read_as(const Npy& npy, const char* kind, Copy&& copy) {
  const NpyInfo& info = npy.info();
  auto values = Tensor<T>::uninitialized(info.shape);
  std::string native;
  if (info.swapped) native = swapped_copy(info);
  const Bytes bytes = info.swapped ? std::as_bytes(std::span(native)) : info.bytes;
  if (!copy(info.dtype, bytes, values.view()))
    throw UserError(npy.path().string(), std::string("expected ") + kind + ", got " +
                                             std::string(dtype_name(info.dtype)));
  return info.fortran && info.shape.rank() > 1 ? row_major(values) : std::move(values);
}

}  // namespace

Npy Npy::open(const std::filesystem::path& path) {
  Npy opened;
  opened.file_ = MappedFile(path);
  opened.info_ = parse_npy(opened.file_.bytes(), path.string());
  return opened;
}

Tensor<float> Npy::floats() const { return read_as<float>(*this, "floats", copy_floats); }
Tensor<int64_t> Npy::integers() const {
  return read_as<int64_t>(*this, "integers below 2^63", copy_integers);
}

void write_npy(const std::filesystem::path& path, View<const float> x) {
  std::string shape = "(";
  for (int i = 0; i < x.shape.rank(); ++i)
    shape += (i > 0 ? ", " : "") + std::to_string(x.shape[i]);
  shape += x.shape.rank() == 1 ? ",)" : ")";
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  const auto length = static_cast<uint16_t>(header.size());
  AtomicFile file(path);
  file.write(std::string_view("\x93NUMPY\x01\x00", 8));
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  file.write(std::as_bytes(std::span<const float>(x.data, static_cast<size_t>(x.size()))));
  file.commit();
}

}  // namespace otoscope::io
