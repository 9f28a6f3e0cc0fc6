#pragma once
/// Rows in mapped files, of a store or of a foreign file: where they lie and how they become fp32.

#include <cstdint>
#include <string>
#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/io/file.h"
#include "otoscope/io/safetensors.h"

namespace otoscope::store {

/// Consecutive rows of one file. `item` and the others are empty in foreign files.
struct RowBlock {
  std::string file;  // for messages
  int64_t first_row = 0, rows = 0;
  io::Dtype dtype = io::Dtype::f32;
  io::Bytes values;                      // rows * d
  io::Bytes item, frame, window, token;  // int32
  io::Bytes position;                    // int16
};

class RowSource {
 public:
  RowSource() = default;
  RowSource(int64_t d, std::vector<RowBlock> blocks);

  int64_t rows() const { return rows_; }
  int64_t d() const { return d_; }
  const std::vector<RowBlock>& blocks() const { return blocks_; }
  const RowBlock& block_of(int64_t row) const;

  /// One row as fp32; false where a value is NaN or infinite.
  bool copy(int64_t row, float* out) const;
  /// [first, first + out.shape[0]) or the rows named; UserError with row and file.
  void read(int64_t first, View<float> out) const;
  void gather(const std::vector<int64_t>& rows, View<float> out) const;

 private:
  [[noreturn]] void refuse(int64_t row) const;
  int64_t d_ = 0, rows_ = 0;
  std::vector<RowBlock> blocks_;
};

}  // namespace otoscope::store
