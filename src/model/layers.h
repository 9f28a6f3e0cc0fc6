#pragma once
/// The parts that encoder and decoder share. Each offers its sites to the probe; values are the
/// same bits whether somebody listens or not.

#include <span>

#include "model/probe.h"
#include "model/weights.h"
#include "otoscope/core/tensor.h"

namespace otoscope::model {

/// Memory that is asked for again and again in sizes that hardly change: fresh pages cost more than
/// what is written to them. The content is lost at the next call.
class Room {
 public:
  View<float> of(const Shape& shape) {
    if (memory_.size() < shape.count()) memory_ = Tensor<float>::uninitialized({shape.count()});
    return {memory_.data(), shape};
  }

 private:
  Tensor<float> memory_;
};

/// What the layers of one pass share. `wide` holds projections before their heads are split, or the
/// hidden units of an MLP: never both at once.
struct Workspace {
  Room wide, q, k, v, z, scores;
  bool pieces = false;  // products in pieces of rows (row_pieces.h)
};

/// Rows [first, first + flat.rows()) of (B, T, heads * d_head) -> their places in (B, heads, T,
/// d_head), and back.
void split_heads(View<const float> flat, View<float> heads, int64_t first = 0);
void merge_heads(View<const float> heads, View<float> flat, int64_t first = 0);

/// y = LayerNorm(x) with its scale as a site: where a hook changed the scale of a row, that row of
/// y is computed again from the changed one.   x, y: (B, T, d)   scale: (B, T)
void norm(const Probe& probe, const NormWeights& w, Point scale_point, Point point, int block,
          View<const float> x, View<float> y, View<float> scale);

/// out = down(gelu(up(x))).   x, out: (B, T, d)
void mlp(const Probe& probe, const MlpWeights& w, int block, View<const float> x, View<float> out,
         Workspace& work);

/// x += out, then the site of the stream.
void add_to_stream(const Probe& probe, Point point, int block, View<const float> out,
                   View<float> x);

/// Which keys and values a row of queries may see.
struct KeysValues {
  View<const float> k, v;              // (A, heads, capacity, d_head), the first `length` in use
  int64_t length = 0;                  // S
  std::span<const int32_t> audio_row;  // row b reads k[audio_row[b]]; empty: k[b]
  bool causal = false;                 // query t of T sees keys up to length - T + t
};

struct AttentionPoints {
  Point q, k, v, scores, pattern, z, out;
};
inline constexpr AttentionPoints kSelf{
    Point::q, Point::k,       Point::v, Point::attn_scores, Point::attn_pattern,
    Point::z, Point::attn_out};
inline constexpr AttentionPoints kCross{Point::cross_q,
                                        Point::cross_k,
                                        Point::cross_v,
                                        Point::cross_attn_scores,
                                        Point::cross_attn_pattern,
                                        Point::cross_z,
                                        Point::cross_attn_out};

/// z = softmax(q k^T / sqrt(d_head)) v.   q, z: (B, heads, T, d_head).
/// Scores exist in pieces that fit the cache unless a hook wants them whole.
void attend(const Probe& probe, const AttentionPoints& points, int block, View<const float> q,
            const KeysValues& keys, View<float> z, Precision precision, Room& scores);

/// One projection and its site: (B, T, d) -> split (B, heads, T, d_head).
void project(const Probe& probe, const kernels::Linear& w, Point point, int block,
             View<const float> x, View<float> split, Workspace& work);

/// out = W_o merge(z) and its site.   z: (B, heads, T, d_head)   out: (B, T, d)
void project_out(const Probe& probe, const kernels::Linear& w, Point point, int block,
                 View<const float> z, View<float> out, Workspace& work);

}  // namespace otoscope::model
