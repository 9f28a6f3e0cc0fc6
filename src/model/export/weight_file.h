#pragma once
/// Tensors in the dtype of a file, gathered one by one from a checkpoint that gives them up.

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "model/checkpoint.h"
#include "otoscope/io/safetensors.h"

namespace otoscope::model {

/// True where f16 holds every value exactly.
bool exact_in_f16(const Checkpoint& checkpoint);
/// Rounds every value to f16 and returns how many changed. A value that is not finite or beyond
/// f16: UserError that names the tensor.
int64_t round_to_f16(Checkpoint& checkpoint);

class WeightFile {
 public:
  explicit WeightFile(io::Dtype dtype) : dtype_(dtype) {}

  /// The dtype must hold every value exactly.
  void add(std::string name, View<const float> x);
  /// One integer, for CTranslate2's settings.
  void scalar(std::string name, io::Dtype dtype, int64_t value);

  const std::vector<io::NamedTensor>& tensors() const { return tensors_; }
  int64_t bytes() const { return bytes_; }

 private:
  std::vector<std::byte>& keep(std::string name, io::Dtype dtype, const Shape& shape);

  io::Dtype dtype_;
  std::deque<std::vector<std::byte>> storage_;  // what tensors_ borrow; never moves
  std::vector<io::NamedTensor> tensors_;
  int64_t bytes_ = 0;
};

}  // namespace otoscope::model
