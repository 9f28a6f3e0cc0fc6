#include <algorithm>

#include "otoscope/core/errors.h"
#include "otoscope/steer/detector.h"

namespace otoscope::steer {

Pooled make_pooled(const sae::Sae& sae, int64_t n) {
  Pooled pooled;
  pooled.mean = Tensor<float>(Shape{n, sae.F()});
  pooled.max = Tensor<float>(Shape{n, sae.F()});
  pooled.dense = Tensor<float>(Shape{n, sae.d()});
  return pooled;
}

PoolHook::PoolHook(const model::Site& site, const sae::Sae& sae, Pooled& into, int64_t first)
    : site_(site), encoder_(std::make_unique<sae::Encoder>(sae)), into_(into), first_(first) {
  if (site.stack != model::Stack::encoder || !model::is_row_site(site))
    throw UserError(model::site_name(site),
                    "expected a site of the encoder with one row per position");
}
PoolHook::~PoolHook() = default;

model::Want PoolHook::ask(const model::Site& site) {
  return site == site_ ? model::Want::observe : model::Want::none;
}

void PoolHook::observe(const model::Site&, const model::Rows& rows, View<const float> x) {
  const int64_t F = into_.mean.shape()[1], d = into_.dense.shape()[1];
  OTO_ASSERT(x.width() == d);
  SparseRows codes;
  for (int64_t b = 0; b < x.shape[0]; ++b) {
    const auto i = static_cast<size_t>(b);
    const int64_t valid =
        rows.valid.empty() ? x.shape[1] : std::min<int64_t>(rows.valid[i], x.shape[1]);
    const int64_t at = (rows.item.empty() ? b : rows.item[i]) - first_;
    OTO_ASSERT(at >= 0 && at < into_.mean.shape()[0]);
    if (valid == 0) continue;
    const View<const float> audio = x.sub(b).slice(0, valid);
    encoder_->encode(audio, codes);
    std::vector<double> sums(static_cast<size_t>(F), 0), raw(static_cast<size_t>(d), 0);
    float* max = into_.max.view().row(at);
    for (size_t e = 0; e < codes.indices.size(); ++e) {
      const auto j = static_cast<size_t>(codes.indices[e]);
      sums[j] += static_cast<double>(codes.values[e]);
      max[j] = std::max(max[j], codes.values[e]);
    }
    for (int64_t t = 0; t < valid; ++t)
      for (int64_t j = 0; j < d; ++j)
        raw[static_cast<size_t>(j)] += static_cast<double>(audio.at(t, j));
    const auto n = static_cast<double>(valid);
    for (int64_t j = 0; j < F; ++j)
      into_.mean.at(at, j) = static_cast<float>(sums[static_cast<size_t>(j)] / n);
    for (int64_t j = 0; j < d; ++j)
      into_.dense.at(at, j) = static_cast<float>(raw[static_cast<size_t>(j)] / n);
  }
}

}  // namespace otoscope::steer
