#include "cli/trace_print.h"

#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/verb.h"
#include "otoscope/audio/time.h"

namespace otoscope::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string figure(double value, int digits = 2) {
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, digits);
}

std::string name_of(const circuits::Graph& graph, int index) {
  const circuits::Node& node = graph.nodes[static_cast<size_t>(index)];
  const bool encoder = node.stack == model::Stack::encoder;
  std::string name = encoder ? fmt::format("enc {} #{} {:.2f}-{:.2f} s", node.layer, node.feature,
                                           audio::seconds_of(audio::Frame{node.begin}),
                                           audio::seconds_of(audio::Frame{node.end}))
                             : fmt::format("dec {} #{} token {}", node.layer - graph.encoder_layers,
                                           node.feature, node.begin);
  return name;
}

/// "enc 0.12 0.31 -, dec - 0.40": a figure of every block's transcoder.
std::string by_block(const circuits::Graph& graph, double circuits::LayerFigures::*figure_of,
                     int digits) {
  std::string text;
  const int layers = graph.encoder_layers + graph.decoder_layers;
  for (int l = 0; l < layers; ++l) {
    if (l == 0) text += "encoder";
    if (l == graph.encoder_layers) text += ", decoder";
    std::string value = " -";
    for (const circuits::LayerFigures& layer : graph.figures.layers)
      if (layer.layer == l) value = fmt::format(" {:.{}f}", layer.*figure_of, digits);
    text += value;
  }
  return text;
}

}  // namespace

nlohmann::ordered_json graph_figures(const circuits::Graph& graph) {
  const circuits::GraphFigures& f = graph.figures;
  return {{"target", graph.target_text},
          {"frames", graph.frames},
          {"active_features", f.active_features},
          {"explored_features", f.explored},
          {"shown_nodes", graph.pruned.nodes()},
          {"shown_edges", graph.pruned.edges()},
          {"replacement", f.replacement},
          {"completeness", f.completeness},
          {"share_leaves", f.leaf_share},
          {"share_errors", f.error_share},
          {"share_padding", f.padding_share},
          {"share_left_out", f.rest_share},
          {"bias_share", f.bias_share},
          {"worst_sum", graph.check.worst},
          {"worst_logit", graph.check.worst_logit},
          {"checks_hold", graph.check.holds()},
          {"seconds", f.seconds}};
}

std::string graph_table(const circuits::Graph& graph, double peak_gb) {
  const circuits::GraphFigures& f = graph.figures;
  int64_t features = 0;
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    features += graph.pruned.node[i] && graph.nodes[i].kind == circuits::NodeKind::feature;
  const auto share = [](double value) { return fmt::format("{:.1f} %", 100 * value); };
  const Rows rows = {
      {"graph of", graph.target_text},
      {"audio",
       fmt::format("{:.2f} s of {}", audio::seconds_of(audio::Frame{graph.frames}), graph.audio)},
      {"features", fmt::format("{} active (runs merged), {} explored, {} shown", f.active_features,
                               f.explored, features)},
      {"edges shown", std::to_string(graph.pruned.edges())},
      {"influence ends in",
       fmt::format("audio and tokens {}, errors {}, padding {}, left out {}", share(f.leaf_share),
                   share(f.error_share), share(f.padding_share), share(f.rest_share))},
      {"scores",
       fmt::format("replacement {:.3f}, completeness {:.3f}", f.replacement, f.completeness)},
      {"FVU here", by_block(graph, &circuits::LayerFigures::fvu, 2)},
      {"L0 here", by_block(graph, &circuits::LayerFigures::l0, 0)},
      {"bias", fmt::format("{} of |input|, by influence", share(f.bias_share))},
      {"check: sums", fmt::format("{:.1e} of sum |edges| at worst ({} nodes; allowed 1e-4)",
                                  graph.check.worst, graph.check.targets)},
      {"check: logits",
       fmt::format("{:.1e} from the real ones (allowed 1e-3)", graph.check.worst_logit)},
      {"cost", fmt::format("{:.1f} s, peak {:.2f} GB", f.seconds, peak_gb)}};
  return text_table(rows);
}

std::string checks_tables(const circuits::Graph& graph,
                          std::span<const circuits::Intervention> tests,
                          const circuits::GraphCircuit& circuit) {
  std::string text;
  if (!tests.empty()) {
    text += fmt::format(
        "\nInterventions on the {} features of most influence, activation x {}: what their\n"
        "edges foretell of their children against what happens; [what other features of\n"
        "the layer with the nearest activation do]\n",
        tests.size(), tests[0].strength);
    Rows rows = {{"mode", "r", "slope", "same sign", "|logit change|", "logit r"}};
    for (const circuits::InterventionSummary& s : circuits::summarise(tests))
      rows.push_back({std::string(circuits::freedom_name(s.freedom)),
                      figure(s.r) + " [" + figure(s.control_r) + "]", figure(s.slope),
                      figure(s.sign) + " [" + figure(s.control_sign) + "]",
                      figure(s.logit_change, 3) + " [" + figure(s.control_logit, 3) + "]",
                      figure(s.logit_r)});
    text += text_table(rows) + "\n\n";
    rows = {{"feature", "foretold", "constrained", "iterative", "free", "others, free"}};
    for (const circuits::Intervention& test : tests)
      rows.push_back({name_of(graph, test.node),
                      fmt::format("{:+.3f}", test.responses[0].logit_predicted),
                      fmt::format("{:+.3f}", test.responses[0].logit_measured),
                      fmt::format("{:+.3f}", test.responses[1].logit_measured),
                      fmt::format("{:+.3f}", test.responses[2].logit_measured),
                      figure(test.responses[2].control_logit, 3)});
    text += "Change of the first output's logit; of the others its mean size\n" + text_table(rows);
    text += "\n";
  }
  if (circuit.scores[0].features == 0)
    return text +
           "\nNo feature is left in the graph, so there is no circuit to test: what it shows is\n"
           "errors, audio and tokens. --node-share and --edge-share nearer to 1 keep more.";
  text += fmt::format(
      "\nThe circuit against rivals of {} features: faithfulness (these alone; 1 is all)\n"
      "and completeness (all but these; 0 is all), in the replacement model and the real one\n",
      circuit.scores[0].features);
  Rows rows = {{"circuit", "faithful", "complete", "free: faithful", "complete"}};
  for (const circuits::CircuitScore& s : circuit.scores)
    rows.push_back({s.name, figure(s.faithfulness), figure(s.completeness),
                    figure(s.free_faithfulness), figure(s.free_completeness)});
  text += text_table(rows);
  text += fmt::format(
      "\nrandom: {} draws ({} free), faithfulness {:.2f} to {:.2f}\n"
      "metric: {:.2f}, without features {:.2f}; free {:.2f} and {:.2f}, of which integrated\n"
      "gradients foretell a difference of {:.2f}\n"
      "minimality: {:.0f} % of the {} strongest matter more than 95 % of random features",
      circuit.draws, circuit.free_draws, circuit.random_low, circuit.random_high, circuit.all,
      circuit.none, circuit.free_all, circuit.free_none, circuit.integrated, 100 * circuit.needed,
      circuit.tested);
  return text;
}

}  // namespace otoscope::cli
