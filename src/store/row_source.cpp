#include "store/row_source.h"

#include <algorithm>

#include "otoscope/core/errors.h"
#include "otoscope/core/threads.h"
#include "otoscope/io/numbers.h"

namespace otoscope::store {

RowSource::RowSource(int64_t d, std::vector<RowBlock> blocks) : d_(d), blocks_(std::move(blocks)) {
  for (const RowBlock& block : blocks_) rows_ += block.rows;
}

const RowBlock& RowSource::block_of(int64_t row) const {
  OTO_ASSERT(row >= 0 && row < rows_);
  const auto after = std::upper_bound(
      blocks_.begin(), blocks_.end(), row,
      [](int64_t value, const RowBlock& block) { return value < block.first_row; });
  // Empty blocks share their first row with the next: the last of them holds the row.
  return *std::prev(after);
}

bool RowSource::copy(int64_t row, float* out) const {
  const RowBlock& block = block_of(row);
  const int64_t bytes = d_ * io::dtype_bytes(block.dtype);
  const io::Bytes values = block.values.subspan(
      static_cast<size_t>((row - block.first_row) * bytes), static_cast<size_t>(bytes));
  OTO_ASSERT(io::copy_floats(block.dtype, values, View<float>(out, {d_})));
  float sum = 0;  // 0 * x is 0 for what is finite, NaN for what is not
  for (int64_t i = 0; i < d_; ++i) sum += out[i] * 0.0f;
  return sum == 0;
}

void RowSource::refuse(int64_t row) const {
  throw UserError(block_of(row).file,
                  "expected finite activations, got NaN or infinity in row " + std::to_string(row),
                  "extract it again");
}

void RowSource::read(int64_t first, View<float> out) const {
  OTO_ASSERT(out.shape.rank() == 2 && out.width() == d_);
  OTO_ASSERT(first >= 0 && first + out.rows() <= rows_);
  parallel_ranges(out.rows(), 256, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      if (!copy(first + i, out.row(i))) refuse(first + i);
  });
}

void RowSource::gather(const std::vector<int64_t>& rows, View<float> out) const {
  OTO_ASSERT(out.shape.rank() == 2 && out.width() == d_);
  OTO_ASSERT(out.rows() == static_cast<int64_t>(rows.size()));
  parallel_ranges(out.rows(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      if (!copy(rows[static_cast<size_t>(i)], out.row(i))) refuse(rows[static_cast<size_t>(i)]);
  });
}

}  // namespace otoscope::store
