#include "model/attend_window.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/kernels/packed_right.h"

namespace otoscope::model {
namespace {

constexpr int64_t kPieceFloats = int64_t{3} << 16;  // 768 KB: what a core's own cache holds

class Attended {
 public:
  Attended(View<const float> q, const KeysValues& keys, float scale, Precision precision,
           View<float> z)
      : q_(q), keys_(keys), scale_(scale), precision_(precision), z_(z) {
    rows_ = std::clamp<int64_t>(kPieceFloats / S() / 16 * 16, 16, T());
  }

  int64_t B() const { return q_.shape[0]; }
  int64_t H() const { return q_.shape[1]; }
  int64_t T() const { return q_.shape[2]; }
  int64_t D() const { return q_.shape[3]; }
  int64_t S() const { return keys_.length; }

  /// What row b of the queries reads, packed.
  std::vector<kernels::PackedRight> keys_of(int64_t b) const {
    return packed(keys_.k, b, true, scale_);
  }
  std::vector<kernels::PackedRight> values_of(int64_t b) const {
    return packed(keys_.v, b, false, 1.0f);
  }
  /// Calls work(h, t0, rows) for every piece of one row, in parallel.
  template <class Work>
  void for_pieces(Work&& work) const {
    const int64_t pieces = (T() + rows_ - 1) / rows_;
    parallel_ranges(H() * pieces, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t t0 = i % pieces * rows_;
        work(i / pieces, t0, std::min(rows_, T() - t0));
      }
    });
  }
  void scores(const kernels::PackedRight& keys, int64_t b, int64_t h, int64_t t0, int64_t rows,
              View<float> s) const {
    keys.multiply(queries(b, h, t0, rows), s);
    if (keys_.causal) mask_future({s.data, Shape{1, rows, S()}}, t0, T());
  }
  View<const float> queries(int64_t b, int64_t h, int64_t t0, int64_t rows) const {
    return {q_.data + ((b * H() + h) * T() + t0) * D(), Shape{rows, D()}};
  }
  /// How many keys query t0 sees.
  int64_t seen(int64_t t0) const { return keys_.causal ? S() - T() + t0 + 1 : S(); }
  /// Where the values go that these queries attend to.
  View<float> mixed(int64_t b, int64_t h, int64_t t0, int64_t rows) const {
    return {z_.data + ((b * H() + h) * T() + t0) * D(), Shape{rows, D()}};
  }

 private:
  std::vector<kernels::PackedRight> packed(View<const float> cache, int64_t b, bool transposed,
                                           float scale) const {
    std::vector<kernels::PackedRight> heads(static_cast<size_t>(H()));
    const int64_t row = keys_.audio_row.empty() ? b : keys_.audio_row[static_cast<size_t>(b)];
    parallel_ranges(H(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t h = begin; h < end; ++h) {
        const View<const float> head{cache.data + (row * H() + h) * cache.shape[2] * cache.shape[3],
                                     Shape{S(), D()}};
        heads[static_cast<size_t>(h)] = {{head, transposed}, precision_, scale};
      }
    });
    return heads;
  }

  View<const float> q_;
  const KeysValues& keys_;
  float scale_;
  Precision precision_;
  View<float> z_;
  int64_t rows_ = 16;
};

}  // namespace

void attend_window(const Probe& probe, const AttentionPoints& points, int block,
                   View<const float> q, const KeysValues& keys, float scale, Precision precision,
                   View<float> z) {
  const Attended w(q, keys, scale, precision, z);
  const int64_t S = w.S();
  if (!probe.wanted(points.scores, block) && !probe.wanted(points.pattern, block)) {
    for (int64_t b = 0; b < w.B(); ++b) {
      const auto k = w.keys_of(b), v = w.values_of(b);
      w.for_pieces([&](int64_t h, int64_t t0, int64_t rows) {
        const auto head = static_cast<size_t>(h);
        kernels::attend(w.queries(b, h, t0, rows), k[head], v[head], w.seen(t0),
                        w.mixed(b, h, t0, rows));
      });
    }
    return;
  }
  // The same pieces, but all of them kept.
  auto whole = Tensor<float>::uninitialized({w.B(), w.H(), w.T(), S});
  const auto piece_of = [&](int64_t b, int64_t h, int64_t t0, int64_t rows) {
    return View<float>{whole.data() + ((b * w.H() + h) * w.T() + t0) * S, Shape{rows, S}};
  };
  for (int64_t b = 0; b < w.B(); ++b) {
    const auto k = w.keys_of(b);
    w.for_pieces([&](int64_t h, int64_t t0, int64_t rows) {
      w.scores(k[static_cast<size_t>(h)], b, h, t0, rows, piece_of(b, h, t0, rows));
    });
  }
  probe.at(points.scores, block, whole);
  kernels::softmax(whole, whole);
  probe.at(points.pattern, block, whole);
  for (int64_t b = 0; b < w.B(); ++b) {
    const auto v = w.values_of(b);
    w.for_pieces([&](int64_t h, int64_t t0, int64_t rows) {
      v[static_cast<size_t>(h)].multiply(piece_of(b, h, t0, rows), w.mixed(b, h, t0, rows));
    });
  }
}

void mask_future(View<float> scores, int64_t t0, int64_t T) {
  const int64_t n = scores.shape[0], rows = scores.shape[1], S = scores.shape[2];
  for (int64_t i = 0; i < n * rows; ++i) {
    const int64_t seen = S - T + t0 + i % rows + 1;
    std::fill(scores.row(i) + seen, scores.row(i) + S, -std::numeric_limits<float>::infinity());
  }
}

}  // namespace otoscope::model
