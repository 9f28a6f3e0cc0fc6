#include "model/vjp/backward.h"

#include <algorithm>

#include "otoscope/core/errors.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::model {

Backward::Backward(const Weights& w, const Record& record, bool has_decoder,
                   std::optional<Site> from, bool through_edits, const Freeze& freeze,
                   std::span<const Cotangent> reads, std::span<const Site> writes)
    : w_(w),
      record_(record),
      has_decoder_(has_decoder),
      from_(from),
      through_edits_(through_edits),
      freeze_(freeze),
      reads_(reads),
      order_(writes.begin(), writes.end()) {
  const Dims& dims = w.dims;
  B_ = record.at(from.value_or(Site{Stack::encoder, Point::mel, -1})).shape[0];
  if (has_decoder) n_tokens_ = record.at({Stack::decoder, Point::embed, -1}).shape[1];
  const auto shape_of = [&](const Site& site) {
    const bool decoder = site.stack == Stack::decoder;
    const bool cross = site.point >= Point::cross_q && site.point <= Point::cross_attn_out;
    const int64_t T = decoder ? n_tokens_ : dims.n_audio_ctx;
    return site_shape(dims, site, B_, T, decoder && !cross ? n_tokens_ : dims.n_audio_ctx);
  };
  const std::vector<Site> known = all_sites(dims);
  const auto check = [&](const Site& site, const char* what) {
    if (std::find(known.begin(), known.end(), site) == known.end())
      throw UserError(what, "expected a site of the model, got " + site_name(site));
    if (!has_decoder && site.stack == Stack::decoder)
      throw UserError(what, "expected a site of the encoder, got " + site_name(site),
                      "this tape was made without tokens");
  };
  for (const Cotangent& read : reads) {
    check(read.site, "read");
    if (!(read.value.shape == shape_of(read.site)))
      throw UserError("read " + site_name(read.site), "expected a cotangent of shape " +
                                                          shape_of(read.site).str() + ", got " +
                                                          read.value.shape.str());
  }
  for (const Site& site : writes) {
    check(site, "write");
    writes_.emplace(site, Tensor<float>(shape_of(site)));
  }
  left_ = static_cast<int64_t>(writes_.size());
}

bool Backward::is_read(const Site& site) const {
  return std::any_of(reads_.begin(), reads_.end(),
                     [&](const Cotangent& read) { return read.site == site; });
}

void Backward::join_reads(const Site& site, int64_t offset, View<float> g) const {
  for (const Cotangent& read : reads_)
    if (read.site == site) kernels::add(View<const float>{read.value.data + offset, g.shape}, g);
}

void Backward::copy_write(const Site& site, int64_t offset, View<const float> g) {
  const auto found = writes_.find(site);
  if (found != writes_.end()) std::copy_n(g.data, g.size(), found->second.data() + offset);
}

void Backward::close_write(const Site& site) {
  if (written(site)) --left_;
}

void Backward::visit(const Site& site, Gradient& g) {
  if (is_read(site)) {
    if (g.empty())
      for (const Cotangent& read : reads_)
        if (read.site == site) {
          g = Gradient(read.value.shape);
          break;
        }
    join_reads(site, 0, g);
  }
  if (!g.empty()) copy_write(site, 0, g);
  close_write(site);
  if (stopped(site)) g = {};
}

