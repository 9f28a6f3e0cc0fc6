#pragma once
/// The reverse pass over a recorded forward. A gradient is a tensor, or empty where it is zero, so
/// that nothing is computed above the last read or beside the way to the writes.

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "model/layers.h"
#include "model/vjp/record.h"
#include "otoscope/model/vjp.h"

namespace otoscope::model {

class Backward {
 public:
  Backward(const Weights& w, const Record& record, bool has_decoder, std::optional<Site> from,
           bool through_edits, const Freeze& freeze, std::span<const Cotangent> reads,
           std::span<const Site> writes);
  /// Gradients in the order of the writes.
  std::vector<Tensor<float>> run();

 private:
  using Gradient = Tensor<float>;

  /// The total at a site: reads join, a write takes a copy, an edit stops it.
  void visit(const Site& site, Gradient& g);
  bool written(const Site& site) const { return writes_.contains(site); }
  bool is_read(const Site& site) const;
  bool stopped(const Site& site) const { return record_.edited(site) && !through_edits_; }
  bool done() const { return left_ == 0; }
  /// Pieces [first, first + n) of the reads at a site are added to g; likewise copied for a write.
  void join_reads(const Site& site, int64_t offset, View<float> g) const;
  void copy_write(const Site& site, int64_t offset, View<const float> g);
  /// A write at a place that no gradient reaches stays at its zeros.
  void close_write(const Site& site);

  // Each takes the gradient of the layer's output and returns that of its input.
  Gradient mlp(Stack stack, int block, const MlpWeights& w, Gradient g);
  /// Adds to the stream's gradient.
  void norm(Stack stack, int block, const NormWeights& w, Point scale_point, Point point,
            const Site& input, Gradient g, Gradient& stream);
  struct AttentionGradients {
    Gradient q, k, v;  // (B, heads, T or S, d_head)
  };
  AttentionGradients attention_core(Stack stack, int block, const AttentionPoints& points,
                                    bool causal, Gradient dz);
  /// Returns the gradient of the queries' input; that of the keys' input is added to `source`
  /// (cross-attention) or to the result (self-attention, source null).
  Gradient attention(Stack stack, int block, const AttentionWeights& w,
                     const AttentionPoints& points, bool causal, Gradient g, Gradient* source);
  Gradient decoder();
  void encoder(Gradient g);

  const Weights& w_;
  const Record& record_;
  bool has_decoder_;
  std::optional<Site> from_;  // where the recorded forward was taken up
  bool through_edits_;
  Freeze freeze_;
  std::span<const Cotangent> reads_;
  std::vector<Site> order_;
  std::map<Site, Tensor<float>, SiteOrder> writes_;
  int64_t left_ = 0;
  int64_t B_ = 0, n_tokens_ = 0;
};

}  // namespace otoscope::model
