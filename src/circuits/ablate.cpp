#include <algorithm>
#include <cmath>
#include <list>
#include <optional>

#include "circuits/clip_run.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics/bootstrap.h"

namespace otoscope::circuits {
namespace {

/// Sets features of one site to their references on the positions that count.
class SetToReference : public model::Hook {
 public:
  SetToReference(const ReadySae& sae, const FeatureSet& set, int64_t positions)
      : sae_(sae), set_(set), positions_(positions), chosen_(static_cast<size_t>(sae.F())) {
    for (const int32_t f : set.features) {
      if (f < 0 || f >= sae.F())
        throw UserError("features", "expected ids below " + std::to_string(sae.F()) + ", got " +
                                        std::to_string(f));
      chosen_[static_cast<size_t>(f)] = 1;
    }
    const int64_t d = sae.sae().d_out();
    references_ = Tensor<float>({d});
    for (int64_t f = 0; f < sae.F(); ++f)
      if (touched(f))
        for (int64_t j = 0; j < d; ++j)
          references_[j] += sae.reference(f) * sae.sae().W_dec.at(f, j);
  }

  model::Want ask(const model::Site& site) override {
    return site == sae_.site() ? model::Want::replace : model::Want::none;
  }

  void replace(const model::Site&, const model::Rows&, View<float> x) override {
    const View<float> valid = x.sub(0).slice(0, positions_);
    SparseRows codes;
    sae_.encode(valid, codes);
    const int64_t d = valid.width();
    Tensor<float> all;
    if (set_.drop_error) {
      all = Tensor<float>(valid.shape);
      sae_.features_sum(codes, all);
    }
    for (int64_t t = 0; t < positions_; ++t) {
      float* row = valid.row(t);
      if (set_.drop_error)
        for (int64_t j = 0; j < d; ++j) row[j] = all.at(t, j) + sae_.sae().b_dec[j];
      for (int64_t e = codes.indptr[static_cast<size_t>(t)];
           e < codes.indptr[static_cast<size_t>(t + 1)]; ++e) {
        const int32_t f = codes.indices[static_cast<size_t>(e)];
        if (!touched(f)) continue;
        const float value = codes.values[static_cast<size_t>(e)];
        const float* direction = sae_.sae().W_dec.view().row(f);
        for (int64_t j = 0; j < d; ++j) row[j] -= value * direction[j];
      }
      for (int64_t j = 0; j < d; ++j) row[j] += references_[j];
    }
  }

 private:
  bool touched(int64_t f) const { return (chosen_[static_cast<size_t>(f)] != 0) != set_.others; }

  const ReadySae& sae_;
  const FeatureSet& set_;
  int64_t positions_;
  std::vector<uint8_t> chosen_;
  Tensor<float> references_;
};

bool idle(const FeatureSet& set) { return set.features.empty() && !set.others && !set.drop_error; }

/// One clip: the clean forward once, every ablation taken up at the first site that it touches.
class Clip {
 public:
  Clip(const model::Whisper& model, const std::vector<ReadySae>& saes, const AttributionClip& clip)
      : model_(model), saes_(saes), clip_(clip) {
    std::vector<model::Site> wanted;
    for (const ReadySae& sae : saes)
      if (sae.site().stack == model::Stack::encoder) wanted.push_back(sae.site());
    model::Recorder recorder(wanted);
    model::Hook* const hooks[] = {&recorder};
    audio_ = model.encode(mel_of(clip), {}, wanted.empty() ? model::Hooks{} : model::Hooks(hooks));
    for (const model::Site& site : wanted) starts_.emplace_back(site, recorder.last(site).clone());
  }

  double metric_with(std::span<const FeatureSet> sets) const {
    std::list<SetToReference> edits;
    std::vector<model::Hook*> encoder, decoder;
    std::optional<size_t> first;  // of `starts_`, the earliest in the forward that is touched
    for (size_t s = 0; s < saes_.size(); ++s) {
      if (idle(sets[s])) continue;
      edits.emplace_back(saes_[s], sets[s], saes_[s].positions(clip_));
      const bool heard = saes_[s].site().stack == model::Stack::encoder;
      (heard ? encoder : decoder).push_back(&edits.back());
      if (heard) first = earlier(first, saes_[s].site());
    }
    if (!first) return metric_value(clip_, logits(audio_, decoder));
    const auto& [site, x] = starts_[*first];
    return metric_value(clip_, logits(model_.encode_from(site, x, {}, encoder), decoder));
  }

 private:
  Tensor<float> logits(View<const float> audio, const std::vector<model::Hook*>& hooks) const {
    return model_.decode_forced(audio, tokens_of(clip_), {}, hooks);
  }
  std::optional<size_t> earlier(std::optional<size_t> first, const model::Site& site) const {
    const std::vector<model::Site> order = model::all_sites(model_.dims());
    const auto at = [&](const model::Site& one) {
      return std::find(order.begin(), order.end(), one) - order.begin();
    };
    for (size_t i = 0; i < starts_.size(); ++i)
      if (starts_[i].first == site && (!first || at(site) < at(starts_[*first].first))) return i;
    return first;
  }

