#include "sae/arch/select.h"

#include <algorithm>
#include <functional>

namespace otoscope::sae {

void append_rows(const SparseRows& part, SparseRows& codes) {
  const int64_t base = codes.nnz();
  for (size_t b = 1; b < part.indptr.size(); ++b) codes.indptr.push_back(base + part.indptr[b]);
  codes.indices.insert(codes.indices.end(), part.indices.begin(), part.indices.end());
  codes.values.insert(codes.values.end(), part.values.begin(), part.values.end());
}

namespace {

class RowSelector : public Selector {
 public:
  explicit RowSelector(int64_t k) : k_(k) {}
  void start(int64_t) override { all_.clear(); }
  void slice(View<const float> pre) override {
    kernels::top_k(pre, k_, part_);
    append_rows(part_, all_);
  }
  bool finish(SparseRows& codes) override {
    std::swap(codes, all_);
    return true;
  }

 private:
  int64_t k_;
  SparseRows part_, all_;
};

/// A floor estimated on a few rows leaves about twice what is needed; the exact cut is made among
/// those. If the estimate was too high, everything positive is kept in a second round.
class BatchSelector : public Selector {
 public:
  explicit BatchSelector(int64_t k) : k_(k), floor_(Shape{1}) {}

  void start(int64_t rows) override {
    rows_ = rows;
    all_.clear();
    estimated_ = second_round_;
    if (second_round_) floor_[0] = 0.0f;
  }

  void slice(View<const float> pre) override {
    if (!estimated_) estimate(pre);
    kernels::above_threshold(pre, floor_, part_);
    append_rows(part_, all_);
  }

  bool finish(SparseRows& codes) override {
    const int64_t wanted = k_ * rows_;
    if (all_.nnz() < wanted && floor_[0] > 0) {
      second_round_ = true;
      return false;
    }
    second_round_ = false;
    cut(wanted, codes);
    return true;
  }

 private:
  void estimate(View<const float> pre) {
    constexpr int64_t kSample = 48;
    const int64_t rows = std::min(kSample, pre.rows()), stride = pre.rows() / rows;
    sample_.clear();
    for (int64_t b = 0; b < rows; ++b)
      for (int64_t f = 0; f < pre.width(); ++f)
        if (const float z = pre.at(b * stride, f); z > 0) sample_.push_back(z);
    const auto wanted = static_cast<size_t>(2 * k_ * rows);
    floor_[0] = 0.0f;
    if (wanted < sample_.size()) {
      std::nth_element(sample_.begin(), sample_.begin() + static_cast<int64_t>(wanted),
                       sample_.end(), std::greater<>());
      floor_[0] = sample_[wanted];
    }
    estimated_ = true;
  }

  void cut(int64_t wanted, SparseRows& codes) {
    codes.clear();
    if (all_.nnz() <= wanted) return std::swap(codes, all_);
    sample_ = all_.values;
    std::nth_element(sample_.begin(), sample_.begin() + (wanted - 1), sample_.end(),
                     std::greater<>());
    const float least = sample_[static_cast<size_t>(wanted - 1)];
    int64_t above = 0;
    for (const float value : all_.values) above += value > least;
    int64_t equal_left = wanted - above;
    for (int64_t b = 0; b < all_.rows(); ++b) {
      for (auto e = static_cast<size_t>(all_.indptr[static_cast<size_t>(b)]);
           e < static_cast<size_t>(all_.indptr[static_cast<size_t>(b) + 1]); ++e) {
        const float value = all_.values[e];
        if (!(value > least) && !(value == least && equal_left-- > 0)) continue;
        codes.indices.push_back(all_.indices[e]);
        codes.values.push_back(value);
      }
      codes.indptr.push_back(codes.nnz());
    }
  }

  int64_t k_, rows_ = 0;
  Tensor<float> floor_;
  bool estimated_ = false, second_round_ = false;
  std::vector<float> sample_;
  SparseRows part_, all_;
};

}  // namespace

std::unique_ptr<Selector> row_selector(int64_t k) { return std::make_unique<RowSelector>(k); }
std::unique_ptr<Selector> batch_selector(int64_t k) { return std::make_unique<BatchSelector>(k); }

}  // namespace otoscope::sae
