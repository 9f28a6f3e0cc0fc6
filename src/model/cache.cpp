#include "otoscope/model/cache.h"

#include <algorithm>

#include "otoscope/core/threads.h"

namespace otoscope::model {
namespace {

Tensor<float> reordered(const Tensor<float>& x, std::span<const int32_t> source, int64_t length) {
  const Shape shape = x.shape();
  const int64_t H = shape[1], capacity = shape[2], D = shape[3];
  const auto rows = static_cast<int64_t>(source.size());
  auto moved = Tensor<float>::uninitialized({rows, H, capacity, D});
  parallel_ranges(rows * H, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t from = int64_t{source[static_cast<size_t>(i / H)]} * H + i % H;
      std::copy_n(x.data() + from * capacity * D, length * D, moved.data() + i * capacity * D);
    }
  });
  return moved;
}

}  // namespace

void KvCache::reorder(std::span<const int32_t> source) {
  bool same = static_cast<int64_t>(source.size()) == rows_;
  for (size_t i = 0; i < source.size(); ++i) {
    OTO_ASSERT(source[i] >= 0 && source[i] < rows_);
    same = same && source[i] == static_cast<int32_t>(i);
  }
  if (same) return;
  for (auto& k : self_k_) k = reordered(k, source, length_);
  for (auto& v : self_v_) v = reordered(v, source, length_);
  std::vector<int32_t> audio;
  audio.reserve(source.size());
  for (const int32_t row : source) audio.push_back(audio_row_[static_cast<size_t>(row)]);
  audio_row_ = std::move(audio);
  rows_ = static_cast<int64_t>(source.size());
}

void KvCache::truncate(int64_t n) {
  OTO_ASSERT(n >= 0 && n <= length_);
  length_ = n;
  if (n == 0) steps_ = 0;
}

}  // namespace otoscope::model
