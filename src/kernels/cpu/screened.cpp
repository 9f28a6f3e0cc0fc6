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
#include "otoscope/kernels/device.h"

namespace otoscope::kernels {
namespace {

/// Scores made at once: they should not leave the shared cache before they are scanned.
constexpr int64_t kScoresAtOnce = int64_t{1} << 20;

/// Rows of W that are asked for before they are needed; they lie anywhere, so that only we know.
constexpr int64_t kAhead = 3;

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

  /// Scores candidates in fp32 and keeps those above the floor (and 0), in order; returns how many.
  int64_t score(const float* x, int64_t n, float floor, const detail::Candidates& found) const {
    const auto dot = elementwise().dot;
    int64_t kept = 0;
    for (int64_t i = 0; i < n; ++i) {
      if (i + kAhead < n) detail::prefetch(W.row(found.index[i + kAhead]), d());
      const int32_t j = found.index[i];
      const float score = dot(x, W.row(j), d()) + b.data()[j];
      if (!(score > 0 && score > floor)) continue;
      found.index[kept] = j;
      found.value[kept++] = score;
    }
    return kept;
  }

  /// The upper bounds above `floor`, which the slack of the row turns into candidates; returns how
  /// many.
  int64_t candidates(const float* screen, Slack slack, float floor,
                     const detail::Candidates& found) const {
    if (std::isfinite(slack.slope))
      return selection().above_bounds(screen, size.data(), slack.slope, slack.extra, F(), floor,
                                      found.index, found.value);
    std::iota(found.index, found.index + F(), 0);  // no bound holds
    return F();
  }

  /// Screens the rows block by block: work(b, screen, found) for each row b, in parallel.
  template <class Work>
  void for_rows(View<const float> x, Work&& work) const {
    detail::assert_not_parallel();
    const int64_t B = x.shape[0];
    const int64_t rows = std::max<int64_t>(16, kScoresAtOnce / F() / 16 * 16);
    auto scores = Tensor<float>::uninitialized(Shape{std::min(rows, B), F()});
    for (int64_t first = 0; first < B; first += rows) {
      const int64_t n = std::min(rows, B - first);
      detail::Product product{.M = n, .K = d(), .N = F()};
      product.b_packed = true, product.bias = true, product.bf16 = native;
      const void* left = native ? detail::rounded(x.row(first), n * d(), true, 1) : x.row(first);
      detail::run(product, left, packed, b.data(), scores.data());
      parallel_ranges(n, detail::kRowsPerPiece, [&](int64_t begin, int64_t end) {
        const detail::Candidates found(F());
        for (int64_t i = begin; i < end; ++i) work(first + i, scores.data() + i * F(), found);
      });
    }
  }

  /// All scores above the floor. decided[row]: how many were computed.
  std::vector<detail::Piece> all_above(View<const float> x, float floor,
                                       std::vector<int64_t>& decided) const {
    const int64_t B = x.shape[0];
    std::vector<detail::Piece> pieces(
        static_cast<size_t>((B + detail::kRowsPerPiece - 1) / detail::kRowsPerPiece));
    decided.assign(static_cast<size_t>(B), 0);
    for_rows(x, [&](int64_t row, const float* screen, const detail::Candidates& found) {
      const int64_t n = candidates(screen, slack(x.row(row)), floor, found);
      decided[static_cast<size_t>(row)] = n;
      const int64_t kept = score(x.row(row), n, floor, found);
      pieces[static_cast<size_t>(row / detail::kRowsPerPiece)].append(found.index, found.value,
                                                                      kept);
    });
    return pieces;
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
  // A device's bfloat16 units need not sum as the bound assumes; its fp32 ones do.
  own.native = detail::native_bf16() && device() == Device::cpu;
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
  const auto& own = *impl_;
  const int64_t B = x.shape[0], F = own.F();
  OTO_ASSERT(x.shape.rank() == 2 && x.shape[1] == own.d() && own.d() > 0 && k > 0 && k <= F);
  std::vector<int64_t> count(static_cast<size_t>(B)), decided(count.size());
  out.clear();
  out.indices.resize(static_cast<size_t>(B * k));
  out.values.resize(out.indices.size());
  const auto floor_of_bounds = selection().floor_of_bounds;
  own.for_rows(x, [&](int64_t b, const float* screen, const detail::Candidates& found) {
    const auto slack = own.slack(x.row(b));
    const float floor =
        std::isfinite(slack.slope)
            ? floor_of_bounds(screen, own.size.data(), slack.slope, slack.extra, F, k, found.room)
            : 0.0f;
    const int64_t n = own.candidates(screen, slack, floor, found);
    decided[static_cast<size_t>(b)] = n;
    const int64_t positive = own.score(x.row(b), n, 0, found);
    const detail::Cut cut =
        positive > k ? detail::cut_small(found.value, positive, k, found.room) : detail::Cut{};
    count[static_cast<size_t>(b)] =
        detail::copy_kept(found.index, found.value, positive, cut, out.indices.data() + b * k,
                          out.values.data() + b * k);
  });
  detail::close_gaps(count, k, out);
  return std::accumulate(decided.begin(), decided.end(), int64_t{0});
}

int64_t ScreenedTopK::batch_top_k(View<const float> x, int64_t k, SparseRows& out) const {
  const auto& own = *impl_;
  const int64_t B = x.shape[0], d = own.d(), sampled = 64;
  OTO_ASSERT(x.shape.rank() == 2 && x.shape[1] == d && d > 0 && k > 0 && k <= own.F());
  float floor = 0;
  int64_t computed = 0;
  if (B >= 4 * sampled) {  // as kernels::batch_top_k guesses, from scores of rows spread over x
    auto rows = Tensor<float>::uninitialized(Shape{sampled, d});
    for (int64_t s = 0; s < sampled; ++s)
      std::copy_n(x.row(s * B / sampled), d, rows.data() + s * d);
    SparseRows codes;  // twice k a row is enough to see where the cut lies
    computed = top_k(rows, std::min(2 * k, own.F()), codes);
    detail::Piece piece;
    piece.append(codes.indices.data(), codes.values.data(), codes.nnz());
    floor = detail::guess_floor({std::move(piece)}, sampled * k);
  }
  std::vector<int64_t> decided;
  const auto attempt = [&] {
    auto pieces = own.all_above(x, floor, decided);
    computed += std::accumulate(decided.begin(), decided.end(), int64_t{0});
    return pieces;
  };
  auto pieces = attempt();
  if (floor > 0 && detail::total(pieces) < k * B) {
    floor = 0;
    pieces = attempt();
  }
  detail::keep_largest(pieces, k * B);
  detail::join(pieces, out);
  return computed;
}

}  // namespace otoscope::kernels
