#include <algorithm>

#include "otoscope/core/errors.h"
#include "otoscope/steer/detector.h"

namespace otoscope::steer {
namespace {

constexpr int kLastPooledStep = 1;  // the prompt is step 0, the first timestamp comes next

}  // namespace

Pooled make_pooled(const sae::Sae& sae, int64_t n) {
  Pooled pooled;
  pooled.mean = Tensor<float>(Shape{n, sae.F()});
  pooled.max = Tensor<float>(Shape{n, sae.F()});
  pooled.dense = Tensor<float>(Shape{n, sae.d()});
  return pooled;
}

PoolHook::PoolHook(const model::Site& site, const sae::Sae& sae, Pooled& into, int64_t first)
    : site_(site),
      encoder_(std::make_unique<sae::Encoder>(sae)),
      into_(into),
      first_(first),
      seen_(static_cast<size_t>(into.mean.shape()[0]), 0) {
  if (!model::is_row_site(site))
    throw UserError(model::site_name(site), "expected a site with one row per position");
}
PoolHook::~PoolHook() = default;

model::Want PoolHook::ask(const model::Site& site) {
  return site == site_ ? model::Want::observe : model::Want::none;
}

void PoolHook::observe(const model::Site&, const model::Rows& rows, View<const float> x) {
  OTO_ASSERT(x.width() == into_.dense.shape()[1]);
  if (rows.step > kLastPooledStep) return;
  for (int64_t b = 0; b < x.shape[0]; ++b) {
    const auto i = static_cast<size_t>(b);
    // In cached decoding `valid` counts the prompt; a step's own positions all count.
    const int64_t valid = rows.valid.empty() || rows.pass == model::Pass::decoder_cached
                              ? x.shape[1]
                              : std::min<int64_t>(rows.valid[i], x.shape[1]);
    const int64_t at = (rows.item.empty() ? b : rows.item[i]) - first_;
    OTO_ASSERT(at >= 0 && at < into_.mean.shape()[0]);
    // The place of [sot] comes twice where the language is detected.
    const int64_t known = std::max<int64_t>(0, seen_[static_cast<size_t>(at)] - rows.position);
    if (valid <= known) continue;
    add(at, x.sub(b).slice(known, valid));
  }
}

void PoolHook::add(int64_t at, View<const float> part) {
  const int64_t F = into_.mean.shape()[1], d = into_.dense.shape()[1];
  const int64_t before = seen_[static_cast<size_t>(at)], after = before + part.rows();
  SparseRows codes;
  encoder_->encode(part, codes);
  std::vector<double> sums(static_cast<size_t>(F), 0), raw(static_cast<size_t>(d), 0);
  float* max = into_.max.view().row(at);
  for (size_t e = 0; e < codes.indices.size(); ++e) {
    const auto j = static_cast<size_t>(codes.indices[e]);
    sums[j] += static_cast<double>(codes.values[e]);
    max[j] = std::max(max[j], codes.values[e]);
  }
  for (int64_t t = 0; t < part.rows(); ++t)
    for (int64_t j = 0; j < d; ++j)
      raw[static_cast<size_t>(j)] += static_cast<double>(part.at(t, j));
  const auto mean = [&](float was, double sum) {
    return static_cast<float>((static_cast<double>(was) * static_cast<double>(before) + sum) /
                              static_cast<double>(after));
  };
  for (int64_t j = 0; j < F; ++j)
    into_.mean.at(at, j) = mean(into_.mean.at(at, j), sums[static_cast<size_t>(j)]);
  for (int64_t j = 0; j < d; ++j)
    into_.dense.at(at, j) = mean(into_.dense.at(at, j), raw[static_cast<size_t>(j)]);
  seen_[static_cast<size_t>(at)] = after;
}

}  // namespace otoscope::steer
