#include "otoscope/sae/batches.h"

#include <algorithm>

#include "otoscope/core/rng.h"
#include "otoscope/io/hash.h"

namespace otoscope::sae {

MemoryBatches::MemoryBatches(View<const float> rows)
    : all_(rows.flat()), train_(std::max<int64_t>(1, rows.rows() - rows.rows() / 10)) {
  if (rows.empty()) throw UserError("activations", "expected at least one row, got none");
  hash_ = io::sha256(std::as_bytes(all_.span()));
}

void MemoryBatches::batch(uint64_t seed, int64_t i, View<float> out) const {
  const int64_t size = out.rows(), d = all_.width();
  int64_t place = i * size, known = -1;
  std::vector<int64_t> order;
  for (int64_t b = 0; b < size; ++b, ++place) {
    if (const int64_t epoch = place / train_; epoch != known) {
      Rng rng(seed + 0x9e3779b97f4a7c15ULL * static_cast<uint64_t>(epoch), "batches in memory");
      order = rng.permutation(train_);
      known = epoch;
    }
    std::copy_n(all_.row(order[static_cast<size_t>(place % train_)]), d, out.row(b));
  }
}

void MemoryBatches::dev(int64_t first, View<float> out) const {
  OTO_ASSERT(first + out.rows() <= dev_rows());
  std::copy_n(all_.row(train_ + first), out.size(), out.data);
}

StoreBatches::StoreBatches(const store::Store& store) : store_(store) {
  rows_ = store::Shuffled(store, store::Split::train, 1, 0).rows_per_epoch();
  // Evenly over the whole split: neighbours say the same thing twice.
  constexpr size_t kMost = 65536;
  const std::vector<int64_t> all = store.rows_of(store::Split::dev);
  const size_t n = std::min(kMost, all.size());
  for (size_t i = 0; i < n; ++i) dev_.push_back(all[i * all.size() / n]);
}

void StoreBatches::batch(uint64_t seed, int64_t i, View<float> out) const {
  auto& order = orders_[{seed, out.rows()}];
  if (!order)
    order = std::make_unique<store::Shuffled>(store_, store::Split::train, out.rows(), seed);
  order->batch(i, out);
}

void StoreBatches::dev(int64_t first, View<float> out) const {
  const auto begin = dev_.begin() + first;
  store_.gather({begin, begin + out.rows()}, out);
}

}  // namespace otoscope::sae
