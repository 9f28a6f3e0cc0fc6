#include <algorithm>
#include <array>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/npy.h"
#include "otoscope/io/npz.h"
#include "otoscope/io/numbers.h"
#include "store/foreign_rows.h"
#include "store/opened.h"

namespace otoscope::store {
namespace {

std::optional<std::vector<int64_t>> integers(io::Dtype dtype, const Shape& shape, io::Bytes bytes,
                                             const char* name, int64_t rows,
                                             const std::string& where) {
  std::vector<int64_t> values(static_cast<size_t>(rows));
  if (shape != Shape{rows} ||
      !io::copy_integers(dtype, bytes, View<int64_t>(values.data(), {rows})))
    throw UserError(where, std::string("expected ") + std::to_string(rows) + " integers at " +
                               name + ", one a row, got " + std::string(io::dtype_name(dtype)) +
                               " " + shape.str());
  return values;
}

io::Bytes bytes_of(const std::vector<int32_t>& column) { return std::as_bytes(std::span(column)); }

void fill(Opened& opened, io::Dtype dtype, const Shape& shape, io::Bytes bytes,
          const ColumnReader& column) {
  const std::string where = opened.path.string();
  if (shape.rank() != 2 || shape[1] < 1)
    throw UserError(where, "expected activations of shape (rows, d), got " + shape.str());
  if (dtype != io::Dtype::f16 && dtype != io::Dtype::f32 && dtype != io::Dtype::bf16 &&
      dtype != io::Dtype::f64)
    throw UserError(
        where, "expected activations of a float dtype, got " + std::string(io::dtype_name(dtype)));
  opened.foreign = true;
  ForeignRows rows = foreign_rows(opened.path, shape[0], column);
  Header& header = opened.index.header;
  opened.index.rows = shape[0];
  header.d = shape[1];
  header.site = rows.site.empty() ? opened.path.stem().string() : rows.site;
  header.model_name = rows.model_name;
  header.model_hash = rows.model_hash;
  header.unit = rows.unit;
  header.padding = "unknown";
  opened.index.items = std::move(rows.items);
  opened.columns = {std::move(rows.item), std::move(rows.frame), std::move(rows.token)};
  RowBlock block;
  block.file = where;
  block.rows = shape[0];
  block.dtype = dtype;
  block.values = bytes;
  block.item = bytes_of(opened.columns[0]);
  block.frame = bytes_of(opened.columns[1]);
  block.token = bytes_of(opened.columns[2]);
  opened.source = RowSource(shape[1], {block});
}

/// Rows one after the other and little-endian, so that they can be read where they lie.
void check_order(const io::NpyInfo& info, const std::string& where) {
  if (info.fortran || info.swapped)
    throw UserError(where,
                    info.fortran ? "expected rows one after the other, got column-major order"
                                 : "expected little-endian numbers, got big-endian ones",
                    "save numpy.ascontiguousarray(x, dtype='<f4')");
}

/// The array of an .npz that holds the rows.
const io::NpzMember& rows_member(const std::map<std::string, io::NpzMember>& members,
                                 const std::string& where) {
  const auto found = members.find("activations");
  if (found != members.end()) return found->second;
  std::vector<std::string> names;
  names.reserve(members.size());
  for (const auto& [name, member] : members) names.push_back(name);
  throw UserError(where,
                  "expected an array activations, got " +
                      (names.empty() ? std::string("none") : otoscope::join(names)),
                  "save it with numpy.savez(path, activations=x)");
}

}  // namespace

void open_npy(Opened& opened) {
  const std::string where = opened.path.string();
  opened.files.emplace_back(opened.path);
  const io::NpyInfo info = io::parse_npy(opened.files[0].bytes(), where);
  check_order(info, where);
  fill(opened, info.dtype, info.shape, info.bytes,
       [](const char*) { return std::optional<std::vector<int64_t>>(); });
}

void open_npz(Opened& opened) {
  const std::string where = opened.path.string();
  opened.files.emplace_back(opened.path);
  const auto members = io::parse_npz(opened.files[0].bytes(), where);
  const io::NpyInfo info =
      io::parse_npy(io::unpack_member(rows_member(members, where), opened.unpacked, where), where);
  check_order(info, where);
  fill(opened, info.dtype, info.shape, info.bytes,
       [&](const char* name) -> std::optional<std::vector<int64_t>> {
         const auto found = members.find(name);
         if (found == members.end()) return {};
         std::string unpacked;
         const io::NpyInfo column =
             io::parse_npy(io::unpack_member(found->second, unpacked, where), where);
         check_order(column, where);
         return integers(column.dtype, column.shape, column.bytes, name, info.shape[0], where);
       });
}

void open_safetensors(Opened& opened) {
  const std::string where = opened.path.string();
  opened.files.emplace_back(opened.path);
  const auto tensors = io::parse_safetensors(opened.files[0].bytes(), where);
  const auto found = tensors.find("activations");
  if (found == tensors.end()) throw UserError(where, "expected a tensor activations, got none");
  const int64_t rows = found->second.shape.rank() > 0 ? found->second.shape[0] : 0;
  fill(opened, found->second.dtype, found->second.shape, found->second.bytes,
       [&](const char* name) -> std::optional<std::vector<int64_t>> {
         const auto column = tensors.find(name);
         if (column == tensors.end()) return {};
         return integers(column->second.dtype, column->second.shape, column->second.bytes, name,
                         rows, where);
       });
}

}  // namespace otoscope::store
