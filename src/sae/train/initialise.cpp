#include "sae/train/initialise.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/kernels/gemm.h"
#include "otoscope/kernels/rows.h"
#include "sae/arch/batch.h"
#include "sae/train/summed_norm.h"

namespace otoscope::sae {
namespace {

constexpr int64_t kSampleRows = 8192;

double mean_squared_norm(View<const float> x) {
  return kernels::squared_norm(x) / static_cast<double>(x.rows());
}

Tensor<float> sample(const BatchSource& source, uint64_t seed, int64_t batch) {
  const int64_t batches = std::max<int64_t>(1, kSampleRows / batch);
  Tensor<float> x({batches * batch, source.d()});
  for (int64_t i = 0; i < batches; ++i)
    source.batch(seed, i, x.view().slice(i * batch, (i + 1) * batch));
  return x;
}

/// x := s x with E||x||^2 = d: unit variance a coordinate. In smaller units Adam's steps of the
/// biases are large beside the activations, and its eps slows rare features.
double scale_to_width(Tensor<float>& x, const char* which) {
  const double squared = mean_squared_norm(x);
  if (!std::isfinite(squared))
    throw UserError(
        "activations",
        std::string("expected finite ") + which + " rows, got NaN or infinity before step 1",
        "extract again, or look for overflow in what wrote them");
  if (!(squared > 0))
    throw UserError("activations", std::string("the first ") + which + " rows are all zero");
  const double s = std::sqrt(static_cast<double>(x.shape()[1]) / squared);
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(x[i] * s);
  return s;
}

void random_directions(Tensor<float>& W, uint64_t seed, const char* name) {
  const int64_t d = W.shape()[1];
  parallel_ranges(W.shape()[0], 64, [&](int64_t begin, int64_t end) {
    for (int64_t f = begin; f < end; ++f) {
      Rng rng(seed, name_hash(name) + static_cast<uint64_t>(f));
      for (int64_t i = 0; i < d; ++i) W.at(f, i) = static_cast<float>(rng.normal());
    }
  });
  kernels::normalize_rows(W);
}

/// Feature f starts as one row of the sample: it reads what sets that input apart and writes what
/// sets its target apart, with some noise against twins. Random pairs of directions write what has
/// nothing to do with what they read, and the first steps silence most of them for good.
void rows_as_features(const DataStart& start, uint64_t seed, const TrainData& data, Sae& sae) {
  constexpr float kNoise = 0.3f;
  Rng rng(seed, "rows that features start from");
  const auto n = static_cast<uint64_t>(start.x.shape()[0]);
  const auto take = [](const float* row, const double* centre, int64_t d, float* to) {
    double squared = 0;
    for (int64_t i = 0; i < d; ++i) {
      const double value = static_cast<double>(row[i]) - centre[i];
      squared += value * value;
    }
    if (!(squared > 0)) return;  // the noise alone
    for (int64_t i = 0; i < d; ++i)
      to[i] = kNoise * to[i] +
              static_cast<float>((static_cast<double>(row[i]) - centre[i]) / std::sqrt(squared));
  };
  const int64_t d = sae.d(), d_out = sae.d_out();
  const int64_t group = sae.F() / data.sources(), part = d_out / data.outputs();
  for (int64_t f = 0; f < sae.F(); ++f) {
    const auto row = static_cast<int64_t>(rng.below(n));
    const int64_t source = f / group, reads = source * d, writes = source * part;
    take(start.x.view().row(row) + reads, start.median_in.data() + reads, d,
         sae.W_enc.view().row(f));
    take(start.y.view().row(row) + writes, start.median_out.data() + writes, d_out - writes,
         sae.W_dec.view().row(f) + writes);
  }
  kernels::normalize_rows(sae.W_enc);
  kernels::normalize_rows(sae.W_dec);
}

/// Pre-activations of the sample's first rows.
Tensor<float> first_pre(const Sae& sae, int64_t sources, View<const float> x) {
  const int64_t n = std::min<int64_t>(512, x.rows()), d = sae.d(), F = sae.F() / sources;
  Tensor<float> xc, part({n, F}), pre({n, sae.F()});
  if (sources == 1)
    centre(sae, x.slice(0, n), xc);
  else
    blocks_of(x.slice(0, n), sources, xc);
  for (int64_t s = 0; s < sources; ++s) {
    kernels::Linear(sae.W_enc.view().slice(s * F, (s + 1) * F),
                    sae.b_enc.view().slice(s * F, (s + 1) * F))
        .forward({xc.data() + s * n * d, Shape{n, d}}, part);
    for (int64_t b = 0; b < n; ++b) std::copy_n(part.view().row(b), F, pre.view().row(b) + s * F);
  }
  return pre;
}

void scale(Tensor<float>& x, double factor) {
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(x[i] * factor);
}

/// The norm of what the untrained SAE rebuilds, against the norm of the centred target.
double norm_ratio(const Sae& sae, const Tensor<float>& pre, View<const float> y, int64_t k) {
  SparseRows codes;
  kernels::top_k(pre, std::min(k, sae.F()), codes);
  Tensor<float> xhat({pre.shape()[0], sae.d_out()});
  kernels::sparse_decode(codes, sae.W_dec, {}, xhat);
  double target = 0;
  for (int64_t b = 0; b < xhat.shape()[0]; ++b)
    for (int64_t i = 0; i < sae.d_out(); ++i)
      target += std::pow(static_cast<double>(y.at(b, i)) - sae.b_dec[i], 2);
  const double got = kernels::squared_norm(xhat);
  return got > 0 ? std::sqrt(target / got) : 1.0;
}

/// b_enc = -W_enc m: a transcoder has no bias of its input, its first codes still see x - m.
void see_centred(const std::vector<double>& m, int64_t sources, Sae& sae) {
  for (int64_t f = 0; f < sae.F(); ++f) {
    const double* own = m.data() + f / (sae.F() / sources) * sae.d();
    double sum = 0;
    for (int64_t i = 0; i < sae.d(); ++i) sum += own[i] * sae.W_enc.at(f, i);
    sae.b_enc[f] = static_cast<float>(-sum);
  }
}

/// Zeros where a feature writes nothing: outputs before its source, the padding of narrow sites.
/// Those have no gradient, so they stay.
void write_own_blocks(const TrainData& data, Sae& sae) {
  const bool cross_layer = data.sources() > 1;
  const std::vector<Port>& ports = cross_layer ? data.targets : data.inputs;
  const int64_t part = sae.d_out() / data.outputs(), group = sae.F() / data.sources();
  for (int64_t f = 0; f < sae.F(); ++f) {
    float* row = sae.W_dec.view().row(f);
    for (int64_t i = 0; i < sae.d_out(); ++i) {
      const int64_t block = i / part;
      if ((cross_layer && block < f / group) || i % part >= ports[static_cast<size_t>(block)].width)
        row[i] = 0.0f;
    }
  }
  if (cross_layer)
    kernels::normalize_rows(sae.W_dec);
  else
    normalize_summed_norm(sae.W_dec, data.outputs());
}

/// The value that `count` entries a row exceed.
float value_exceeded(Tensor<float>& pre, int64_t count) {
  const int64_t n = std::min(count * pre.shape()[0], pre.size() - 1);
  std::nth_element(pre.data(), pre.data() + n, pre.data() + pre.size(), std::greater<>());
  return pre[n];
}

}  // namespace

std::vector<double> geometric_median(View<const float> x) {
  const int64_t n = x.rows(), d = x.width();
  std::vector<double> median(static_cast<size_t>(d));
  for (int64_t b = 0; b < n; ++b)
    for (int64_t i = 0; i < d; ++i)
      median[static_cast<size_t>(i)] += x.at(b, i) / static_cast<double>(n);
  constexpr int kIterations = 100;
  std::vector<double> inverse(static_cast<size_t>(n));
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    parallel_ranges(n, 64, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        double squared = 0;
        for (int64_t i = 0; i < d; ++i)
          squared += std::pow(x.at(b, i) - median[static_cast<size_t>(i)], 2);
        inverse[static_cast<size_t>(b)] = 1.0 / std::max(std::sqrt(squared), 1e-8);
      }
    });
    double weights = 0, moved = 0, size = 0;
    for (const double weight : inverse) weights += weight;
    std::vector<double> next(static_cast<size_t>(d));
    parallel_ranges(d, 64, [&](int64_t begin, int64_t end) {
      for (int64_t b = 0; b < n; ++b)
        for (int64_t i = begin; i < end; ++i)
          next[static_cast<size_t>(i)] += inverse[static_cast<size_t>(b)] / weights * x.at(b, i);
    });
    for (size_t i = 0; i < next.size(); ++i) {
      moved += std::pow(next[i] - median[i], 2), size += next[i] * next[i];
    }
    median = std::move(next);
    if (moved <= 1e-10 * std::max(size, 1e-300)) break;
  }
  return median;
}

