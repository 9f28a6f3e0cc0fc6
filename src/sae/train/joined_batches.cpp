#include <algorithm>
#include <cmath>

#include "otoscope/io/hash.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/sae/batches.h"

namespace otoscope::sae {

JoinedBatches::JoinedBatches(std::vector<const BatchSource*> parts) : parts_(std::move(parts)) {
  OTO_ASSERT(parts_.size() > 1);
  constexpr int64_t kSample = 8192;
  for (const BatchSource* part : parts_) width_ = std::max(width_, part->d());
  for (const BatchSource* part : parts_) {
    if (part->rows() != rows() || part->dev_rows() != dev_rows())
      throw UserError("activations",
                      "expected as many rows of each site as of the first, " +
                          std::to_string(rows()) + ", got " + std::to_string(part->rows()),
                      "extract all sites in one pass");
    Tensor<float> sample({std::min(kSample, part->rows()), part->d()});
    part->batch(0, 0, sample);
    const double squared = kernels::squared_norm(sample) / static_cast<double>(sample.shape()[0]);
    if (!std::isfinite(squared) || !(squared > 0))
      throw UserError(
          "activations",
          "expected finite rows that are not all zero of every site, got a mean squared "
          "norm of " +
              std::to_string(squared) + " for site " + std::to_string(scale_.size() + 1),
          "extract again, or look for overflow in what wrote them");
    scale_.push_back(std::sqrt(static_cast<double>(part->d()) / squared));
  }
}

void JoinedBatches::place(View<const float> rows, size_t part, View<float> out) const {
  const auto scale = static_cast<float>(scale_[part]);
  const int64_t d = rows.width();
  for (int64_t b = 0; b < out.rows(); ++b) {
    float* to = out.row(b) + static_cast<int64_t>(part) * width_;
    for (int64_t i = 0; i < d; ++i) to[i] = scale * rows.at(b, i);
    std::fill_n(to + d, width_ - d, 0.0f);
  }
}

void JoinedBatches::batch(uint64_t seed, int64_t i, View<float> out) const {
  for (size_t p = 0; p < parts_.size(); ++p) {
    Tensor<float> rows({out.rows(), parts_[p]->d()});
    parts_[p]->batch(seed, i, rows);
    place(rows, p, out);
  }
}

void JoinedBatches::dev(int64_t first, View<float> out) const {
  for (size_t p = 0; p < parts_.size(); ++p) {
    Tensor<float> rows({out.rows(), parts_[p]->d()});
    parts_[p]->dev(first, rows);
    place(rows, p, out);
  }
}

std::string JoinedBatches::hash() const {
  std::string all = "joined";
  for (const BatchSource* part : parts_) all += " " + part->hash();
  return io::sha256(all);
}

}  // namespace otoscope::sae
