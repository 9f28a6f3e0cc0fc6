#include <algorithm>
#include <optional>

#include "model/vjp/backward.h"
#include "otoscope/core/errors.h"
#include "otoscope/model/vjp.h"

namespace otoscope::model {

struct Tape::Impl {
  const Weights& weights;
  Record record;
  bool through_edits;
  bool has_decoder = false;
  std::optional<Site> from;  // the forward started here instead of at the mel
  mutable std::map<Site, Tensor<float>, SiteOrder> matrices;  // scores and patterns asked for

  void decode(const Whisper& model, View<const float> audio, View<const int64_t> tokens,
              Rows rows) {
    if (tokens.empty()) return;
    has_decoder = true;
    rows.valid = {};  // those of the encoder count frames
    Hook* const own[] = {&record};
    model.decode_forced(audio, tokens, rows, own);
  }

  /// A score or pattern matrix, by the forward's own code and so with its bits.
  View<const float> matrix(const Site& site) const {
    if (const auto found = matrices.find(site); found != matrices.end())
      return found->second.view();
    const bool cross =
        site.point == Point::cross_attn_scores || site.point == Point::cross_attn_pattern;
    const AttentionPoints& points = cross ? kCross : kSelf;
    const auto at = [&](Point p) { return record.at({site.stack, p, site.block}); };
    Recorder recorder({site});
    Hook* const hooks[] = {&recorder};
    const HookTable table(weights.dims, hooks);
    KeysValues keys{at(points.k), at(points.v), at(points.k).shape[2], {}, false};
    keys.causal = site.stack == Stack::decoder && !cross;
    auto z = Tensor<float>::uninitialized(at(points.q).shape);
    Room scores;
    attend({table, site.stack, {}, {}}, points, site.block, at(points.q), keys, z,
           weights.precision, scores);
    return matrices.emplace(site, recorder.last(site).clone()).first->second.view();
  }
};

Tape::Tape(const Whisper& model, View<const float> mel, View<const int64_t> tokens, Rows rows,
           Hooks hooks, bool through_edits)
    : impl_(new Impl{model.weights(), Record(model.dims(), hooks), through_edits, false, {}, {}}) {
  Hook* const own[] = {&impl_->record};
  impl_->decode(model, model.encode(mel, rows, own), tokens, rows);
}

Tape::Tape(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Tape Tape::resumed(const Whisper& model, const Site& from, View<const float> x,
                   View<const int64_t> tokens, Rows rows, Hooks hooks, bool through_edits) {
  std::unique_ptr<Impl> impl(
      new Impl{model.weights(), Record(model.dims(), hooks), through_edits, false, from, {}});
  Hook* const own[] = {&impl->record};
  impl->decode(model, model.encode_from(from, x, rows, own), tokens, rows);
  return Tape(std::move(impl));
}

Tape::~Tape() = default;
Tape::Tape(Tape&&) noexcept = default;

View<const float> Tape::value(const Site& site) const {
  if (impl_->record.has(site)) return impl_->record.at(site);
  const bool recorded = site.stack == Stack::encoder || impl_->has_decoder;
  const std::vector<Site> known = all_sites(impl_->weights.dims);
  if (!recorded || std::find(known.begin(), known.end(), site) == known.end())
    throw UserError("tape",
                    "expected a site that the recorded forward reached, got " + site_name(site));
  return impl_->matrix(site);
}

std::vector<Tensor<float>> Tape::gradients(std::span<const Cotangent> reads,
                                           std::span<const Site> writes,
                                           const Freeze& freeze) const {
  return Backward(impl_->weights, impl_->record, impl_->has_decoder, impl_->from,
                  impl_->through_edits, freeze, reads, writes)
      .run();
}

}  // namespace otoscope::model
