#include "otoscope/features/decompose.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <list>
#include <nlohmann/json.hpp>

#include "cli/verb.h"
#include "otoscope/audio/label_lines.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"
#include "otoscope/io/npy.h"
#include "otoscope/model/mlp.h"
#include "otoscope/model/whisper.h"

namespace otoscope::cli {
namespace {

struct DecomposeVerbOptions {
  std::string sae, activations, neurons, model, directions, labels, out;
  std::vector<std::string> control;
  int64_t neuron = -1;
  features::DecomposeOptions decompose;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("sae", o.sae, "folder of the SAE whose features are the parts");
    v("activations", o.activations, "store of the site that the SAE was trained on");
    v("neurons", o.neurons,
      "store of encoder.blocks.N.mlp_post, the same rows, with an SAE of the stream; none: the "
      "units are the SAE's own coordinates");
    v("model", o.model, "with --neurons: the model, for what each neuron writes into the stream");
    v("directions", o.directions, "units instead: rows of a .npy (n, d) of the SAE's site");
    v("labels", o.labels, "labels of the clips");
    v("neuron", o.neuron, "unit to show, -1 = the one that train and dev recommend",
      Range{-1, 1e9});
    v("control", o.control, "NAME=SAE of the same site (untrained, frozen) in the SAE's place");
    v("out", o.out, "file for the result, as decompose.json");
    features::DecomposeOptions::visit(o.decompose, v);
  }
};

class DecomposeVerb : public VerbWith<DecomposeVerbOptions> {
 public:
  std::string example() const override {
    return "decompose --sae sae/encoder.blocks.3.resid_post/batchtopk-4096-k32 --activations "
           "acts/encoder.blocks.3.resid_post --neurons acts/encoder.blocks.3.mlp_post --model "
           "whisper-base --labels labels.jsonl --out decompose.json";
  }

  int run(const Context& context) override {
    for (const auto& [name, value] : {std::pair{"--sae", options_.sae},
                                      {"--activations", options_.activations},
                                      {"--labels", options_.labels},
                                      {"--out", options_.out}})
      if (value.empty()) throw UserError(name, "expected a path, got nothing");
    if (options_.neurons.empty() != options_.model.empty())
      throw UserError(options_.model.empty() ? "--model" : "--neurons",
                      "expected both --neurons and --model, or neither",
                      "the model says what a neuron writes into the stream");
    if (!options_.neurons.empty() && !options_.directions.empty())
      throw UserError("--directions", "expected either --neurons or --directions, got both");
    options_.decompose.seed = context.common.seed;

    std::list<sae::Sae> saes;
    const std::filesystem::path folder = options_.sae;
    std::vector<features::NamedSae> all = {
        {(folder.filename().empty() ? folder.parent_path() : folder).filename().string(),
         &saes.emplace_back(sae::load(folder))}};
    for (const std::string& given : options_.control) {
      const size_t equals = given.find('=');
      if (equals == std::string::npos || equals == 0 || equals + 1 == given.size())
        throw UserError("--control", "expected NAME=SAE, got " + given);
      all.push_back(
          {given.substr(0, equals), &saes.emplace_back(sae::load(given.substr(equals + 1)))});
    }
    const store::Store store = store::Store::open(options_.activations);
    features::UnitSource source;
    std::optional<store::Store> neurons;
    std::optional<model::Whisper> model;
    if (!options_.neurons.empty()) {
      neurons.emplace(store::Store::open(options_.neurons));
      model.emplace(model::Whisper::load(options_.model, {}, context.progress));
      if (neurons->model_hash() != model->hash())
        throw UserError(options_.neurons,
                        "expected neurons of the model given by --model, got "
                        "those of another (" +
                            neurons->model_name() + ")");
      source.neurons = &*neurons;
      source.output_weight =
          model::mlp_output_weight(*model, model::find_site(model->dims(), neurons->site()));
    }
    if (!options_.directions.empty()) source.directions = read_directions();
    const features::Decomposition result =
        features::decompose(all, store, source, audio::read_label_lines(options_.labels),
                            options_.neuron, options_.decompose, context.progress);
    const nlohmann::ordered_json json = result.json();
    io::write_json(options_.out, json);
    context.print(context.common.json ? json.dump(1) : text(result) + "\n" + options_.out);
    return 0;
  }

 private:
  Tensor<float> read_directions() const;

  static std::string labels_text(const std::vector<features::LabelShare>& labels) {
    std::string text;
    for (size_t i = 0; i < std::min<size_t>(6, labels.size()); ++i)
      text +=
          fmt::format("{}{} {:.0f} %", i == 0 ? "" : ", ", labels[i].label, 100 * labels[i].share);
    return text;
  }

  static std::string text(const features::Decomposition& result) {
    std::vector<std::vector<std::string>> rows = {
        {"units", "parts of", "units", "senses", "of parts", "bits purer", "p", "purer", "R2"}};
    for (const auto& table : result.tables)
      rows.push_back(
          {table.name, table.of, fmt::format("{} of {}", table.compared, table.units.size()),
           fmt::format("{:.2f}", table.unit_senses), fmt::format("{:.2f}", table.senses),
           fmt::format("{:.3f} [{:.3f}, {:.3f}]", table.bits.value, table.bits.low,
                       table.bits.high),
           fmt::format("{:.4f}", table.p), fmt::format("{:.1f} %", 100 * table.purer.value),
           fmt::format("{:.3f}", table.r2)});
    std::string out = text_table(rows);
    if (!result.illustration) return out + "\nno unit to show: none passed on train and dev";
    const features::Illustration& shown = *result.illustration;
    out += fmt::format("\n\n{} {}{}, {} labelled firings: {}\n", result.tables[0].name, shown.unit,
                       shown.chosen ? " (chosen on train and dev)" : "", shown.firings,
                       labels_text(shown.labels));
    std::vector<std::vector<std::string>> parts = {
        {"feature", "share", "firings", "senses", "unit's", "labels"}};
    for (size_t i = 0; i < shown.of_parts.size(); ++i) {
      const features::Part& part = shown.parts.parts[i];
      const bool counted = part.n > 0;
      parts.push_back({std::to_string(part.feature), fmt::format("{:.3f}", part.test_share),
                       std::to_string(shown.of_parts[i].firings),
                       counted ? fmt::format("{:.1f}", part.senses) : "-",
                       counted ? fmt::format("{:.1f}", part.unit_senses) : "-",
                       labels_text(shown.of_parts[i].labels)});
    }
    return out + text_table(parts);
  }
};

Tensor<float> DecomposeVerb::read_directions() const {
  const io::Npy file = io::Npy::open(options_.directions);
  if (file.shape().rank() != 2 || file.shape().count() == 0)
    throw UserError(options_.directions,
                    "expected directions of shape (n, d), got " + file.shape().str());
  Tensor<float> directions = file.floats();
  for (const float x : directions.view().span())
    if (!std::isfinite(x))
      throw UserError(options_.directions, "expected finite numbers, got NaN or infinity");
  return directions;
}

}  // namespace

std::unique_ptr<Verb> make_decompose() { return std::make_unique<DecomposeVerb>(); }

}  // namespace otoscope::cli
