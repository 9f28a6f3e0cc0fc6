#pragma once
/// Where training rows come from. A batch is a pure function of (seed, size, number), so a resumed
/// run sees what the uninterrupted one saw, and many SAEs can share one pass.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/store/store.h"

namespace otoscope::sae {

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual int64_t d() const = 0;
  /// Rows of the training split.
  virtual int64_t rows() const = 0;
  /// Batch number i of the order that `seed` gives. out: (size, d). Rows that are not finite: a
  /// UserError, or the values as they are.
  virtual void batch(uint64_t seed, int64_t i, View<float> out) const = 0;
  /// Rows to choose thresholds on, in a fixed order; never trained on where a split allows it.
  virtual int64_t dev_rows() const = 0;
  virtual void dev(int64_t first, View<float> out) const = 0;
  /// Identity of the content.
  virtual std::string hash() const = 0;
};

/// Rows in memory: the first nine tenths train, the rest are dev. Borrows them.
class MemoryBatches : public BatchSource {
 public:
  explicit MemoryBatches(View<const float> rows);
  int64_t d() const override { return all_.width(); }
  int64_t rows() const override { return train_; }
  void batch(uint64_t seed, int64_t i, View<float> out) const override;
  int64_t dev_rows() const override { return all_.rows() - train_; }
  void dev(int64_t first, View<float> out) const override;
  std::string hash() const override { return hash_; }

 private:
  View<const float> all_;
  int64_t train_;
  std::string hash_;
};

/// Several sites (or the same site of several models) of the same rows, side by side: row b of the
/// first, then of the second, … Each is scaled so that E||x||^2 is its width, and padded with zeros
/// to the widest. Borrows them.
class JoinedBatches : public BatchSource {
 public:
  /// UserError where there are not as many rows in each, or none that are finite and not 0.
  explicit JoinedBatches(std::vector<const BatchSource*> parts);
  int64_t d() const override { return width_ * static_cast<int64_t>(parts_.size()); }
  int64_t rows() const override { return parts_[0]->rows(); }
  void batch(uint64_t seed, int64_t i, View<float> out) const override;
  int64_t dev_rows() const override { return parts_[0]->dev_rows(); }
  void dev(int64_t first, View<float> out) const override;
  std::string hash() const override;
  int64_t parts() const { return static_cast<int64_t>(parts_.size()); }
  /// What rows of a part are multiplied by.
  double scale(int64_t part) const { return scale_[static_cast<size_t>(part)]; }

 private:
  void place(View<const float> rows, size_t part, View<float> out) const;

  std::vector<const BatchSource*> parts_;
  std::vector<double> scale_;
  int64_t width_ = 0;
};

/// A store of activations: its train split, shuffled, and its dev split. Borrows the store.
class StoreBatches : public BatchSource {
 public:
  explicit StoreBatches(const store::Store& store);
  int64_t d() const override { return store_.d(); }
  int64_t rows() const override { return rows_; }
  void batch(uint64_t seed, int64_t i, View<float> out) const override;
  int64_t dev_rows() const override { return static_cast<int64_t>(dev_.size()); }
  void dev(int64_t first, View<float> out) const override;
  std::string hash() const override { return store_.hash(); }

 private:
  const store::Store& store_;
  int64_t rows_ = 0;
  std::vector<int64_t> dev_;
  mutable std::map<std::pair<uint64_t, int64_t>, std::unique_ptr<store::Shuffled>> orders_;
};

}  // namespace otoscope::sae
