#include "otoscope/contexts/pool.h"

#include <algorithm>
#include <vector>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::contexts {

Pooled::Pooled(int64_t n, int64_t F, int64_t d)
    : features(Shape{n, 2 * F}), firing(Shape{n, F}), raw(Shape{n, 2 * d}) {}

Pooler::Pooler(const sae::Sae* sae)
    : encoder_(sae == nullptr ? nullptr : std::make_unique<sae::Encoder>(*sae)) {}
Pooler::~Pooler() = default;

void pool_rows(View<const float> rows, float* out) {
  const int64_t T = rows.shape[0], p = rows.shape[1];
  std::fill_n(out, 2 * p, 0.0f);
  if (T == 0) return;
  std::vector<double> sums(static_cast<size_t>(p), 0);
  std::copy_n(rows.row(0), p, out + p);
  for (int64_t t = 0; t < T; ++t)
    for (int64_t j = 0; j < p; ++j) {
      sums[static_cast<size_t>(j)] += static_cast<double>(rows.at(t, j));
      out[p + j] = std::max(out[p + j], rows.at(t, j));
    }
  for (int64_t j = 0; j < p; ++j)
    out[j] = static_cast<float>(sums[static_cast<size_t>(j)] / static_cast<double>(T));
}

void Pooler::add(View<const float> rows, int64_t item, Pooled& into) const {
  const int64_t T = rows.shape[0];
  if (T == 0) return;
  OTO_ASSERT(2 * rows.shape[1] == into.raw.shape()[1]);
  pool_rows(rows, into.raw.view().row(item));
  if (encoder_ == nullptr) return;
  SparseRows codes;
  encoder_->encode(rows, codes);
  const int64_t F = into.firing.shape()[1];
  float* features = into.features.view().row(item);
  float* firing = into.firing.view().row(item);
  std::vector<double> sums(static_cast<size_t>(F), 0);
  for (size_t e = 0; e < codes.indices.size(); ++e) {
    const auto j = static_cast<size_t>(codes.indices[e]);
    sums[j] += static_cast<double>(codes.values[e]);
    features[F + static_cast<int64_t>(j)] =
        std::max(features[F + static_cast<int64_t>(j)], codes.values[e]);
    firing[j] += 1;
  }
  for (int64_t j = 0; j < F; ++j) {
    features[j] = static_cast<float>(sums[static_cast<size_t>(j)] / static_cast<double>(T));
    firing[j] /= static_cast<float>(T);
  }
}

Pooled pool_store(const store::Store& store, const sae::Sae* sae, Progress& progress) {
  if (sae != nullptr && sae->d() != store.d())
    throw UserError(store.path().string(), "expected rows of width " + std::to_string(sae->d()) +
                                               ", got " + std::to_string(store.d()));
  const auto n = static_cast<int64_t>(store.items().size());
  Pooled pooled(n, sae == nullptr ? 0 : sae->F(), store.d());
  const Pooler pooler(sae);
  progress.start("pool", n, "items");
  for (int64_t i = 0; i < n; ++i) {
    throw_if_interrupted();
    const store::Item& item = store.items()[static_cast<size_t>(i)];
    Tensor<float> rows(Shape{item.n_rows, store.d()});
    store.read(item.first_row, rows.view());
    pooler.add(rows.view(), i, pooled);
    progress.advance(i + 1);
  }
  progress.finish();
  return pooled;
}

}  // namespace otoscope::contexts