DataStart measure(const TrainData& data, uint64_t seed, int64_t batch) {
  DataStart start;
  start.x = sample(*data.input, seed, batch);
  start.s_in = start.s_out = scale_to_width(start.x, "input");
  start.median_in = start.median_out = geometric_median(start.x);
  if (data.target != nullptr) {
    start.y = sample(*data.target, seed, batch);
    start.s_out = scale_to_width(start.y, "target");
    start.median_out = geometric_median(start.y);
  }
  return start;
}

Sae initial_sae(const TrainOptions& o, const DataStart& start, const TrainData& data) {
  const bool transcoder = data.target != nullptr, crosscoder = data.several() && !transcoder;
  const View<const float> x = start.x, y = transcoder ? start.y.view() : start.x.view();
  const int64_t F = data.sources() * o.latents, d = x.width() / data.sources(), d_out = y.width();
  Sae sae;
  sae.apply_b_dec_to_input = !transcoder && !crosscoder;
  sae.W_dec = Tensor<float>(Shape{F, d_out});
  sae.W_enc = Tensor<float>(Shape{F, d});
  sae.b_enc = Tensor<float>(Shape{F});
  sae.b_dec = Tensor<float>(Shape{d_out});
  for (int64_t i = 0; i < d_out; ++i)
    sae.b_dec[i] = static_cast<float>(start.median_out[static_cast<size_t>(i)]);
  random_directions(sae.W_dec, o.seed_init, "decoder");
  if (data.several()) write_own_blocks(data, sae);
  if (transcoder) {
    random_directions(sae.W_enc, o.seed_init, "encoder");
    rows_as_features(start, o.seed_init, data, sae);
    see_centred(start.median_in, data.sources(), sae);
    if (o.skip) sae.W_skip = Tensor<float>(Shape{d_out, d});
  } else {
    sae.W_enc = sae.W_dec.clone();
  }
  if (crosscoder) see_centred(start.median_in, 1, sae);

  Tensor<float> pre = first_pre(sae, data.sources(), x);
  const double ratio = norm_ratio(sae, pre, y, data.sources() * o.k);
  for (Tensor<float>* part : {&sae.W_enc, &sae.b_enc, &pre}) scale(*part, ratio);
  if (o.arch == "jumprelu") {
    // As many open as the encoder was scaled for: with more the first reconstructions are too long,
    // the codes shrink, and what falls under its threshold then does not come back.
    const float theta = std::max(value_exceeded(pre, std::min(o.k, F / 2)), 1e-2f);
    sae.threshold = Tensor<float>(Shape{F});
    std::fill_n(sae.threshold.data(), F, theta);
  }
  if (o.arch == "gated") {
    sae.b_mag = Tensor<float>(Shape{F});
    sae.r_mag = Tensor<float>(Shape{F});
  }
  return sae;
}

Joint joint_of(Sae sae, const TrainData& data) {
  Joint joint;
  joint.sae = std::move(sae);
  joint.sources = data.sources(), joint.outputs = data.outputs();
  joint.inputs = data.inputs, joint.targets = data.targets;
  return joint;
}

}  // namespace otoscope::sae
