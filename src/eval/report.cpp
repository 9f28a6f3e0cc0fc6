#include "otoscope/eval/report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::eval {
namespace {

using io::OrderedJson;
using io::to_json;

OrderedJson optional_json(const std::optional<Estimate>& estimate) {
  return estimate ? to_json(*estimate) : OrderedJson(nullptr);
}

/// A number or null: a ratio may have no denominator.
OrderedJson number(double x) { return std::isfinite(x) ? OrderedJson(x) : OrderedJson(nullptr); }

}  // namespace

OrderedJson to_json(const Fidelity& f) {
  OrderedJson json{{"rows", f.rows},
                   {"items", f.items},
                   {"clusters", f.clusters},
                   {"fvu", to_json(f.fvu)},
                   {"mse", to_json(f.mse)},
                   {"nmse", to_json(f.nmse)},
                   {"cosine", to_json(f.cosine)},
                   {"l2_ratio", to_json(f.l2_ratio)},
                   {"bias", to_json(f.bias)},
                   {"l0", to_json(f.l0)}};
  json["speech"] = nullptr;
  if (f.speech)
    json["speech"] = {
        {"rows", f.speech->rows}, {"fvu", to_json(f.speech->fvu)}, {"l0", to_json(f.speech->l0)}};
  json["l0_quantiles"] = {
      {"p5", f.l0_quantiles[0]}, {"p50", f.l0_quantiles[1]}, {"p95", f.l0_quantiles[2]}};
  json["ev_var"] = number(f.ev_var);
  json["ev_token_legacy"] = number(f.ev_token_legacy);
  json["ev_without_top10"] = number(f.ev_without_top_variance);
  json["fvu_cluster_median"] = number(f.fvu_cluster_median);
  json["l0_by_energy"] = f.l0_by_energy;
  json["fvu_by_energy"] = f.fvu_by_energy;
  json["features"] = f.features;
  if (f.features == 0) return json;
  json["l1"] = to_json(f.l1);
  json["dead"] = f.dead;
  json["dense"] = f.dense;
  json["always"] = f.always;
  json["rate_histogram"] = f.rate_histogram;
  return json;
}

OrderedJson to_json(const BatchMode& m) {
  return {{"k", m.k}, {"batch", m.batch}, {"fvu", to_json(m.fvu)}, {"l0", to_json(m.l0)}};
}

OrderedJson to_json(const SplicedMeasures& m) {
  OrderedJson json{{"ce", to_json(m.ce)},
                   {"ce_difference", to_json(m.ce_difference)},
                   {"kl", to_json(m.kl)},
                   {"kl_p95", m.kl_p95},
                   {"agreement", to_json(m.agreement)}};
  json["ce_recovered"] = {{"zero", optional_json(m.ce_recovered_zero)},
                          {"mean", optional_json(m.ce_recovered_mean)}};
  json["kl_recovered"] = {{"zero", optional_json(m.kl_recovered_zero)},
                          {"mean", optional_json(m.kl_recovered_mean)}};
  json["decoded"] = m.decoded;
  if (!m.decoded) return json;
  json["wer"] = to_json(m.wer);
  json["wer_difference"] = to_json(m.wer_difference);
  json["cer"] = to_json(m.cer);
  json["cer_difference"] = to_json(m.cer_difference);
  json["empty"] = to_json(m.empty);
  json["looping"] = to_json(m.looping);
  json["tokens"] = to_json(m.tokens);
  json["no_speech_left"] = m.no_speech_left();
  return json;
}

}  // namespace otoscope::eval
