#include <algorithm>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "store/opened.h"
#include "store/permutation.h"

namespace otoscope::store {

Shuffled::Shuffled(const Store& store, Split split, int64_t batch, uint64_t seed)
    : store_(store), batch_(batch), seed_(seed) {
  OTO_ASSERT(batch > 0);
  for (const Item& item : store.items()) {
    if (item.n_rows == 0 || !in_split(item, split)) continue;
    const bool joined =
        !ranges_.empty() && ranges_.back().first + (n_ - ranges_.back().before) == item.first_row;
    if (!joined) ranges_.push_back({n_, item.first_row});
    n_ += item.n_rows;
  }
  if (n_ == 0)
    throw UserError(store.path().string(), "expected rows in the split to draw from, got none",
                    "the corpus is too small for its splits");
}

int64_t Shuffled::rows_per_epoch() const { return n_; }

void Shuffled::batch(int64_t i, View<float> out, std::vector<int64_t>* rows) const {
  OTO_ASSERT(i >= 0 && out.rows() == batch_);
  std::vector<int64_t> drawn(static_cast<size_t>(batch_));
  int64_t place = i * batch_;
  for (size_t filled = 0; filled < drawn.size();) {
    const int64_t epoch = place / n_;
    const Permutation order(
        n_, Rng(seed_ + static_cast<uint64_t>(epoch) * 0x9e3779b97f4a7c15ULL, "shuffle").bits64());
    for (int64_t at = place % n_; at < n_ && filled < drawn.size(); ++at, ++place) {
      const int64_t row = order(at);
      const auto after =
          std::upper_bound(ranges_.begin(), ranges_.end(), row,
                           [](int64_t value, const Range& range) { return value < range.before; });
      const Range& range = *std::prev(after);
      drawn[filled++] = range.first + (row - range.before);
    }
  }
  store_.gather(drawn, out);
  if (rows != nullptr) *rows = std::move(drawn);
}

}  // namespace otoscope::store
