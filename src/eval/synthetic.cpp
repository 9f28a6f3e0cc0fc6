#include "otoscope/eval/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "otoscope/core/rng.h"
#include "otoscope/core/statistics/distributions.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/adam.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/kernels/gemm.h"
#include "otoscope/kernels/rows.h"

namespace otoscope::eval {
namespace {

/// P(Z > z) by linear interpolation, within 1e-6: asked a thousand times a row.
class UpperTail {
 public:
  UpperTail() {
    for (size_t i = 0; i < table_.size(); ++i)
      table_[i] = static_cast<float>(normal_cdf(kReach - static_cast<double>(i) * kStep));
  }
  float operator()(float z) const {
    if (z <= -kReach) return 1.0f;
    if (z >= kReach) return 0.0f;
    const float place = (z + kReach) / kStep;
    const auto below = static_cast<size_t>(place);
    const float part = place - static_cast<float>(below);
    return table_[below] + part * (table_[below + 1] - table_[below]);
  }

 private:
  static constexpr float kReach = 8.0f, kStep = 1.0f / 256;
  std::array<float, 4098> table_;
};

float upper_tail(float z) {
  static const UpperTail tail;
  return tail(z);
}

uint64_t stream_of(const char* what, uint64_t seed) { return name_hash(what) ^ (seed * 0x9E37ULL); }

}  // namespace

Synthetic::Synthetic(const SyntheticOptions& options) : options_(options) {
  const int64_t N = options.features;
  const auto n = static_cast<size_t>(N);
  OTO_ASSERT(N > 1 && options.width > 0);
  const auto shape = [](int64_t i) { return 1 / std::sqrt(static_cast<double>(i)); };
  Rng spread(options.seed + 1, "spread of magnitudes");
  for (int64_t i = 1; i <= N; ++i) {
    rates_.push_back(options.min_rate + (options.max_rate - options.min_rate) *
                                            (shape(i) - shape(N)) / (shape(1) - shape(N)));
    mean_.push_back(
        static_cast<float>(5 - static_cast<double>(i - 1) / static_cast<double>(N - 1)));
    spread_.push_back(static_cast<float>(std::fabs(.5 + .5 * spread.normal())));
  }

  loadings_ = Tensor<float>(Shape{N, options.factors});
  Rng loads(options.seed + 4, "loadings");
  residual_.resize(n);
  for (int64_t i = 0; i < N; ++i) {
    double squares = 0;
    for (int64_t r = 0; r < options.factors; ++r) {
      loadings_.at(i, r) = static_cast<float>(.1 * loads.normal());
      squares += static_cast<double>(loadings_.at(i, r)) * loadings_.at(i, r);
    }
    if (squares > .99) {
      const auto shrink = static_cast<float>(std::sqrt(.99 / squares));
      for (int64_t r = 0; r < options.factors; ++r) loadings_.at(i, r) *= shrink;
      squares = .99;
    }
    residual_[static_cast<size_t>(i)] = static_cast<float>(std::sqrt(1 - squares));
  }
  grow_forest();
  spread_directions();
}

int64_t Synthetic::parent(int64_t feature) const {
  if (feature < options_.roots || feature >= trees_) return -1;
  return (feature - options_.roots) / options_.branching;
}

/// A child fires by a higher rate, so that what is left after its parent and its siblings have had
/// their say is its own rate again.
void Synthetic::grow_forest() {
  int64_t level = options_.roots;
  trees_ = level;
  for (int64_t i = 0; i < options_.depth; ++i) trees_ += level *= options_.branching;
  OTO_ASSERT(trees_ <= options_.features);
  for (int64_t i = 0; i < options_.features; ++i) {
    double rate = rates_[static_cast<size_t>(i)];
    if (const int64_t up = parent(i); up >= 0) {
      const double above = rates_[static_cast<size_t>(up)];
      const int64_t first = options_.roots + up * options_.branching;
      double siblings = 0;
      for (int64_t s = first; s < first + options_.branching; ++s)
        if (s != i) siblings += rates_[static_cast<size_t>(s)];
      rate = std::min(1.0, rate / above * (1 + siblings / above));
    }
    threshold_.push_back(rate >= 1 ? -1e30f : static_cast<float>(normal_quantile(1 - rate)));
  }
}

/// Random directions pushed apart: 100 steps of Adam on the squared cosines.
void Synthetic::spread_directions() {
  const int64_t N = options_.features, d = options_.width;
  Rng rng(options_.seed, "directions");
  directions_ = Tensor<float>(Shape{N, d});
  for (int64_t i = 0; i < directions_.size(); ++i)
    directions_[i] = static_cast<float>(rng.normal());
  kernels::normalize_rows(directions_);
  Tensor<float> gradient(Shape{N, d}), m(Shape{N, d}), v(Shape{N, d}), cosines(Shape{N, N});
  kernels::AdamOptions adam;
  adam.lr = 3e-4;
  for (int64_t step = 1; step <= 100; ++step) {
    kernels::gemm({directions_}, kernels::transposed(directions_), cosines);
    for (int64_t i = 0; i < N; ++i)
      // The gradient of sum <v_i, v_j>^2 off the diagonal, of N (|v|^2 - 1)^2 on it.
      cosines.at(i, i) = static_cast<float>(N) * (cosines.at(i, i) - 1);
    kernels::gemm({cosines}, {directions_}, gradient);
    kernels::adam_step(directions_, gradient, m, v, step, adam, 4.0f);
  }
  kernels::normalize_rows(directions_);

  Tensor<float> offset(Shape{1, d});
  Rng rest(options_.seed, "offset");
  for (int64_t j = 0; j < d; ++j) offset[j] = static_cast<float>(rest.normal());
  kernels::normalize_rows(offset);
  for (int64_t j = 0; j < d; ++j) offset_.push_back(.5f * offset[j]);
}

void Synthetic::draw_row(Rng& rng, const float* shared, std::vector<Active>& active) const {
  active.clear();
  for (int64_t i = 0; i < options_.features; ++i) {
    const auto k = static_cast<size_t>(i);
    const float rate = upper_tail((threshold_[k] - shared[i]) / residual_[k]);
    if (static_cast<float>(rng.bits() >> 8) * 0x1p-24f < rate)
      active.push_back({static_cast<int32_t>(i), 0.0f});
  }
  for (Active& one : active) {
    const auto k = static_cast<size_t>(one.feature);
    one.value = std::max(0.0f, mean_[k] + spread_[k] * static_cast<float>(rng.normal()));
  }

  // Level by level, which ascending numbers are: the parent's last value is known.
  std::vector<Active> kept;
  const auto value_of = [&](int64_t feature) {
    const auto found =
        std::lower_bound(kept.begin(), kept.end(), feature,
                         [](const Active& one, int64_t wanted) { return one.feature < wanted; });
    return found != kept.end() && found->feature == feature ? found->value : 0.0f;
  };
  for (size_t i = 0; i < active.size();) {
    const int64_t up = parent(active[i].feature);
    if (up < 0) {
      if (active[i].value > 0) kept.push_back(active[i]);
      ++i;
      continue;
    }
    const float above = value_of(up);
    size_t end = i;
    std::vector<Active> siblings;
    for (; end < active.size() && parent(active[end].feature) == up; ++end)
      if (above > 0 && active[end].value > 0) siblings.push_back(active[end]);
    if (!siblings.empty()) {
      Active chosen = siblings[rng.below(siblings.size())];
      chosen.value *= above / mean_[static_cast<size_t>(up)];
      kept.push_back(chosen);
    }
    i = end;
  }
  active = std::move(kept);
}

void Synthetic::rows(uint64_t stream, int64_t first, View<float> x, SparseRows* truth) const {
  OTO_ASSERT(x.width() == d());
  const int64_t n = x.rows();
  Tensor<float> factors(Shape{n, options_.factors}), shared(Shape{n, N()});
  std::vector<Rng> streams;
  for (int64_t b = 0; b < n; ++b)
    streams.emplace_back(options_.seed, stream + static_cast<uint64_t>(first + b));
  parallel_ranges(n, 128, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * options_.factors; i < end * options_.factors; ++i)
      factors[i] = static_cast<float>(streams[static_cast<size_t>(i / options_.factors)].normal());
  });
  kernels::gemm({factors}, kernels::transposed(loadings_), shared);

  std::vector<std::vector<Active>> all(static_cast<size_t>(n));
  parallel_ranges(n, 128, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      auto& active = all[static_cast<size_t>(b)];
      draw_row(streams[static_cast<size_t>(b)], shared.view().row(b), active);
      std::copy(offset_.begin(), offset_.end(), x.row(b));
      for (const Active& one : active) {
        const float* direction = directions_.view().row(one.feature);
        for (int64_t j = 0; j < x.width(); ++j) x.at(b, j) += one.value * direction[j];
      }
    }
  });
  if (!truth) return;
  truth->clear();
  for (const auto& active : all) {
    for (const Active& one : active) {
      truth->indices.push_back(one.feature);
      truth->values.push_back(one.value);
    }
    truth->indptr.push_back(truth->nnz());
  }
}

void SyntheticBatches::batch(uint64_t seed, int64_t i, View<float> out) const {
  source_.rows(stream_of("train", seed), i * out.rows(), out, nullptr);
}

void SyntheticBatches::dev(int64_t first, View<float> out) const {
  source_.rows(stream_of("dev", 0), first, out, nullptr);
}

}  // namespace otoscope::eval
