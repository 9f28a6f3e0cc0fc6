#include <algorithm>
#include <cmath>

#include "otoscope/eval/joint.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::eval {

Joined::Joined(const std::vector<Sample>& parts, int64_t width, const std::vector<double>& scale) {
  OTO_ASSERT(!parts.empty() && (scale.empty() || scale.size() == parts.size()));
  const int64_t n = parts[0].rows();
  rows_ = Tensor<float>({n, width * static_cast<int64_t>(parts.size())});
  for (size_t p = 0; p < parts.size(); ++p) {
    OTO_ASSERT(parts[p].rows() == n && parts[p].d() <= width);
    const auto factor = static_cast<float>(scale.empty() ? 1.0 : scale[p]);
    for_each_block(parts[p], 4096, [&](int64_t first, View<const float> x) {
      for (int64_t b = 0; b < x.rows(); ++b) {
        float* to = rows_.view().row(first + b) + static_cast<int64_t>(p) * width;
        for (int64_t i = 0; i < x.width(); ++i) to[i] = factor * x.at(b, i);
      }
    });
  }
  const std::span<const int32_t> cluster = parts[0].cluster();
  sample_ = Sample::of_matrix(rows_, {cluster.begin(), cluster.end()});
}

JointReconstructor::JointReconstructor(const sae::Joint& joint) : joint_(joint), encoder_(joint) {
  for (int64_t f = 0; f < joint.sae.F(); ++f)
    norms_.push_back(
        static_cast<float>(std::sqrt(kernels::squared_norm(joint.sae.W_dec.view().sub(f)))));
}

void JointReconstructor::reconstruct(View<const float> x, View<float> xhat,
                                     SparseRows& codes) const {
  encoder_.encode(x, codes);
  encoder_.decode(codes, xhat);
}

void OneOutput::reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const {
  Tensor<float> all({x.rows(), whole_.d_out()});
  whole_.reconstruct(x, all, codes);
  for (int64_t b = 0; b < x.rows(); ++b)
    for (int64_t i = 0; i < width_; ++i)
      xhat.at(b, i) = static_cast<float>(all.at(b, from_ + i) * scale_);
}

Sharing sharing_of(View<const float> norms, const std::vector<int64_t>& fired) {
  constexpr double kShared = 0.5, kAlone = 0.1;
  const int64_t S = norms.width();
  Sharing out;
  out.alone.assign(static_cast<size_t>(S), 0);
  if (S == 2) out.difference.assign(10, 0);
  for (int64_t f = 0; f < norms.rows(); ++f) {
    if (fired[static_cast<size_t>(f)] == 0) continue;
    ++out.alive;
    const float* row = norms.row(f);
    const int64_t at = std::max_element(row, row + S) - row;
    const double largest = static_cast<double>(row[at]);
    double second = 0, least = largest;
    for (int64_t s = 0; s < S; ++s) {
      least = std::min(least, static_cast<double>(row[s]));
      if (s != at) second = std::max(second, static_cast<double>(row[s]));
    }
    if (least >= kShared * largest)
      ++out.shared;
    else if (second <= kAlone * largest)
      ++out.alone[static_cast<size_t>(at)];
    else
      ++out.partly;
    if (S != 2 || !(largest > 0)) continue;
    const double delta =
        ((static_cast<double>(row[1]) - static_cast<double>(row[0])) / largest + 1) / 2;
    ++out.difference[static_cast<size_t>(std::clamp(static_cast<int>(delta * 10), 0, 9))];
  }
  return out;
}

}  // namespace otoscope::eval
