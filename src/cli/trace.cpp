#include "otoscope/circuits/trace.h"

#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/step_record.h"
#include "cli/trace_input.h"
#include "cli/trace_over.h"
#include "cli/trace_print.h"
#include "cli/verb.h"
#include "otoscope/circuits/export.h"
#include "otoscope/circuits/group.h"
#include "otoscope/circuits/intervene.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/model/decode.h"

namespace otoscope::cli {
namespace {

struct TraceVerbOptions {
  std::string model, out = "graph.json", language, group;
  std::vector<std::string> transcoders;
  TraceChoice choice;
  int draw = 60, check = 0, check_controls = 2;
  double offset = 0, duration = 0, strength = 0;
  circuits::CircuitTestOptions test;
  circuits::TraceOptions trace;
  OverOptions over;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("model", o.model, "the model that is traced");
    v("transcoders", o.transcoders,
      "folders of transcoders, one a block, of a cross-layer transcoder, or a folder of such "
      "folders");
    v("token", o.choice.token, "which token of the transcript is explained, from 0", Range{0, 448});
    v("contrast", o.choice.contrast, "A,B: why token A rather than B there, as text or as ids");
    v("span", o.choice.span, "FIRST,END: tokens of the transcript explained together");
    v("out", o.out, "the graph, .json; .graphml, .html and .checks.json are written beside it");
    v("language", o.language, "code of the language spoken; detected if not given");
    v("offset", o.offset, "seconds of the recording to leave out", Range{0, 1e6});
    v("duration", o.duration, "seconds to listen to, 0 = to the end of the window", Range{0, 30});
    v("group", o.group, "supernodes: label, SECONDS of audio, or a file of 'LABEL: ID ID ...'");
    v("draw", o.draw, "features drawn on the page", Range{1, 2000});
    v("check", o.check,
      "edit so many features of most influence and compare what follows with their edges, and test "
      "the graph as a circuit; 0 = only the sums are checked",
      Range{0, 1000});
    v("strength", o.strength, "of those edits, times the activation: 0 ablates, -1 flips",
      Range{-100, 100});
    v("check-controls", o.check_controls, "other features edited for each", Range{1, 100});
    v("check-draws", o.test.draws, "random circuits", Range{1, 1000});
    v("check-draws-free", o.test.free_draws, "of them in the real model too", Range{1, 1000});
    v("check-steps", o.test.steps, "steps of integrated gradients", Range{1, 1000});
    v("check-removed", o.test.tested, "features removed one by one", Range{1, 1000});
    circuits::TraceOptions::visit(o.trace, v);
    OverOptions::visit(o.over, v);
  }
};

struct Checks {
  std::vector<circuits::Intervention> interventions;
  circuits::GraphCircuit circuit;
};

class Trace : public VerbWith<TraceVerbOptions> {
 public:
  std::string usage() const override { return "[AUDIO]"; }
  std::string example() const override {
    return "trace speech.wav --model whisper-base --transcoders runs/transcoders --token 2 "
           "--check 12 --out graph.json";
  }
  std::pair<int, int> positional() const override { return {0, 1}; }

  int run(const Context& context) override {
    require(context.arguments.size());
    if (!options_.over.over.empty()) {
      trace_over(options_.model, options_.over, options_.out, context);
      return 0;
    }
    const auto model = model::Whisper::load(options_.model, {}, context.progress);
    const auto tokenizer = model::load_tokenizer(model, context.progress);
    const circuits::Transcoders transcoders = load_transcoders(options_.transcoders, model.dims());
    const circuits::Heard heard =
        circuits::listen(model, tokenizer, context.arguments[0], options_.offset, options_.duration,
                         options_.language);
    // The sequence up to the token before the last one explained.
    const int64_t end = chosen_tokens(heard, options_.choice).second;
    const std::vector<int64_t> tokens(heard.tokens.begin(), heard.tokens.begin() + end - 1);
    const View<const int64_t> given{tokens.data(), Shape{1, static_cast<int64_t>(tokens.size())}};
    model::FrozenModel frozen(model, heard.mel, given, heard.frames);
    const View<const float> logits =
        frozen.value({model::Stack::decoder, model::Point::logits, -1});
    const std::vector<circuits::LogitTarget> targets =
        chosen_targets(logits, tokenizer, heard, options_.choice, options_.trace);
    options_.trace.first_token = heard.prompt - 1;
    circuits::Graph graph =
        circuits::trace(frozen, model, transcoders, targets, options_.trace, context.progress);
    const double peak_gb = static_cast<double>(peak_memory_bytes()) / 1e9;
    circuits::name_tokens(graph, tokens, tokenizer);
    circuits::name_features(graph, transcoders);
    const auto whole = std::filesystem::path(options_.model).lexically_normal();
    graph.model = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
    graph.audio = std::filesystem::path(context.arguments[0]).filename().string();
    graph.target_text = "'" + targets[0].text + "' after '" + tokenizer.decode(tokens) + "'";
    if (transcoders.size() < transcoders.layers())
      graph.notes.push_back(std::to_string(transcoders.layers() - transcoders.size()) + " of " +
                            std::to_string(transcoders.layers()) +
                            " MLPs have no transcoder and are error nodes");
    group(graph);

    std::optional<Checks> checks;
    if (options_.check > 0) {
      circuits::InterventionOptions edits;
      edits.nodes = options_.check, edits.strength = options_.strength;
      edits.controls = options_.check_controls, edits.seed = context.common.seed;
      options_.test.seed = context.common.seed;
      checks.emplace();
      checks->interventions = circuits::intervene(frozen, model, heard.mel, given, transcoders,
                                                  targets, graph, edits, context.progress);
      checks->circuit = circuits::test_circuit(frozen, model, heard.mel, given, transcoders,
                                               targets, graph, options_.test, context.progress);
    }
    write(graph, heard, tokenizer.decode(tokens), checks);
    report(graph, checks, peak_gb, context);
    return 0;
  }

