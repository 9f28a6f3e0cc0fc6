#include "otoscope/eval/batch_mode.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"
#include "otoscope/kernels/sparse.h"

namespace otoscope::eval {
namespace {

constexpr int64_t kTrainingBatch = 4096;

std::vector<int64_t> mixed(int64_t rows, uint64_t seed) {
  std::vector<int64_t> order(static_cast<size_t>(rows));
  std::iota(order.begin(), order.end(), int64_t{0});
  Rng rng(seed, "batches of batch mode");
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  return order;
}

}  // namespace

int64_t batch_k(const sae::Sae& sae) {
  const auto ours = nlohmann::json::parse(sae.otoscope, nullptr, false);
  const nlohmann::json::json_pointer arch("/options/arch"), k("/options/k");
  if (!ours.is_object() || !ours.contains(arch) || !ours.contains(k)) return 0;
  if (ours[arch] != "batchtopk" && ours[arch] != "matryoshka") return 0;
  return ours[k].is_number_integer() ? std::clamp<int64_t>(ours[k].get<int64_t>(), 0, sae.F()) : 0;
}

BatchMode measure_batch_mode(const sae::Sae& sae, int64_t k, const Sample& x, const Sample& y,
                             const Moments& moments, const FidelityOptions& options,
                             int64_t batch) {
  OTO_ASSERT(k > 0 && k <= sae.F() && x.rows() == y.rows() && moments.rows == y.rows());
  const int64_t size = std::min(batch > 0 ? batch : kTrainingBatch, std::max<int64_t>(x.rows(), 1));
  const std::vector<int64_t> order = mixed(x.rows(), options.seed);
  const sae::Encoder encoder(sae);
  Tensor<float> in(Shape{size, x.d()}), target(Shape{size, y.d()}), out(Shape{size, y.d()});
  Tensor<float> pre(Shape{size, sae.F()});
  SparseRows codes;
  std::vector<double> residual(static_cast<size_t>(y.clusters()), 0.0), l0 = residual;
  for (int64_t first = 0; first < x.rows(); first += size) {
    throw_if_interrupted();
    const int64_t n = std::min(size, x.rows() - first);
    const std::vector<int64_t> rows(order.begin() + first, order.begin() + first + n);
    const View<float> xs = in.view().slice(0, n), ys = target.view().slice(0, n);
    const View<float> pres = pre.view().slice(0, n), xhat = out.view().slice(0, n);
    x.gather(rows, xs);
    y.gather(rows, ys);
    encoder.pre_activations(xs, pres);
    kernels::batch_top_k(pres, k, codes);
    encoder.decode(codes, xs, xhat);
    for (int64_t b = 0; b < n; ++b) {
      const auto c =
          static_cast<size_t>(y.cluster()[static_cast<size_t>(rows[static_cast<size_t>(b)])]);
      for (int64_t j = 0; j < y.d(); ++j) {
        const double r = static_cast<double>(ys.at(b, j)) - xhat.at(b, j);
        residual[c] += r * r;
      }
      l0[c] += static_cast<double>(codes.indptr[static_cast<size_t>(b) + 1] -
                                   codes.indptr[static_cast<size_t>(b)]);
    }
  }
  return {
      k, size, fvu_of(residual, moments, options),
      bootstrap_ratio(l0, moments.cluster_rows, moments.rows, options.seed, options.replicates)};
}

}  // namespace otoscope::eval
