#include "otoscope/kernels/adam.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/adam_table.h"
#include "kernels/cpu/elementwise_table.h"
#include "kernels/cpu/grain.h"
#include "otoscope/core/isa.h"
#include "otoscope/core/threads.h"

namespace otoscope::kernels {
namespace {

AdamStretch stretch_of_level() {
  switch (active_isa()) {
    case Isa::amx:
    case Isa::avx512:
      return avx512::adam;
    case Isa::avx2:
      return avx2::adam;
    case Isa::scalar:
      break;
  }
  return scalar::adam;
}

AdamScalars scalars(int64_t t, const AdamOptions& o, float gradient_scale) {
  OTO_ASSERT(t >= 1);
  const auto steps = static_cast<double>(t);
  AdamScalars s{};
  s.beta1 = static_cast<float>(o.beta1), s.rest1 = static_cast<float>(1 - o.beta1);
  s.beta2 = static_cast<float>(o.beta2), s.rest2 = static_cast<float>(1 - o.beta2);
  s.step = static_cast<float>(o.lr / (1 - std::pow(o.beta1, steps)));
  s.root_scale = static_cast<float>(1 / std::sqrt(1 - std::pow(o.beta2, steps)));
  s.eps = static_cast<float>(o.eps);
  s.gradient_scale = gradient_scale;
  return s;
}

}  // namespace

void adam_step(View<float> w, View<const float> g, View<float> m, View<float> v, int64_t t,
               const AdamOptions& options, float gradient_scale) {
  OTO_ASSERT(g.size() == w.size() && m.size() == w.size() && v.size() == w.size());
  const AdamScalars s = scalars(t, options, gradient_scale);
  const AdamStretch stretch = stretch_of_level();
  parallel_ranges(w.size(), detail::kFlatGrain, [&](int64_t begin, int64_t end) {
    stretch(w.data + begin, g.data + begin, m.data + begin, v.data + begin, end - begin, s);
  });
}

void adam_step_rows(View<float> W, View<float> G, View<float> M, View<float> V,
                    View<const int32_t> rows, int64_t t, const AdamOptions& options,
                    float gradient_scale, bool unit_rows) {
  OTO_ASSERT(W.shape.rank() == 2 && G.shape == W.shape && M.shape == W.shape && V.shape == W.shape);
  const int64_t F = W.shape[0], d = W.shape[1];
  const AdamScalars s = scalars(t, options, gradient_scale);
  const AdamStretch stretch = stretch_of_level();
  const auto& fast = elementwise();
  const int32_t* last = rows.data + rows.size();
  parallel_ranges(F, detail::row_grain(d), [&](int64_t begin, int64_t end) {
    const int32_t* next = std::lower_bound(rows.data, last, begin);
    for (int64_t f = begin; f < end; ++f) {
      const bool used = next != last && *next == f;
      stretch(W.row(f), used ? G.row(f) : nullptr, M.row(f), V.row(f), d, s);
      if (used) {
        std::fill_n(G.row(f), d, 0.0f);
        ++next;
      }
      if (!unit_rows) continue;
      const double norm = std::sqrt(fast.squared_norm(W.row(f), d));
      if (norm > 0) fast.scale(static_cast<float>(1 / norm), d, W.row(f));
    }
  });
}

std::vector<int32_t> touched_rows(const SparseColumns& columns) {
  std::vector<int32_t> rows;
  for (size_t f = 0; f + 1 < columns.indptr.size(); ++f)
    if (columns.indptr[f + 1] > columns.indptr[f]) rows.push_back(static_cast<int32_t>(f));
  return rows;
}

}  // namespace otoscope::kernels
