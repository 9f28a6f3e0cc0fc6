#include "otoscope/circuits/trace.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/step_record.h"
#include "cli/verb.h"
#include "otoscope/circuits/export.h"
#include "otoscope/circuits/group.h"
#include "otoscope/circuits/listen.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/model/decode.h"

namespace otoscope::cli {
namespace {

struct TraceVerbOptions {
  std::string model, out = "graph.json", language, group;
  std::vector<std::string> transcoders, contrast;
  std::vector<int> span;
  int token = 0, draw = 60;
  double offset = 0, duration = 0;
  circuits::TraceOptions trace;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("model", o.model, "the model that is traced");
    v("transcoders", o.transcoders,
      "folders of transcoders, one a block, or a folder of such folders");
    v("token", o.token, "which token of the transcript is explained, from 0", Range{0, 448});
    v("contrast", o.contrast, "A,B: why token A rather than B there, as text or as ids");
    v("span", o.span, "FIRST,END: tokens of the transcript explained together");
    v("out", o.out, "the graph; .graphml and .html are written beside it");
    v("language", o.language, "code of the language spoken; detected if not given");
    v("offset", o.offset, "seconds of the recording to leave out", Range{0, 1e6});
    v("duration", o.duration, "seconds to listen to, 0 = to the end of the window", Range{0, 30});
    v("group", o.group, "supernodes: label, SECONDS of audio, or a file of 'LABEL: ID ID ...'");
    v("draw", o.draw, "features drawn on the page", Range{1, 2000});
    circuits::TraceOptions::visit(o.trace, v);
  }
};

std::vector<sae::Sae> load_all(const std::vector<std::string>& folders) {
  std::vector<sae::Sae> saes;
  for (const std::filesystem::path folder : folders) {
    if (std::filesystem::exists(folder / "cfg.json")) {
      saes.push_back(sae::load(folder));
      continue;
    }
    std::vector<std::filesystem::path> inside;
    if (std::filesystem::is_directory(folder))
      for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.path().filename() == "cfg.json") inside.push_back(entry.path().parent_path());
    if (inside.empty())
      throw UserError(folder.string(), "expected transcoders (cfg.json), got none");
    std::sort(inside.begin(), inside.end());
    for (const auto& path : inside) saes.push_back(sae::load(path));
  }
  return saes;
}

/// An id, or text that is one token with or without a space before it.
int64_t token_of(const std::string& text, const model::Tokenizer& tokenizer) {
  int64_t id = 0;
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, id).ptr == end) return id;
  for (const std::string& spelling : {" " + text, text}) {
    const std::vector<int64_t> ids = tokenizer.encode(spelling);
    if (ids.size() == 1) return ids[0];
  }
  throw UserError("--contrast", "expected one token, got '" + text + "', which is several",
                  "give its id; transcribe --json shows ids");
}

class Trace : public VerbWith<TraceVerbOptions> {
 public:
  std::string usage() const override { return "AUDIO"; }
  std::string example() const override {
    return "trace speech.wav --model whisper-base --transcoders runs/transcoders --token 2 "
           "--out graph.json";
  }
  std::pair<int, int> positional() const override { return {1, 1}; }

