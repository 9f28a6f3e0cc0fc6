#include <algorithm>
#include <cmath>

#include "model/attend_rows.h"
#include "model/attend_window.h"
#include "model/layers.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::model {
namespace {

/// Scores that are worked on at once: about what a shared cache holds beside keys and values.
constexpr int64_t kSharedPieceFloats = int64_t{3} << 18;  // 3 MB
/// Up to so many queries a row, plain loops beat a compiled product (and meet a new number of keys
/// at every step without compiling one).
constexpr int64_t kFewQueries = 8;

/// How (B * heads) score matrices of T x S are cut: `heads` whole ones, or `rows` rows of one.
struct Cut {
  int64_t heads = 1, rows = 1;
};
Cut cut_of(int64_t H, int64_t T, int64_t S) {
  if (T * S <= kSharedPieceFloats)
    return {std::clamp<int64_t>(kSharedPieceFloats / (T * S), 1, H), T};
  return {1, std::clamp<int64_t>(kSharedPieceFloats / S / 16 * 16, 16, T)};
}

View<const float> part(View<const float> x, int64_t b, int64_t h, int64_t n, int64_t t0,
                       int64_t rows) {
  const int64_t H = x.shape[1], T = x.shape[2], D = x.shape[3];
  return {x.data + ((b * H + h) * T + t0) * D, Shape{n, rows, D}};
}

/// The first `length` keys of every head of one row, packed together.
Tensor<float> compacted(View<const float> x, int64_t length) {
  const int64_t rows = x.shape[0] * x.shape[1], D = x.shape[3];
  auto packed = Tensor<float>::uninitialized({x.shape[0], x.shape[1], length, D});
  for (int64_t r = 0; r < rows; ++r)
    std::copy_n(x.data + r * x.shape[2] * D, length * D, packed.data() + r * length * D);
  return packed;
}

struct Pieces {
  View<const float> q, k, v;
  View<float> z;
  std::span<const int32_t> audio_row;
  bool causal;
  Precision precision;
  float scale;

  int64_t S() const { return k.shape[2]; }
  int64_t key_row(int64_t b) const {
    return audio_row.empty() ? b : audio_row[static_cast<size_t>(b)];
  }
  void scores(int64_t b, int64_t h, int64_t n, int64_t t0, int64_t rows, View<float> s) const {
    kernels::batched_gemm({part(q, b, h, n, t0, rows)},
                          kernels::transposed(part(k, key_row(b), h, n, 0, S())), s, scale, 0.0f,
                          precision);
    if (causal) mask_future(s, t0, q.shape[2]);
  }
  void mix(int64_t b, int64_t h, int64_t n, int64_t t0, int64_t rows, View<const float> p) const {
    const int64_t H = z.shape[1], T = z.shape[2], D = z.shape[3];
    const View<float> out{z.data + ((b * H + h) * T + t0) * D, Shape{n, rows, D}};
    kernels::batched_gemm({p}, {part(v, key_row(b), h, n, 0, S())}, out, 1.0f, 0.0f, precision);
  }
};

template <class Work>
void for_pieces(const Pieces& p, Work&& work) {
  const int64_t B = p.q.shape[0], H = p.q.shape[1], T = p.q.shape[2];
  const Cut cut = cut_of(H, T, p.S());
  for (int64_t b = 0; b < B; ++b)
    for (int64_t h = 0; h < H; h += cut.heads)
      for (int64_t t0 = 0; t0 < T; t0 += cut.rows)
        work(b, h, std::min(cut.heads, H - h), t0, std::min(cut.rows, T - t0));
}

/// By products: each piece of scores is made, turned into a pattern and used up.
void attend_pieces(const Probe& probe, const AttentionPoints& points, int block, const Pieces& p,
                   Room& room) {
  const int64_t B = p.q.shape[0], H = p.q.shape[1], T = p.q.shape[2], S = p.S();
  if (!probe.wanted(points.scores, block) && !probe.wanted(points.pattern, block)) {
    const Cut cut = cut_of(H, T, S);
    const View<float> memory = room.of({cut.heads * cut.rows * S});
    for_pieces(p, [&](int64_t b, int64_t h, int64_t n, int64_t t0, int64_t rows) {
      const View<float> piece{memory.data, Shape{n, rows, S}};
      p.scores(b, h, n, t0, rows, piece);
      kernels::softmax(piece, piece);
      p.mix(b, h, n, t0, rows, piece);
    });
    return;
  }
  // The same pieces in the same order, but all of them kept.
  auto whole = Tensor<float>::uninitialized({B, H, T, S});
  const auto piece_of = [&](int64_t b, int64_t h, int64_t n, int64_t t0, int64_t rows) {
    return View<float>{whole.data() + ((b * H + h) * T + t0) * S, Shape{n, rows, S}};
  };
  for_pieces(p, [&](int64_t b, int64_t h, int64_t n, int64_t t0, int64_t rows) {
    p.scores(b, h, n, t0, rows, piece_of(b, h, n, t0, rows));
  });
  probe.at(points.scores, block, whole);
  for_pieces(p, [&](int64_t b, int64_t h, int64_t n, int64_t t0, int64_t rows) {
    const View<float> piece = piece_of(b, h, n, t0, rows);
    kernels::softmax(piece, piece);
  });
  probe.at(points.pattern, block, whole);
  for_pieces(p, [&](int64_t b, int64_t h, int64_t n, int64_t t0, int64_t rows) {
    p.mix(b, h, n, t0, rows, piece_of(b, h, n, t0, rows));
  });
}

}  // namespace

void attend(const Probe& probe, const AttentionPoints& points, int block, View<const float> q,
            const KeysValues& keys, View<float> z, Precision precision, Room& room) {
  const int64_t T = q.shape[2], D = q.shape[3];
  const float scale = 1.0f / std::sqrt(static_cast<float>(D));
  if (T <= kFewQueries) {
    const View<float> scores = room.of({q.shape[0], q.shape[1], T, keys.length});
    few_scores(q, keys, scale, scores);
    probe.at(points.scores, block, scores);
    kernels::softmax(scores, scores);
    probe.at(points.pattern, block, scores);
    few_mixes(scores, keys, z);
  } else if (T >= kWindowQueries) {
    attend_window(probe, points, block, q, keys, scale, precision, z);
  } else {
    Tensor<float> k, v;
    View<const float> all_k = keys.k, all_v = keys.v;
    if (keys.length != keys.k.shape[2]) {
      k = compacted(keys.k, keys.length), v = compacted(keys.v, keys.length);
      all_k = k, all_v = v;
    }
    attend_pieces(probe, points, block,
                  {q, all_k, all_v, z, keys.audio_row, keys.causal, precision, scale}, room);
  }
  probe.at(points.z, block, z);
}

}  // namespace otoscope::model
