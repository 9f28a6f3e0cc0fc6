#include <algorithm>

#include "otoscope/core/errors.h"
#include "otoscope/io/npy.h"
#include "store/opened.h"

namespace otoscope::store {
namespace {

/// Rows of unknown origin: consecutive ones are likely of one clip, so blocks of them are kept
/// together in a split and in an interval's cluster.
std::vector<Item> blocks_as_items(int64_t rows, const std::string& path) {
  const int64_t size = std::clamp<int64_t>(rows / 100, 1, 1000);
  std::vector<Item> items;
  for (int64_t first = 0; first < rows; first += size) {
    Item item;
    item.first_row = first;
    item.n_rows = std::min(size, rows - first);
    item.id = "rows " + std::to_string(first) + "-" + std::to_string(first + item.n_rows - 1);
    item.path = path;
    item.cluster = item.id;
    const size_t tenth = items.size() % 10;
    item.split = tenth < 8 ? "train" : tenth == 8 ? "dev" : "test";
    items.push_back(std::move(item));
  }
  return items;
}

void fill(Opened& opened, io::Dtype dtype, const Shape& shape, io::Bytes bytes) {
  const std::string where = opened.path.string();
  if (shape.rank() != 2 || shape[1] < 1)
    throw UserError(where, "expected activations of shape (rows, d), got " + shape.str());
  if (dtype != io::Dtype::f16 && dtype != io::Dtype::f32 && dtype != io::Dtype::bf16 &&
      dtype != io::Dtype::f64)
    throw UserError(
        where, "expected activations of a float dtype, got " + std::string(io::dtype_name(dtype)));
  opened.foreign = true;
  opened.index.rows = shape[0];
  opened.index.header.d = shape[1];
  opened.index.header.site = opened.path.stem().string();
  opened.index.header.unit = "row";
  opened.index.header.padding = "unknown";
  opened.index.items = blocks_as_items(shape[0], where);
  RowBlock block;
  block.file = where;
  block.rows = shape[0];
  block.dtype = dtype;
  block.values = bytes;
  opened.source = RowSource(shape[1], {block});
}

}  // namespace

void open_npy(Opened& opened) {
  opened.files.emplace_back(opened.path);
  const io::NpyInfo info = io::parse_npy(opened.files[0].bytes(), opened.path.string());
  if (info.fortran || info.swapped)
    throw UserError(opened.path.string(),
                    info.fortran ? "expected rows one after the other, got column-major order"
                                 : "expected little-endian numbers, got big-endian ones",
                    "save numpy.ascontiguousarray(x, dtype='<f4')");
  fill(opened, info.dtype, info.shape, info.bytes);
}

void open_safetensors(Opened& opened) {
  opened.files.emplace_back(opened.path);
  const auto tensors = io::parse_safetensors(opened.files[0].bytes(), opened.path.string());
  const auto found = tensors.find("activations");
  if (found == tensors.end())
    throw UserError(opened.path.string(), "expected a tensor activations, got none");
  fill(opened, found->second.dtype, found->second.shape, found->second.bytes);
}

}  // namespace otoscope::store