  int run(const Context& context) override {
    if (options_.model.empty()) throw UserError("--model", "expected a model, got none");
    if (options_.transcoders.empty())
      throw UserError("--transcoders", "expected folders of transcoders, got none",
                      "train --activations IN --target OUT makes them; with SAEs of the stream "
                      "alone there is attribution, not an exact graph");
    const auto model = model::Whisper::load(options_.model, {}, context.progress);
    const auto tokenizer = model::load_tokenizer(model, context.progress);
    const circuits::Transcoders transcoders(load_all(options_.transcoders), model.dims());
    const circuits::Heard heard =
        circuits::listen(model, tokenizer, context.arguments[0], options_.offset, options_.duration,
                         options_.language);

    // The sequence up to the token before the last one explained.
    int64_t first = heard.prompt + options_.token, last = first + 1;
    if (!options_.span.empty()) {
      if (options_.span.size() != 2)
        throw UserError("--span", "expected FIRST,END, got " +
                                      std::to_string(options_.span.size()) + " numbers");
      first = heard.prompt + options_.span[0], last = heard.prompt + options_.span[1];
    }
    const auto written = static_cast<int64_t>(heard.tokens.size());
    if (first < heard.prompt || last <= first || last > written)
      throw UserError(options_.span.empty() ? "--token" : "--span",
                      "expected tokens below " + std::to_string(written - heard.prompt) + ", got " +
                          std::to_string(first - heard.prompt) + " to " +
                          std::to_string(last - heard.prompt));
    const std::vector<int64_t> tokens(heard.tokens.begin(), heard.tokens.begin() + last - 1);
    model::FrozenModel frozen(model, heard.mel,
                              {tokens.data(), Shape{1, static_cast<int64_t>(tokens.size())}},
                              heard.frames);
    const View<const float> logits =
        frozen.value({model::Stack::decoder, model::Point::logits, -1});
    std::vector<circuits::LogitTarget> targets;
    if (!options_.span.empty()) {
      targets = circuits::span_targets(logits, tokenizer, heard.tokens, first, last);
    } else if (!options_.contrast.empty()) {
      if (options_.contrast.size() != 2)
        throw UserError("--contrast",
                        "expected two tokens, got " + std::to_string(options_.contrast.size()));
      targets.assign(
          1, circuits::contrast_target(logits, tokenizer, token_of(options_.contrast[0], tokenizer),
                                       token_of(options_.contrast[1], tokenizer)));
    } else {
      targets = circuits::likely_targets(logits, tokenizer, options_.trace.logit_share,
                                         options_.trace.max_logits);
    }
    circuits::Graph graph =
        circuits::trace(frozen, model, transcoders, targets, options_.trace, context.progress);
    circuits::name_tokens(graph, tokens, tokenizer);
    circuits::name_features(graph, transcoders);
    graph.model = options_.model;
    graph.audio = std::filesystem::path(context.arguments[0]).filename().string();
    graph.target_text = "'" + targets[0].text + "' after '" + tokenizer.decode(tokens) + "'";
    if (transcoders.size() < transcoders.layers())
      graph.notes.push_back(std::to_string(transcoders.layers() - transcoders.size()) + " of " +
                            std::to_string(transcoders.layers()) +
                            " MLPs have no transcoder and are error nodes");
    group(graph);
    write(graph, heard, tokenizer.decode(tokens));
    report(graph, context);
    return 0;
  }

 private:
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

  void write(const circuits::Graph& graph, const circuits::Heard& heard,
             const std::string& prompt) const {
    const std::filesystem::path out = options_.out;
    circuits::ExportInfo info;
    info.slug = out.stem().string();
    info.scan = options_.model;
    info.prompt = prompt;
    info.node_threshold = options_.trace.node_share,
    info.edge_threshold = options_.trace.edge_share;
    info.max_logits = options_.trace.max_logits, info.logit_share = options_.trace.logit_share;
    info.max_nodes = options_.trace.max_nodes;
    info.created_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
    if (!out.parent_path().empty()) io::make_folder(out.parent_path());
    io::write_json(out, circuits::neuronpedia_json(graph, info));
    io::write_file(std::filesystem::path(out).replace_extension(".graphml"),
                   circuits::graphml(graph));
    io::write_file(std::filesystem::path(out).replace_extension(".html"),
                   circuits::graph_page(graph, info, heard.mel.view().sub(0), options_.draw));
  }

  void report(const circuits::Graph& graph, const Context& context) const {
    const circuits::GraphFigures& f = graph.figures;
    nlohmann::ordered_json json = {{"graph", options_.out},
                                   {"target", graph.target_text},
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
                                   {"worst_sum", graph.check.worst},
                                   {"worst_logit", graph.check.worst_logit},
                                   {"checks_hold", graph.check.holds()},
                                   {"seconds", f.seconds},
                                   {"peak_memory_bytes", peak_memory_bytes()}};
    if (context.common.json) {
      context.print(json.dump(1));
    } else {
      std::vector<std::vector<std::string>> rows = {{"figure", "value"}};
      for (const auto& [key, value] : json.items())
        rows.push_back({key, value.is_string() ? value.get<std::string>() : value.dump()});
      context.print(text_table(rows));
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