Tensor<float> Backward::decoder() {
  const Stack stack = Stack::decoder;
  Gradient g, audio;
  visit({stack, Point::logits, -1}, g);
  Gradient out;
  if (!g.empty()) {
    out = Gradient::uninitialized({B_, n_tokens_, w_.dims.n_text_state});
    w_.unembed.vjp(g, out);
  }
  const int L = w_.dims.n_text_layer;
  Gradient x;
  norm(stack, -1, w_.ln, Point::out_scale, Point::out, {stack, Point::resid_post, L - 1},
       std::move(out), x);
  for (int l = L - 1; l >= 0 && !done(); --l) {
    const BlockWeights& b = w_.decoder[static_cast<size_t>(l)];
    const Site pre{stack, Point::resid_pre, l}, mid{stack, Point::resid_mid, l},
        cross{stack, Point::resid_cross, l};
    visit({stack, Point::resid_post, l}, x);
    norm(stack, l, b.mlp_ln, Point::ln2_scale, Point::ln2, cross,
         mlp(stack, l, b.mlp, x.empty() ? Gradient() : x.clone()), x);
    visit(cross, x);
    norm(stack, l, b.cross_attn_ln, Point::ln_cross_scale, Point::ln_cross, mid,
         attention(stack, l, b.cross_attn, kCross, false, x.empty() ? Gradient() : x.clone(),
                   &audio),
         x);
    visit(mid, x);
    norm(stack, l, b.attn_ln, Point::ln1_scale, Point::ln1, pre,
         attention(stack, l, b.attn, kSelf, true, x.empty() ? Gradient() : x.clone(), nullptr), x);
    visit(pre, x);
  }
  if (!done()) visit({stack, Point::embed, -1}, x);
  return audio;
}

void Backward::encoder(Gradient g) {
  const Stack stack = Stack::encoder;
  const int L = w_.dims.n_audio_layer;
  const auto visit_start = [&](const Site& site, Gradient& gradient) {
    visit(site, gradient);
    return from_ == site;
  };
  if (from_ == Site{stack, Point::out, -1}) return visit(*from_, g);
  Gradient x;
  norm(stack, -1, w_.ln_post, Point::out_scale, Point::out, {stack, Point::resid_post, L - 1},
       std::move(g), x);
  for (int l = L - 1; l >= 0 && !done(); --l) {
    const BlockWeights& b = w_.encoder[static_cast<size_t>(l)];
    const Site pre{stack, Point::resid_pre, l}, mid{stack, Point::resid_mid, l};
    if (visit_start({stack, Point::resid_post, l}, x)) return;
    norm(stack, l, b.mlp_ln, Point::ln2_scale, Point::ln2, mid,
         mlp(stack, l, b.mlp, x.empty() ? Gradient() : x.clone()), x);
    if (visit_start(mid, x)) return;
    norm(stack, l, b.attn_ln, Point::ln1_scale, Point::ln1, pre,
         attention(stack, l, b.attn, kSelf, false, x.empty() ? Gradient() : x.clone(), nullptr), x);
    if (visit_start(pre, x)) return;
  }
  if (done()) return;
  if (visit_start({stack, Point::embed, -1}, x)) return;
  visit({stack, Point::conv2, -1}, x);
  if (done()) return;
  // The convolutions' inputs to GELU are no sites: they are made again.
  const Site conv1{stack, Point::conv1, -1}, mel{stack, Point::mel, -1};
  Gradient hidden;
  if (!x.empty()) {
    auto before = Tensor<float>::uninitialized(x.shape());
    w_.conv2.forward(record_.at(conv1), before);
    kernels::gelu_vjp(before, x, x);
    hidden = Gradient::uninitialized(record_.at(conv1).shape);
    w_.conv2.vjp(x, hidden);
  }
  visit(conv1, hidden);
  Gradient input;
  if (!hidden.empty() && !done()) {
    auto before = Tensor<float>::uninitialized(hidden.shape());
    w_.conv1.forward(record_.at(mel), before);
    kernels::gelu_vjp(before, hidden, hidden);
    input = Gradient::uninitialized(record_.at(mel).shape);
    w_.conv1.vjp(hidden, input);
  }
  visit(mel, input);
}

std::vector<Tensor<float>> Backward::run() {
  Gradient audio;
  if (has_decoder_) audio = decoder();
  if (!done()) encoder(std::move(audio));
  std::vector<Tensor<float>> results;
  results.reserve(order_.size());
  for (const Site& site : order_) results.push_back(writes_.at(site).clone());
  return results;
}

}  // namespace otoscope::model
