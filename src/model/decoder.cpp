#include "model/decoder.h"

#include <algorithm>

#include "otoscope/core/errors.h"

namespace otoscope::model {
namespace {

/// Appends new keys (B, heads, n, d_head) to a cache (B, heads, capacity, d_head).
void append(View<const float> fresh, int64_t length, View<float> cache) {
  const int64_t n = fresh.shape[2], D = fresh.shape[3];
  for (int64_t i = 0; i < fresh.shape[0] * fresh.shape[1]; ++i)
    std::copy_n(fresh.data + i * n * D, n * D, cache.data + (i * cache.shape[2] + length) * D);
}

}  // namespace

void DecoderPass::embed(View<const int64_t> tokens, int64_t position) {
  const int64_t B = tokens.shape[0], n = tokens.shape[1], d = w_.dims.n_text_state;
  x_ = Tensor<float>::uninitialized({B, n, d});
  normed_ = Tensor<float>::uninitialized({B, n, d});
  out_ = Tensor<float>::uninitialized({B, n, d});
  scale_ = Tensor<float>::uninitialized({B, n});
  for (int64_t i = 0; i < B * n; ++i) {
    const int64_t token = tokens[i];
    if (token < 0 || token >= w_.dims.n_vocab)
      throw UserError("tokens", "expected ids below " + std::to_string(w_.dims.n_vocab) + ", got " +
                                    std::to_string(token));
    const float* meaning = w_.token_embedding.view().row(token);
    const float* place = w_.text_positions.view().row(position + i % n);
    for (int64_t j = 0; j < d; ++j) x_.view().row(i)[j] = meaning[j] + place[j];
  }
  probe_.at(Point::embed, -1, x_);
}

Shape DecoderPass::split_shape() const {
  const int64_t H = w_.dims.n_text_head;
  return {x_.shape()[0], H, x_.shape()[1], x_.shape()[2] / H};
}

void DecoderPass::self_attention(int l, KvCache* cache) {
  const BlockWeights& b = w_.decoder[static_cast<size_t>(l)];
  probe_.at(Point::resid_pre, l, x_);
  norm(probe_, b.attn_ln, Point::ln1_scale, Point::ln1, l, x_, normed_, scale_);
  const Shape split = split_shape();
  const View<float> q = work_.q.of(split), k = work_.k.of(split), v = work_.v.of(split);
  project(probe_, b.attn.query, Point::q, l, normed_, q, work_);
  project(probe_, b.attn.key, Point::k, l, normed_, k, work_);
  project(probe_, b.attn.value, Point::v, l, normed_, v, work_);
  const View<float> z = work_.z.of(split);
  KeysValues keys{k, v, split[2], {}, true};
  if (cache != nullptr) {
    Tensor<float>&cached_k = cache->self_k_[static_cast<size_t>(l)],
    &cached_v = cache->self_v_[static_cast<size_t>(l)];
    append(k, cache->length_, cached_k);
    append(v, cache->length_, cached_v);
    keys.k = cached_k, keys.v = cached_v, keys.length += cache->length_;
  }
  attend(probe_, kSelf, l, q, keys, z, w_.precision, work_.scores);
  project_out(probe_, b.attn.out, Point::attn_out, l, z, out_, work_);
  add_to_stream(probe_, Point::resid_mid, l, out_, x_);
}

void DecoderPass::cross_attention(int l, View<const float> audio, const KvCache* cache) {
  const BlockWeights& b = w_.decoder[static_cast<size_t>(l)];
  norm(probe_, b.cross_attn_ln, Point::ln_cross_scale, Point::ln_cross, l, x_, normed_, scale_);
  const Shape split = split_shape();
  const View<float> q = work_.q.of(split), z = work_.z.of(split);
  project(probe_, b.cross_attn.query, Point::cross_q, l, normed_, q, work_);
  KeysValues keys;
  if (cache != nullptr) {
    keys.k = cache->cross_k_[static_cast<size_t>(l)];
    keys.v = cache->cross_v_[static_cast<size_t>(l)];
    keys.audio_row = cache->audio_row_;
  } else {
    const Shape of_audio{split[0], split[1], w_.dims.n_audio_ctx, split[3]};
    const View<float> k = work_.k.of(of_audio), v = work_.v.of(of_audio);
    project(probe_, b.cross_attn.key, Point::cross_k, l, audio, k, work_);
    project(probe_, b.cross_attn.value, Point::cross_v, l, audio, v, work_);
    keys.k = k, keys.v = v;
  }
  keys.length = w_.dims.n_audio_ctx;
  attend(probe_, kCross, l, q, keys, z, w_.precision, work_.scores);
  project_out(probe_, b.cross_attn.out, Point::cross_attn_out, l, z, out_, work_);
  add_to_stream(probe_, Point::resid_cross, l, out_, x_);
}

void DecoderPass::mlp_part(int l) {
  const BlockWeights& b = w_.decoder[static_cast<size_t>(l)];
  norm(probe_, b.mlp_ln, Point::ln2_scale, Point::ln2, l, x_, normed_, scale_);
  mlp(probe_, b.mlp, l, normed_, out_, work_);
  add_to_stream(probe_, Point::resid_post, l, out_, x_);
}

Tensor<float> DecoderPass::logits(bool all_positions) {
  norm(probe_, w_.ln, Point::out_scale, Point::out, -1, x_, normed_, scale_);
  const int64_t B = x_.shape()[0], n = x_.shape()[1], d = x_.shape()[2];
  if (!all_positions && n > 1) {
    for (int64_t b = 0; b < B; ++b)
      std::copy_n(normed_.view().row(b * n + n - 1), d, out_.view().row(b));
    auto last = Tensor<float>::uninitialized({B, 1, w_.dims.n_vocab});
    w_.unembed.forward(View<const float>{out_.data(), Shape{B, 1, d}}, last);
    Probe probe = probe_;
    probe.rows.position += n - 1;
    probe.rows.T = 1;
    probe.at(Point::logits, -1, last);
    return last;
  }
  auto all = Tensor<float>::uninitialized({B, n, w_.dims.n_vocab});
  w_.unembed.forward(normed_, all);
  probe_.at(Point::logits, -1, all);
  return all;
}

Tensor<float> DecoderPass::forced(View<const float> audio, View<const int64_t> tokens) {
  embed(tokens, 0);
  for (int l = 0; l < w_.dims.n_text_layer; ++l) {
    self_attention(l, nullptr);
    cross_attention(l, audio, nullptr);
    mlp_part(l);
  }
  return logits(true);
}

KvCache DecoderPass::make_cache(const Weights& w, const Probe& probe, View<const float> audio,
                                int64_t max_tokens) {
  const int64_t B = audio.shape[0], H = w.dims.n_text_head, D = w.dims.n_text_state / H;
  KvCache cache;
  cache.rows_ = B;
  cache.capacity_ = max_tokens;
  Workspace work;
  for (int64_t b = 0; b < B; ++b) cache.audio_row_.push_back(static_cast<int32_t>(b));
  for (int l = 0; l < w.dims.n_text_layer; ++l) {
    const AttentionWeights& cross = w.decoder[static_cast<size_t>(l)].cross_attn;
    const Shape of_audio{B, H, w.dims.n_audio_ctx, D};
    cache.cross_k_.push_back(Tensor<float>::uninitialized(of_audio));
    cache.cross_v_.push_back(Tensor<float>::uninitialized(of_audio));
    project(probe, cross.key, Point::cross_k, l, audio, cache.cross_k_.back(), work);
    project(probe, cross.value, Point::cross_v, l, audio, cache.cross_v_.back(), work);
    cache.self_k_.push_back(Tensor<float>::uninitialized({B, H, max_tokens, D}));
    cache.self_v_.push_back(Tensor<float>::uninitialized({B, H, max_tokens, D}));
  }
  return cache;
}

Tensor<float> DecoderPass::step(KvCache& cache, View<const int64_t> tokens, bool all_positions) {
  embed(tokens, cache.length_);
  for (int l = 0; l < w_.dims.n_text_layer; ++l) {
    self_attention(l, &cache);
    cross_attention(l, {}, &cache);
    mlp_part(l);
  }
  cache.length_ += tokens.shape[1];
  ++cache.steps_;
  Tensor<float> scores = logits(all_positions);
  if (!all_positions) scores.reshape({tokens.shape[0], w_.dims.n_vocab});
  return scores;
}

}  // namespace otoscope::model
