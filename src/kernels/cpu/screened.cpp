#include "otoscope/kernels/screened.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/cpu/elementwise_table.h"
#include "kernels/cpu/grain.h"
#include "kernels/cpu/product.h"
#include "kernels/cpu/select.h"
#include "kernels/cpu/select_table.h"
#include "otoscope/core/threads.h"

namespace otoscope::kernels {
namespace {

/// Scores made at once: they should not leave the shared cache before they are scanned.
constexpr int64_t kScoresAtOnce = int64_t{1} << 20;

/// Bounds are computed in double and handed over as floats that are no smaller.
float rounded_up(double x) { return std::nextafter(static_cast<float>(x), INFINITY); }

}  // namespace

struct ScreenedTopK::Impl {
  View<const float> W;
  Tensor<float> b;
  Tensor<float> size;       // (F): at least ||w_j||
  double weight_error = 0;  // at least ||w_j - w~_j|| / ||w_j|| for every j
  double largest_size = 0, largest_bias = 0;
  bool native = false;  // bfloat16 products; otherwise fp32 ones
  detail::PackedMatrix packed;

  int64_t F() const { return W.shape[0]; }
  int64_t d() const { return W.shape[1]; }

  /// |screen - score| <= slope size[j] + extra for every j of this row.
  struct Slack {
    float slope, extra;
  };
  Slack slack(const float* x) const {
    const auto& fast = elementwise();
    const double norm = std::sqrt(fast.squared_norm(x, d()));
    const double error = native ? std::sqrt(fast.squared_bf16_error(x, d())) : 0.0;
    // Both sums have d products and a bias, in any order, in fp32; bfloat16 instructions may cut
    // subnormals and round once more, which a doubled unit covers.
    const double terms = static_cast<double>(d()) + 4, u = 0x1p-23;
    const double gamma = terms * u / (1 - terms * u);
    const double rounded = (norm + error) * (1 + weight_error);  // >= ||x~|| ||w~|| / ||w||
    const double inputs = error + (norm + error) * weight_error;
    const Slack slack{rounded_up(inputs + 2 * gamma * (norm + rounded)),
                      rounded_up(4 * u * largest_bias + terms * 0x1p-125)};
    // A partial sum is at most ||x|| ||w||; where that could overflow, no bound holds.
    const double largest_sum = (norm + error) * (1 + weight_error) * largest_size + largest_bias;
    return largest_sum < 1e37 ? slack : Slack{INFINITY, INFINITY};
  }

  /// Scores every candidate in fp32 and keeps the k largest positive ones; returns how many.
  int64_t decide(const float* x, int64_t n, int64_t k, const detail::Candidates& found,
                 int32_t* index, float* value) const {
    const auto dot = elementwise().dot;
    int64_t positive = 0;
    for (int64_t i = 0; i < n; ++i) {
      const int32_t j = found.index[i];
      const float score = dot(x, W.row(j), d()) + b.data()[j];
      if (!(score > 0)) continue;
      found.index[positive] = j;
      found.value[positive++] = score;
    }
    const detail::Cut cut =
        positive > k ? detail::cut_small(found.value, positive, k, found.room) : detail::Cut{};
    return detail::copy_kept(found.index, found.value, positive, cut, index, value);
  }
};

ScreenedTopK::ScreenedTopK(View<const float> W, View<const float> b)
    : impl_(std::make_unique<Impl>()) {
  OTO_ASSERT(W.shape.rank() == 2 && (b.empty() || b.size() == W.shape[0]));
  const int64_t F = W.shape[0], d = W.shape[1];
  auto& own = *impl_;
  own.W = W;
  own.b = Tensor<float>(Shape{F});
  if (!b.empty()) std::copy_n(b.data, F, own.b.data());
  own.native = detail::native_bf16();
  own.packed = detail::PackedMatrix(W, true, own.native);
  own.size = Tensor<float>(Shape{F});
  Tensor<double> relative(Shape{F});
  const auto& fast = elementwise();
  parallel_ranges(F, detail::row_grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) {
      const double norm = std::sqrt(fast.squared_norm(W.row(j), d));
      own.size[j] = rounded_up(norm);
      if (own.native && norm > 0)
        relative[j] = std::sqrt(fast.squared_bf16_error(W.row(j), d)) / norm;
    }
  });
  // fmax passes over NaN: a row that has one scores NaN, which is never chosen.
  for (int64_t j = 0; j < F; ++j) {
    own.weight_error = std::fmax(own.weight_error, relative[j]);
    own.largest_size = std::fmax(own.largest_size, static_cast<double>(own.size[j]));
    own.largest_bias = std::fmax(own.largest_bias, std::fabs(static_cast<double>(own.b[j])));
  }
  own.weight_error *= 1 + 0x1p-20;
}
ScreenedTopK::~ScreenedTopK() = default;
ScreenedTopK::ScreenedTopK(ScreenedTopK&&) noexcept = default;
ScreenedTopK& ScreenedTopK::operator=(ScreenedTopK&&) noexcept = default;

int64_t ScreenedTopK::top_k(View<const float> x, int64_t k, SparseRows& out) const {
  detail::assert_not_parallel();
  const auto& own = *impl_;
  const int64_t B = x.shape[0], F = own.F(), d = own.d();
  OTO_ASSERT(x.shape.rank() == 2 && x.shape[1] == d && d > 0 && k > 0 && k <= F);
  const int64_t rows =
      std::clamp<int64_t>(kScoresAtOnce / F / 16 * 16, 16, std::max<int64_t>(B, 16));
  auto scores = Tensor<float>::uninitialized(Shape{std::min(rows, B), F});
  std::vector<int64_t> count(static_cast<size_t>(B)), decided(count.size());
  out.clear();
  out.indices.resize(static_cast<size_t>(B * k));
  out.values.resize(out.indices.size());
  const auto& scan = selection();
  for (int64_t first = 0; first < B; first += rows) {
    const int64_t n = std::min(rows, B - first);
    const float* block = x.row(first);
    detail::Product product{.M = n, .K = d, .N = F};
    product.b_packed = true, product.bias = true, product.bf16 = own.native;
    const void* left = block;
    if (own.native) {
      auto* rounded = static_cast<bf16*>(detail::scratch(1, n * d * int64_t{sizeof(bf16)}));
      detail::to_bf16(block, rounded, n * d);
      left = rounded;
    }
    detail::run(product, left, own.packed.data(), own.b.data(), scores.data());
    parallel_ranges(n, detail::kRowsPerPiece, [&](int64_t begin, int64_t end) {
      const detail::Candidates found(F);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t b = first + i;
        const float* row = scores.data() + i * F;
        const auto slack = own.slack(x.row(b));
        int64_t candidates = F;
        if (std::isfinite(slack.slope)) {
          const float floor = scan.floor_of_bounds(row, own.size.data(), slack.slope, slack.extra,
                                                   F, k, found.room);
          candidates = scan.above_bounds(row, own.size.data(), slack.slope, slack.extra, F, floor,
                                         found.index, found.value);
        } else {
          std::iota(found.index, found.index + F, 0);  // no bound holds
        }
        decided[static_cast<size_t>(b)] = candidates;
        count[static_cast<size_t>(b)] = own.decide(
            x.row(b), candidates, k, found, out.indices.data() + b * k, out.values.data() + b * k);
      }
    });
  }
  detail::close_gaps(count, k, out);
  return std::accumulate(decided.begin(), decided.end(), int64_t{0});
}

}  // namespace otoscope::kernels
