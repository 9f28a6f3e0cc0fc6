#include "model/export/weight_file.h"

#include <atomic>
#include <cstring>

#include "otoscope/core/errors.h"
#include "otoscope/core/half.h"
#include "otoscope/core/threads.h"

namespace otoscope::model {

bool exact_in_f16(const Checkpoint& checkpoint) {
  for (const auto& named : checkpoint.tensors) {
    const auto& tensor = named.second;  // clang 14 captures no structured binding
    std::atomic<bool> exact = true;
    parallel_ranges(tensor.size(), 65536, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        if (to_float(to_f16(tensor[i])) != tensor[i]) {
          exact = false;
          return;
        }
    });
    if (!exact) return false;
  }
  return true;
}

int64_t round_to_f16(Checkpoint& checkpoint) {
  int64_t changed = 0;
  for (auto& [name, tensor] : checkpoint.tensors) {
    auto half = Tensor<f16>::uninitialized(tensor.shape());
    const int64_t bad = to_f16_checked(tensor, half);
    if (bad >= 0)
      throw UserError(
          name, "expected finite values within f16 (65504), got " + std::to_string(tensor[bad]),
          "write f32");
    for (int64_t i = 0; i < tensor.size(); ++i) {
      const float rounded = to_float(half[i]);
      changed += rounded != tensor[i];
      tensor[i] = rounded;
    }
  }
  return changed;
}

std::vector<std::byte>& WeightFile::keep(std::string name, io::Dtype dtype, const Shape& shape) {
  std::vector<std::byte>& bytes =
      storage_.emplace_back(static_cast<size_t>(shape.count() * io::dtype_bytes(dtype)));
  tensors_.push_back({std::move(name), dtype, shape, bytes});
  bytes_ += static_cast<int64_t>(bytes.size());
  return bytes;
}

void WeightFile::add(std::string name, View<const float> x) {
  std::vector<std::byte>& bytes = keep(std::move(name), dtype_, x.shape);
  if (dtype_ == io::Dtype::f32) {
    std::memcpy(bytes.data(), x.data, bytes.size());
    return;
  }
  for (int64_t i = 0; i < x.size(); ++i) {
    const f16 half = to_f16(x.data[i]);
    std::memcpy(bytes.data() + 2 * i, &half.bits, 2);
  }
}

void WeightFile::scalar(std::string name, io::Dtype dtype, int64_t value) {
  std::vector<std::byte>& bytes = keep(std::move(name), dtype, Shape{});
  std::memcpy(bytes.data(), &value, bytes.size());  // little-endian: the low bytes come first
}

}  // namespace otoscope::model
