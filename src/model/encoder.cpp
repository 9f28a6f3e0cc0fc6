#include "model/encoder.h"

#include <algorithm>

#include "model/row_pieces.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::model {
namespace {

class EncoderPass {
 public:
  EncoderPass(const Weights& w, const Probe& probe, int64_t B)
      : w_(w),
        probe_(probe),
        x_(Tensor<float>::uninitialized({B, w.dims.n_audio_ctx, w.dims.n_audio_state})),
        normed_(Tensor<float>::uninitialized(x_.shape())),
        out_(Tensor<float>::uninitialized(x_.shape())),
        scale_(Tensor<float>::uninitialized({B, w.dims.n_audio_ctx})) {
    work_.pieces = worth_pieces(x_.view().rows());
  }

  void start(View<const float> mel) {
    Tensor<float> edited;  // hooks may write to the mel; the caller's stays
    if (probe_.wanted(Point::mel, -1)) {
      edited = Tensor<float>::copy_of(mel);
      probe_.at(Point::mel, -1, edited);
      mel = edited;
    }
    const View<float> hidden = work_.wide.of({mel.shape[0], mel.shape[1], w_.dims.n_audio_state});
    w_.conv1.forward(mel, hidden);
    kernels::gelu(hidden, hidden);
    probe_.at(Point::conv1, -1, hidden);
    w_.conv2.forward(hidden, x_);
    kernels::gelu(x_, x_);
    probe_.at(Point::conv2, -1, x_);
    for (int64_t b = 0; b < mel.shape[0]; ++b) kernels::add(w_.audio_positions, x_.view().sub(b));
    probe_.at(Point::embed, -1, x_);
  }

  /// Sets the value of a residual site; its hooks see it.
  void resume(const Site& from, View<const float> x) {
    std::copy_n(x.data, x.size(), x_.data());
    probe_.at(from.point, from.block, x_);
  }

  void attention_half(int l) {
    const BlockWeights& b = w_.encoder[static_cast<size_t>(l)];
    const int heads = w_.dims.n_audio_head;
    const Shape split{x_.shape()[0], heads, x_.shape()[1], x_.shape()[2] / heads};
    const View<float> q = work_.q.of(split), k = work_.k.of(split), v = work_.v.of(split);
    if (in_pieces(l, {Point::ln1_scale, Point::ln1})) {
      const Projection all[] = {{b.attn.query, q}, {b.attn.key, k}, {b.attn.value, v}};
      norm_and_project(b.attn_ln, all, x_);
      probe_.at(Point::q, l, q);
      probe_.at(Point::k, l, k);
      probe_.at(Point::v, l, v);
    } else {
      norm(probe_, b.attn_ln, Point::ln1_scale, Point::ln1, l, x_, normed_, scale_);
      project(probe_, b.attn.query, Point::q, l, normed_, q, work_);
      project(probe_, b.attn.key, Point::k, l, normed_, k, work_);
      project(probe_, b.attn.value, Point::v, l, normed_, v, work_);
    }
    const View<float> z = work_.z.of(split);
    attend(probe_, kSelf, l, q, {k, v, w_.dims.n_audio_ctx, {}, false}, z, w_.precision,
           work_.scores);
    if (in_pieces(l, {Point::attn_out})) {
      project_out_and_add(b.attn.out, z, x_);
      probe_.at(Point::resid_mid, l, x_);
    } else {
      project_out(probe_, b.attn.out, Point::attn_out, l, z, out_, work_);
      add_to_stream(probe_, Point::resid_mid, l, out_, x_);
    }
  }

  void mlp_half(int l) {
    const BlockWeights& b = w_.encoder[static_cast<size_t>(l)];
    if (in_pieces(
            l, {Point::ln2_scale, Point::ln2, Point::mlp_pre, Point::mlp_post, Point::mlp_out})) {
      mlp_and_add(b.mlp_ln, b.mlp, x_);
      probe_.at(Point::resid_post, l, x_);
    } else {
      norm(probe_, b.mlp_ln, Point::ln2_scale, Point::ln2, l, x_, normed_, scale_);
      mlp(probe_, b.mlp, l, normed_, out_, work_);
      add_to_stream(probe_, Point::resid_post, l, out_, x_);
    }
  }

  void block(int l) {
    probe_.at(Point::resid_pre, l, x_);
    attention_half(l);
    mlp_half(l);
  }

  Tensor<float> finish() {
    norm(probe_, w_.ln_post, Point::out_scale, Point::out, -1, x_, normed_, scale_);
    return std::move(normed_);
  }

  Tensor<float> take_stream() { return std::move(x_); }

 private:
  /// Whether a stretch of layers may go from stream to stream in pieces: nobody looks between.
  bool in_pieces(int l, std::initializer_list<Point> between) const {
    return work_.pieces && std::none_of(between.begin(), between.end(),
                                        [&](Point point) { return probe_.wanted(point, l); });
  }

  const Weights& w_;
  const Probe& probe_;
  Tensor<float> x_, normed_, out_, scale_;
  Workspace work_;
};

}  // namespace

bool can_resume_at(const Site& site) {
  return site.stack == Stack::encoder &&
         (site.point == Point::embed || site.point == Point::resid_pre ||
          site.point == Point::resid_mid || site.point == Point::resid_post ||
          site.point == Point::out);
}

Tensor<float> run_encoder(const Weights& w, const Probe& probe, View<const float> mel) {
  EncoderPass pass(w, probe, mel.shape[0]);
  pass.start(mel);
  for (int l = 0; l < w.dims.n_audio_layer; ++l) pass.block(l);
  return pass.finish();
}

Tensor<float> resume_encoder(const Weights& w, const Probe& probe, const Site& from,
                             View<const float> x) {
  EncoderPass pass(w, probe, x.shape[0]);
  pass.resume(from, x);
  int next = 0;
  switch (from.point) {
    case Point::out:
      return pass.take_stream();
    case Point::resid_pre:
      pass.attention_half(from.block);
      [[fallthrough]];
    case Point::resid_mid:
      pass.mlp_half(from.block);
      next = from.block + 1;
      break;
    case Point::resid_post:
      next = from.block + 1;
      break;
    default:
      break;
  }
  for (int l = next; l < w.dims.n_audio_layer; ++l) pass.block(l);
  return pass.finish();
}

}  // namespace otoscope::model