 private:
  void require(size_t recordings) const {
    const bool over = !options_.over.over.empty();
    if (options_.model.empty()) throw UserError("--model", "expected a model, got none");
    if (over == (recordings == 1))
      throw UserError("trace", "expected a recording or --over a corpus, got " +
                                   std::string(over ? "both" : "neither"));
    if (options_.transcoders.empty() && !over)
      throw UserError("--transcoders", "expected folders of transcoders, got none",
                      "train --activations IN --target OUT makes them; with SAEs of the stream "
                      "alone there is attribution, not an exact graph");
    if (std::filesystem::path(options_.out).extension() != ".json")
      throw UserError("--out", "expected a file .json, got " + options_.out,
                      "the other files are named after it");
  }

  std::filesystem::path beside(const char* extension) const {
    return std::filesystem::path(options_.out).replace_extension(extension);
  }

  void group(circuits::Graph& graph) const {
    if (options_.group.empty()) return;
    double seconds = 0;
    const char* end = options_.group.data() + options_.group.size();
    if (options_.group == "label")
      circuits::set_groups(graph, circuits::group_by_label(graph));
    else if (std::from_chars(options_.group.data(), end, seconds).ptr == end)
      circuits::set_groups(graph, circuits::group_by_time(graph, seconds));
    else
      circuits::set_groups(
          graph,
          circuits::group_by_hand(graph, io::read_file(options_.group, 1 << 20), options_.group));
  }

  void write(const circuits::Graph& graph, const circuits::Heard& heard, const std::string& prompt,
             const std::optional<Checks>& checks) const {
    circuits::ExportInfo info;
    info.slug = std::filesystem::path(options_.out).stem().string();
    info.scan = graph.model;
    info.prompt = prompt;
    info.node_threshold = options_.trace.node_share;
    info.edge_threshold = options_.trace.edge_share;
    info.max_logits = options_.trace.max_logits;
    info.logit_share = options_.trace.logit_share;
    info.max_nodes = options_.trace.max_nodes;
    info.created_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
    const std::filesystem::path folder = std::filesystem::path(options_.out).parent_path();
    if (!folder.empty()) io::make_folder(folder);
    io::write_json(options_.out, circuits::neuronpedia_json(graph, info));
    io::write_file(beside(".graphml"), circuits::graphml(graph));
    io::write_file(beside(".html"),
                   circuits::graph_page(graph, info, heard.mel.view().sub(0), options_.draw));
    if (checks)
      io::write_json(beside(".checks.json"),
                     circuits::checks_json(graph, checks->interventions, checks->circuit));
  }

  void report(const circuits::Graph& graph, const std::optional<Checks>& checks, double peak_gb,
              const Context& context) const {
    if (context.common.json) {
      nlohmann::ordered_json json = {{"graph", options_.out}};
      json.update(graph_figures(graph));
      json["peak_memory_bytes"] = static_cast<int64_t>(peak_gb * 1e9);
      if (checks)
        json["checks"] = circuits::checks_json(graph, checks->interventions, checks->circuit);
      context.print(json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    } else {
      context.print(graph_table(graph, peak_gb));
      if (checks) context.print(checks_tables(graph, checks->interventions, checks->circuit));
      context.print("\nwritten: " + options_.out + ", " + beside(".html").filename().string() +
                    ", " + beside(".graphml").filename().string() +
                    (checks ? ", " + beside(".checks.json").filename().string() : ""));
    }
    if (!graph.check.holds())
      throw ConditionFailed(options_.out,
                            "expected sums within 1e-4 and logits within 1e-3, got " +
                                std::to_string(graph.check.worst) + " and " +
                                std::to_string(graph.check.worst_logit),
                            "the files are written; this graph is not exact");
  }
};

}  // namespace

std::unique_ptr<Verb> make_trace() { return std::make_unique<Trace>(); }

}  // namespace otoscope::cli
