#include "otoscope/features/describe.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>

#include "features/database.h"
#include "features/intervals.h"
#include "otoscope/audio/label_lines.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/io/sqlite.h"

namespace otoscope::features {
namespace {

/// Activations of each example's feature around its peak: every item with examples is encoded once
/// more.
std::map<std::pair<int64_t, int64_t>, Trace> trace_examples(const sae::Sae& sae,
                                                            const store::Store& store,
                                                            const Evidence& evidence,
                                                            Progress& progress) {
  std::map<int32_t, std::vector<std::pair<int64_t, Peak>>> by_item;
  for (size_t f = 0; f < evidence.top.size(); ++f) {
    for (const Peak& peak : evidence.top[f])
      by_item[peak.item].emplace_back(static_cast<int64_t>(f), peak);
    for (const auto& bin : evidence.quantile[f])
      for (const Peak& peak : bin) by_item[peak.item].emplace_back(static_cast<int64_t>(f), peak);
  }

  std::map<std::pair<int64_t, int64_t>, Trace> traces;
  const sae::Encoder encoder(sae);
  progress.start("trace examples", static_cast<int64_t>(by_item.size()), "clips");
  int64_t done = 0;
  for (const auto& [index, examples] : by_item) {
    throw_if_interrupted();
    const store::Item& item = store.items()[static_cast<size_t>(index)];
    Tensor<float> x(Shape{item.n_rows, store.d()});
    store.read(item.first_row, x.view());
    SparseRows codes;
    encoder.encode(x.view(), codes);
    for (const auto& [feature, peak] : examples) {
      Trace& trace = traces[{feature, peak.row}];
      if (!trace.values.empty()) continue;  // the same row as a top and as a quantile example
      const int64_t middle = peak.row - item.first_row;
      const int64_t begin = std::max<int64_t>(0, middle - kTraceFrames);
      const int64_t end = std::min<int64_t>(item.n_rows, middle + kTraceFrames + 1);
      const float scale =
          255.0f / std::max(evidence.top[static_cast<size_t>(feature)].front().value, 1e-30f);
      trace.first_frame = store.origin(item.first_row + begin).frame;
      for (int64_t r = begin; r < end; ++r) {
        const auto from = codes.indices.begin() + codes.indptr[static_cast<size_t>(r)];
        const auto to = codes.indices.begin() + codes.indptr[static_cast<size_t>(r) + 1];
        const auto found = std::lower_bound(from, to, static_cast<int32_t>(feature));
        const bool fires = found != to && *found == feature;
        const float value =
            fires ? codes.values[static_cast<size_t>(found - codes.indices.begin())] : 0.0f;
        trace.values += static_cast<char>(
            static_cast<unsigned char>(std::lround(std::min(255.0f, value * scale))));
      }
    }
    progress.advance(++done);
  }
  progress.finish();
  return traces;
}

std::vector<Estimate> rates_of(const Tally& tally, int64_t F, uint64_t seed) {
  std::vector<float> rows(tally.cluster_fired.size());
  for (size_t c = 0; c < tally.clusters.size(); ++c)
    std::fill_n(rows.begin() + static_cast<std::ptrdiff_t>(c * static_cast<size_t>(F)), F,
                static_cast<float>(tally.cluster_rows[c]));
  return bootstrap_ratios(tally.cluster_fired, rows, static_cast<int64_t>(tally.clusters.size()), F,
                          seed);
}

std::vector<std::vector<Estimate>> language_shares(const Tally& tally, int64_t F, uint64_t seed) {
  std::vector<std::vector<Estimate>> shares;
  for (size_t l = 0; l < tally.languages.size(); ++l) {
    if (!tally.cluster_language_fired.empty()) {
      shares.push_back(bootstrap_ratios(tally.cluster_language_fired[l], tally.cluster_fired,
                                        static_cast<int64_t>(tally.clusters.size()), F, seed));
      continue;
    }
    std::vector<Estimate> bare(static_cast<size_t>(F));  // many languages: counts without intervals
    for (size_t f = 0; f < bare.size(); ++f) {
      bare[f].n = tally.fired[f];
      bare[f].low = 0, bare[f].high = 1;
      bare[f].method = "none";
      if (tally.fired[f] > 0)
        bare[f].value = tally.language_fired[l * static_cast<size_t>(F) + f] /
                        static_cast<double>(tally.fired[f]);
    }
    shares.push_back(std::move(bare));
  }
  return shares;
}

/// What the tables of meaning depend on beside SAE and store.
std::string meaning_inputs(const DescribeOptions& options) {
  MeaningOptions copy = options.meaning;
  std::string text = " labels " + io::sha256_file(options.labels) + " " +
                     io::options_to_json(options_of(copy)).dump();
  for (const std::string& control : options.controls.controls) text += " control " + control;
  return text + " shuffled " + options.controls.shuffled_sae + " " +
         options.controls.shuffled_activations;
}

/// Names for the SAE's features, and categories.json with a column for each control.
Meaning describe_meaning(const sae::Sae& sae, const store::Store& store,
                         const DescribeOptions& options, std::span<const audio::ClipLabels> clips,
                         std::span<const Estimate> shift, std::optional<LabelledRows>& labelled,
                         Progress& progress) {
  MeaningOptions settings = options.meaning;
  settings.association.seed = settings.null.seed = options.seed;
  ControlOptions controls = options.controls;
  controls.seed = options.seed;
  const labels::RowLabels labels = labels::label_rows(store, clips);
  labelled.emplace(store.items(), labels);
  const Postings postings = postings_of(sae, store, progress);
  Meaning meaning = find_meaning(postings, *labelled, shift, settings, progress);
  std::vector<Column> columns = {column_of("features", postings, meaning)};
  for (Column& column :
       control_columns(store, labels, clips, postings, settings, controls, progress))
    columns.push_back(std::move(column));
  io::write_json(sae.folder / "categories.json", categories_json(columns, *labelled, settings));
  return meaning;
}

DescribeSummary summary_of(const std::filesystem::path& path) {
  const io::Database db(path);
  const auto count = [&](const std::string& where) {
    io::Statement query = db.prepare("SELECT count(*) FROM features WHERE " + where);
    query.step();
    return query.integer(0);
  };
  DescribeSummary summary;
  summary.database = path;
  summary.features = count("1");
  summary.dead = count("state = 'dead'");
  summary.dense = count("state = 'dense'");
  summary.position_bound = count("state = 'position-bound'");
  summary.with_shift = count("shift_share IS NOT NULL");
  summary.rows = std::stoll("0" + read_meta(path, "rows"));
  summary.items = std::stoll("0" + read_meta(path, "items"));
  summary.clusters = std::stoll("0" + read_meta(path, "clusters"));
  summary.clusters_by = read_meta(path, "clusters_by");
  if (!read_meta(path, "labels").empty()) {
    summary.categories = path.parent_path() / "categories.json";
    summary.columns = read_columns(summary.categories);
  }
  return summary;
}

}  // namespace

DescribeSummary describe(const sae::Sae& sae, const store::Store& store,
                         const DescribeOptions& options, Progress& progress) {
  const std::filesystem::path path = sae.folder / "features.sqlite";
  std::vector<store::Store> shifted;
  std::string inputs =
      "schema " + std::to_string(kSchemaVersion) + " sae " + sae.hash + " store " + store.hash() +
      " split " + options.split + " seed " + std::to_string(options.seed) + " examples " +
      std::to_string(options.examples) + "/" + std::to_string(options.per_quantile);
  for (const std::string& folder : options.shifted) {
    shifted.push_back(store::Store::open(folder));
    inputs += " shifted " + shifted.back().hash();
  }
  if (shifted.size() == 1)
    throw UserError("--shifted",
                    "expected the unshifted store and at least one shifted, got one store",
                    "extract the same test clips at --offset-s 0 and at other offsets");
  if (!options.labels.empty()) inputs += meaning_inputs(options);
  const bool whole =
      options.labels.empty() || std::filesystem::exists(sae.folder / "categories.json");
  if (read_meta(path, "inputs") == inputs && whole) {
    progress.note("features of " + sae.folder.filename().string() + ": already described");
    return summary_of(path);
  }

  std::vector<audio::ClipLabels> clips;
  if (!options.labels.empty()) {  // mistakes are told before the long work
    check_controls(options.controls);
    clips = audio::read_label_lines(options.labels);
  }
  const store::Split split = store::split_named(options.split);
  const RowFacts facts = row_facts(store, progress);
  EvidenceOptions gather;
  gather.top = options.examples;
  gather.per_quantile = options.per_quantile;
  gather.seed = options.seed;
  const Evidence evidence = gather_evidence(sae, store, split, facts, gather, progress);
  if (evidence.tally.rows == 0)
    throw UserError(store.path().string(), "expected rows in split " + options.split + ", got none",
                    "try --split all");

  Description description{sae, store, evidence, {}, {}, nullptr, {}, {}};
  description.rate = rates_of(evidence.tally, sae.F(), options.seed);
  description.language_share = language_shares(evidence.tally, sae.F(), options.seed);
  ShiftResult shift;
  if (!shifted.empty()) {
    shift = shift_test(sae, shifted[0], std::span(shifted).subspan(1), options.seed, progress);
    description.shift = &shift;
  }
  std::optional<LabelledRows> labelled;
  Meaning meaning;
  if (!options.labels.empty()) {
    meaning = describe_meaning(sae, store, options, clips, shift.share, labelled, progress);
    description.labelled = &*labelled;
    description.meaning = &meaning;
  }
  description.traces = trace_examples(sae, store, evidence, progress);
  const int64_t clusters =
      std::count_if(evidence.tally.cluster_rows.begin(), evidence.tally.cluster_rows.end(),
                    [](int64_t rows) { return rows > 0; });
  int64_t items = 0;
  for (const store::Item& item : store.items())
    if (split == store::Split::all || item.split == options.split) ++items;
  description.meta = {{"inputs", inputs},
                      {"schema", "otoscope.features"},
                      {"version", std::to_string(kSchemaVersion)},
                      {"sae_hash", sae.hash},
                      {"store_hash", store.hash()},
                      {"site", store.site()},
                      {"model_hash", store.model_hash()},
                      {"model_name", store.model_name()},
                      {"unit", store.unit()},
                      {"labels", options.labels},
                      {"split", options.split},
                      {"rows", std::to_string(evidence.tally.rows)},
                      {"items", std::to_string(items)},
                      {"clusters", std::to_string(clusters)},
                      {"clusters_by", store.clusters_by_speaker() ? "speaker" : "prompt"},
                      {"silent_rows", std::to_string(evidence.tally.silent_rows)},
                      {"loudness_mean_db", std::to_string(evidence.tally.loudness_mean)}};
  write_features(path, description);
  return summary_of(path);
}

}  // namespace otoscope::features
