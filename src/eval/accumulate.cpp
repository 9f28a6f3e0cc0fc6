#include "eval/accumulate.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"

namespace otoscope::eval {

Accumulator::Accumulator(const Reconstructor& model, const Sample& y, const Moments& moments,
                         std::vector<uint8_t> decile, const std::vector<int64_t>& part)
    : model_(model), moments_(moments), decile_(std::move(decile)) {
  in_part_.assign(static_cast<size_t>(y.rows()), 0);
  for (const int64_t row : part) in_part_[static_cast<size_t>(row)] = 1;
  const auto clusters = static_cast<size_t>(y.clusters()), d = static_cast<size_t>(y.d());
  for (auto* sums : {&residual, &cosine, &l2_ratio, &xhat_squares, &product, &l0, &l1, &scatter,
                     &part_residual, &part_l0})
    sums->assign(clusters, 0.0);
  coordinate_sums.assign(d, 0.0);
  coordinate_squares.assign(d, 0.0);
  fired.assign(static_cast<size_t>(model.features()), 0);
  l0_counts.assign(static_cast<size_t>(std::max(model.features(), model.dense_size())) + 1, 0);
}

void Accumulator::run(const Sample& x, const Sample& y, int64_t batch, Progress& progress) {
  const int64_t n = std::min(batch, y.rows());
  const bool same = &x == &y;
  Tensor<float> inputs(Shape{n, x.d()}), targets(same ? Shape{0, y.d()} : Shape{n, y.d()});
  Tensor<float> outputs(Shape{n, y.d()});
  SparseRows codes;
  std::vector<RowSums> rows(static_cast<size_t>(n));
  progress.start("measuring reconstructions", y.rows(), "rows");
  for (int64_t first = 0; first < y.rows(); first += batch) {
    throw_if_interrupted();
    const int64_t count = std::min(batch, y.rows() - first);
    const View<float> in = inputs.view().slice(0, count);
    x.read(first, in);
    View<float> target = in;
    if (!same) {
      target = targets.view().slice(0, count);
      y.read(first, target);
    }
    const View<float> xhat = outputs.view().slice(0, count);
    model_.reconstruct(in, xhat, codes);
    parallel_ranges(count, 64, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b)
        rows[static_cast<size_t>(b)] = measure_row(target.row(b), xhat.row(b), codes, b);
    });
    for (int64_t b = 0; b < count; ++b)
      add_row(first + b, y.cluster()[static_cast<size_t>(first + b)], rows[static_cast<size_t>(b)]);
    for (const int32_t feature : codes.indices) ++fired[static_cast<size_t>(feature)];
    add_coordinates(target, xhat);
    progress.advance(first + count);
  }
  progress.finish();
}

Accumulator::RowSums Accumulator::measure_row(const float* y, const float* xhat,
                                              const SparseRows& codes, int64_t b) const {
  RowSums s{};
  for (size_t j = 0; j < moments_.mean.size(); ++j) {
    const double target = y[j], guess = xhat[j], centred = target - moments_.mean[j];
    s.residual += (target - guess) * (target - guess);
    s.y_squares += target * target;
    s.xhat_squares += guess * guess;
    s.product += target * guess;
    s.scatter += centred * centred;
  }
  const int64_t begin = codes.indptr[static_cast<size_t>(b)];
  const int64_t end = codes.indptr[static_cast<size_t>(b) + 1];
  s.l0 = model_.features() > 0 ? end - begin : model_.dense_size();
  const auto norms = model_.decoder_norms();
  for (int64_t e = begin; e < end; ++e)
    s.l1 += static_cast<double>(codes.values[static_cast<size_t>(e)]) *
            norms[static_cast<size_t>(codes.indices[static_cast<size_t>(e)])];
  return s;
}

void Accumulator::add_row(int64_t row, int32_t cluster, const RowSums& s) {
  const auto c = static_cast<size_t>(cluster);
  residual[c] += s.residual;
  xhat_squares[c] += s.xhat_squares;
  product[c] += s.product;
  scatter[c] += s.scatter;
  l0[c] += static_cast<double>(s.l0);
  l1[c] += s.l1;
  if (in_part_[static_cast<size_t>(row)] != 0) {
    part_residual[c] += s.residual;
    part_l0[c] += static_cast<double>(s.l0);
  }
  const double norms = std::sqrt(s.y_squares) * std::sqrt(s.xhat_squares);
  cosine[c] += norms == 0 ? 0.0 : s.product / norms;
  l2_ratio[c] += s.y_squares == 0 ? 0.0 : std::sqrt(s.xhat_squares / s.y_squares);
  token_ev += s.scatter == 0 ? 0.0 : 1 - s.residual / s.scatter;
  ++l0_counts[static_cast<size_t>(s.l0)];
  const size_t decile = decile_[static_cast<size_t>(row)];
  decile_rows[decile] += 1;
  decile_l0[decile] += static_cast<double>(s.l0);
  decile_residual[decile] += s.residual;
  decile_scatter[decile] += s.scatter;
}

void Accumulator::add_coordinates(View<const float> y, View<const float> xhat) {
  parallel_ranges(y.width(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t b = 0; b < y.rows(); ++b)
      for (int64_t j = begin; j < end; ++j) {
        const double r = static_cast<double>(y.at(b, j)) - static_cast<double>(xhat.at(b, j));
        coordinate_sums[static_cast<size_t>(j)] += r;
        coordinate_squares[static_cast<size_t>(j)] += r * r;
      }
  });
}

}  // namespace otoscope::eval
