#include <algorithm>

#include <fmt/format.h>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/features/directions.h"
#include "otoscope/features/meaning.h"
#include "otoscope/features/units.h"

namespace otoscope::features {
namespace {

const std::vector<std::string> kControls = {
    "shuffled-labels", "shuffled-model", "random", "neurons", "mel", "probe"};

bool wanted(const ControlOptions& which, const std::string& control) {
  return which.controls.empty() ||
         std::find(which.controls.begin(), which.controls.end(), control) != which.controls.end();
}

Column described(const std::string& name, const std::string& note, const Postings& postings,
                 const LabelledRows& rows, const MeaningOptions& options, Progress& progress) {
  progress.note("control: " + name);
  Column column = column_of(name, postings, find_meaning(postings, rows, {}, options, progress));
  column.note = note;
  return column;
}

Column shuffled_model(std::span<const audio::ClipLabels> clips, const MeaningOptions& options,
                      const ControlOptions& which, Progress& progress) {
  const sae::Sae sae = sae::load(which.shuffled_sae);
  const store::Store store = store::Store::open(which.shuffled_activations);
  const LabelledRows rows(store.items(), labels::label_rows(store, clips));
  return described("shuffled model",
                   "an SAE trained on the model whose weights are permuted within each tensor",
                   postings_of(sae, store, progress), rows, options, progress);
}

}  // namespace

void check_controls(const ControlOptions& which) {
  for (const std::string& name : which.controls)
    if (std::find(kControls.begin(), kControls.end(), name) == kControls.end() && name != "none")
      throw UserError("--controls", fmt::format("expected a control, got \"{}\"", name),
                      "one or more of: " + join(kControls, ", ") + ", or none");
  if (which.shuffled_sae.empty() != which.shuffled_activations.empty())
    throw UserError("--shuffled-sae", "expected an SAE and the store it is of, got one of the two",
                    "give --shuffled-sae and --shuffled-activations together");
}

std::vector<Column> control_columns(const store::Store& store, const labels::RowLabels& labels,
                                    std::span<const audio::ClipLabels> clips,
                                    const Postings& features, const MeaningOptions& options,
                                    const ControlOptions& which, Progress& progress) {
  std::vector<Column> columns;
  const LabelledRows rows(store.items(), labels);
  const RowSource x = rows_of_store(store);
  const auto rates = [&](int64_t units) {
    return matched_rates(features, rows, units, which.seed);
  };
  if (wanted(which, "shuffled-labels"))
    columns.push_back(described(
        "shuffled labels", "the same features, each clip with the labels of another", features,
        LabelledRows(store.items(), shuffled_labels(store.items(), labels, which.seed)), options,
        progress));
  if (!which.shuffled_sae.empty() && wanted(which, "shuffled-model"))
    columns.push_back(shuffled_model(clips, options, which, progress));
  if (wanted(which, "random")) {
    const Tensor<float> W = random_directions(features.units(), store.d(), which.seed);
    columns.push_back(described(
        "random directions", "as many, firing as often",
        direction_units(x, rows, W.view(), rates(features.units()), "random directions", progress),
        rows, options, progress));
  }
  if (wanted(which, "neurons")) {
    const Tensor<float> W = signed_axes(store.d());
    columns.push_back(
        described("neurons", "coordinates of the site, each sign, firing as often",
                  direction_units(x, rows, W.view(), rates(W.shape()[0]), "neurons", progress),
                  rows, options, progress));
  }
  if (wanted(which, "mel") && store.unit() == "frame") {
    const Tensor<float> mel = mel_of_rows(store, progress);
    const Tensor<float> W = signed_axes(mel.shape()[1]);
    columns.push_back(described("log-mel", "bands of the log-mel frame, each sign, firing as often",
                                direction_units(rows_of_matrix(mel.view()), rows, W.view(),
                                                rates(W.shape()[0]), "log-mel bands", progress),
                                rows, options, progress));
  }
  if (wanted(which, "probe")) {
    constexpr int64_t kLeastRows = 20;
    const Probe probe = fit_probe(x, rows, kLeastRows, progress);
    if (!probe.values.empty()) {
      columns.push_back(described(
          "linear probe", "one ridge readout per label value: the ceiling, not a control",
          direction_units(x, rows, probe.W.view(), probe.rates, "linear probes", progress), rows,
          options, progress));
      columns.back().ceiling = true;
    }
  }
  return columns;
}

}  // namespace otoscope::features