  const model::Whisper& model_;
  const std::vector<ReadySae>& saes_;
  const AttributionClip& clip_;
  Tensor<float> audio_;
  std::vector<std::pair<model::Site, Tensor<float>>> starts_;
};

/// M by [circuit][clip]; a circuit is a set for each site.
using Circuit = std::vector<FeatureSet>;
std::vector<std::vector<double>> run(const model::Whisper& model, const std::vector<ReadySae>& saes,
                                     std::span<const Circuit> circuits,
                                     std::span<const AttributionClip> clips, Progress& progress) {
  std::vector<std::vector<double>> values(circuits.size());
  int64_t done = 0;
  for (const AttributionClip& one : clips) {
    const Clip clip(model, saes, one);
    for (size_t c = 0; c < circuits.size(); ++c) {
      throw_if_interrupted();
      OTO_ASSERT(circuits[c].size() == saes.size());
      values[c].push_back(clip.metric_with(circuits[c]));
      progress.advance(++done);
    }
  }
  return values;
}

/// (a - none) / (whole - none) over resampled clusters.
Estimate share_of_effect(std::span<const double> a, std::span<const double> none,
                         std::span<const double> whole, const Clusters& clusters, uint64_t seed) {
  std::vector<double> top(static_cast<size_t>(clusters.count)), bottom(top.size());
  for (size_t i = 0; i < a.size(); ++i) {
    top[static_cast<size_t>(clusters.of[i])] += a[i] - none[i];
    bottom[static_cast<size_t>(clusters.of[i])] += whole[i] - none[i];
  }
  return bootstrap_ratio(top, bottom, static_cast<int64_t>(a.size()), seed);
}

/// As many features as the circuit has at each site, from those that fire on the clips.
std::vector<FeatureSet> random_circuit(std::span<const FeatureSet> circuit,
                                       const std::vector<std::vector<int32_t>>& fire, Rng& rng) {
  std::vector<FeatureSet> sets(circuit.begin(), circuit.end());
  for (size_t s = 0; s < sets.size(); ++s) {
    const std::vector<int64_t> order = rng.permutation(static_cast<int64_t>(fire[s].size()));
    sets[s].features.clear();
    for (size_t i = 0; i < std::min(circuit[s].features.size(), order.size()); ++i)
      sets[s].features.push_back(fire[s][static_cast<size_t>(order[i])]);
    sets[s].others = true;
  }
  return sets;
}

}  // namespace

std::vector<double> metric_with(const model::Whisper& model, std::span<const SiteSae> sites,
                                std::span<const FeatureSet> sets,
                                std::span<const AttributionClip> clips, Progress& progress) {
  const std::vector<ReadySae> saes = ready(model, sites);
  check_clips(model, clips);
  if (sets.size() != sites.size())
    throw UserError("metric_with",
                    "expected a set of features for each site, got " + std::to_string(sets.size()));
  progress.start("ablation", static_cast<int64_t>(clips.size()), "clips");
  const Circuit circuit(sets.begin(), sets.end());
  std::vector<double> values = run(model, saes, {&circuit, 1}, clips, progress)[0];
  progress.finish();
  return values;
}

CircuitChecks check_circuit(const model::Whisper& model, std::span<const SiteSae> sites,
                            std::span<const FeatureSet> circuit,
                            std::span<const AttributionClip> clips, int draws, uint64_t seed,
                            Progress& progress) {
  const std::vector<ReadySae> saes = ready(model, sites);
  check_clips(model, clips);
  if (circuit.size() != sites.size())
    throw UserError("circuit", "expected a set of features for each site, got " +
                                   std::to_string(circuit.size()));
  const Clusters clusters = clusters_of(clips);
  const auto with = [&](bool features, bool others) {
    Circuit sets(circuit.size());
    for (size_t s = 0; s < sets.size(); ++s) {
      if (features) sets[s].features = circuit[s].features;
      sets[s].others = others;
    }
    return sets;
  };
  // Features that fire at all, for random circuits.
  std::vector<std::vector<int32_t>> fire;
  for (const SiteSae& site : sites) {
    const std::vector<float> mean = mean_codes(model, site, clips);
    fire.emplace_back();
    for (size_t f = 0; f < mean.size(); ++f)
      if (mean[f] > 0) fire.back().push_back(static_cast<int32_t>(f));
  }
  std::vector<Circuit> circuits{with(false, false), with(false, true), with(true, true),
                                with(true, false)};
  Rng rng(seed, "random circuits");
  for (int i = 0; i < draws; ++i) circuits.push_back(random_circuit(circuit, fire, rng));
  progress.start("checking the circuit", static_cast<int64_t>(clips.size() * circuits.size()),
                 "forwards");
  const auto values = run(model, saes, circuits, clips, progress);
  progress.finish();

  const auto &whole = values[0], &none = values[1], &kept = values[2], &removed = values[3];
  CircuitChecks checks;
  checks.whole = mean_over_clips(whole, clusters, seed, 2000);
  checks.none = mean_over_clips(none, clusters, seed, 2000);
  std::vector<double> moved;
  for (size_t c = 0; c < whole.size(); ++c) moved.push_back(whole[c] - none[c]);
  checks.effect = mean_over_clips(moved, clusters, seed, 2000);
  checks.faithfulness = share_of_effect(kept, none, whole, clusters, seed);
  checks.completeness = share_of_effect(removed, none, whole, clusters, seed);
  checks.draws = draws;
  std::vector<double> sum(clips.size());
  int beaten = 0;
  for (int i = 0; i < draws; ++i) {
    const std::vector<double>& random = values[4 + static_cast<size_t>(i)];
    const Estimate one = share_of_effect(random, none, whole, clusters, seed);
    beaten += checks.faithfulness.value > one.value;
    for (size_t c = 0; c < sum.size(); ++c) sum[c] += random[c] / draws;
  }
  if (draws > 0) {
    checks.random_faithfulness = share_of_effect(sum, none, whole, clusters, seed);
    checks.beats_random = static_cast<double>(beaten) / draws;
  }
  return checks;
}

}  // namespace otoscope::circuits
