#include "otoscope/circuits/intervene.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "circuits/free_run.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"

namespace otoscope::circuits {
namespace {

using model::Site;
using Gate = Replacement::Gate;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// Multiplies one node's activations.
Gate edit_of(const Sources& sources, const Node& node, size_t id, double strength) {
  const auto factor = static_cast<float>(strength);
  // Clamped to the recorded value times the strength: what reaches the node after the edit does
  // not move it again.
  std::vector<std::pair<int64_t, float>> values;
  for (const Sources::Member& member : sources.members[id])
    values.emplace_back(member.position, member.value * factor);
  const int layer = node.layer;
  const int32_t feature = node.feature;
  return [layer, feature, values](int l, int64_t t, int32_t f, float value) {
    if (l != layer || f != feature) return value;
    const auto found = std::find_if(values.begin(), values.end(),
                                    [t](const auto& entry) { return entry.first == t; });
    return found == values.end() ? value : found->second;
  };
}

struct Agreement {
  double r = 0, slope = 0, sign = 0;
};

/// Pearson's r, the slope of y on x, the share of equal signs.
Agreement compare(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  double mx = 0, my = 0, xx = 0, yy = 0, xy = 0, same = 0;
  for (size_t i = 0; i < x.size(); ++i) mx += x[i] / n, my += y[i] / n;
  for (size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
    xy += (x[i] - mx) * (y[i] - my);
    same += (x[i] > 0) == (y[i] > 0);
  }
  const bool enough = static_cast<int64_t>(x.size()) >= kFewChildren;
  // What never moves does not follow: r is 0 then.
  return {!enough            ? kNone
          : xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy)
                             : 0.0,
          enough && xx > 0 ? xy / xx : kNone, n > 0 ? same / n : kNone};
}

/// Of what could be measured; NaN where nothing could.
class Mean {
 public:
  void add(double x) {
    if (!std::isnan(x)) sum_ += x, ++n_;
  }
  double value() const { return n_ > 0 ? sum_ / static_cast<double>(n_) : kNone; }

 private:
  double sum_ = 0;
  int64_t n_ = 0;
};

class Interventions {
 public:
  Interventions(const model::FrozenModel& frozen, const model::Whisper& model,
                View<const float> mel, View<const int64_t> tokens, const Transcoders& transcoders,
                std::span<const LogitTarget> targets, const Graph& graph)
      : graph_(graph),
        sources_(list_sources(frozen, transcoders, graph.pool, graph.gap, graph.first_token)),
        replacement_(frozen, transcoders, sources_),
        free_(frozen, model, mel, tokens, transcoders, replacement_),
        reader_(model, transcoders, sources_, targets, graph) {
    OTO_ASSERT(sources_.nodes.size() + targets.size() == graph.nodes.size());
    const Gate same = [](int, int64_t, int32_t, float value) { return value; };
    before_.push_back(measured(Freedom::constrained, same));
    before_.push_back(measured(Freedom::iterative, same));
    before_.push_back(measured(Freedom::free, same));
  }

  Intervention test(int node, const InterventionOptions& options, Rng& rng) const {
    Intervention out;
    out.node = node, out.strength = options.strength;
    // Children, and what the edges foretell of them.
    std::vector<size_t> children;
    std::vector<double> predicted;
    for (size_t t = 0; t < graph_.nodes.size(); ++t)
      for (const Edge& edge : graph_.adjacency.rows[t])
        if (edge.source == node) {
          children.push_back(t);
          predicted.push_back((options.strength - 1) * edge.weight);
        }
    const std::vector<int> others = controls_of(node, options.controls, rng);
    for (const Freedom freedom : {Freedom::constrained, Freedom::iterative, Freedom::free}) {
      throw_if_interrupted();
      Response response;
      response.freedom = freedom;
      response.children = static_cast<int64_t>(children.size());
      const std::vector<double> change = changes(node, options.strength, freedom);
      std::vector<double> seen;
      seen.reserve(children.size());
      for (const size_t t : children) seen.push_back(change[t]);
      const Agreement own = compare(predicted, seen);
      response.r = own.r, response.slope = own.slope, response.sign = own.sign;
      const auto logit = static_cast<size_t>(reader_.first_logit());
      response.logit_measured = change[logit];
      for (size_t i = 0; i < children.size(); ++i)
        if (children[i] == logit) response.logit_predicted = predicted[i];
      if (others.empty())
        response.control_r = response.control_sign = response.control_logit = kNone;
      for (const int other : others) {
        const std::vector<double> its = changes(other, options.strength, freedom);
        std::vector<double> control;
        control.reserve(children.size());
        for (const size_t t : children) control.push_back(its[t]);
        const Agreement chance = compare(predicted, control);
        const auto count = static_cast<double>(others.size());
        response.control_r += chance.r / count;
        response.control_sign += chance.sign / count;
        response.control_logit += std::fabs(its[logit]) / count;
      }
      response.controls = static_cast<int64_t>(others.size());
      out.responses.push_back(response);
    }
    return out;
  }

 private:
  std::vector<double> changes(int node, double strength, Freedom freedom) const {
    const auto id = static_cast<size_t>(node);
    std::vector<double> values =
        measured(freedom, edit_of(sources_, graph_.nodes[id], id, strength));
    const std::vector<double>& base = before_[static_cast<size_t>(freedom)];
    for (size_t i = 0; i < values.size(); ++i) values[i] -= base[i];
    return values;
  }

  std::vector<double> measured(Freedom freedom, const Gate& gate) const {
    if (freedom == Freedom::free) return measured_free(gate);
    const auto values =
        freedom == Freedom::constrained ? replacement_.constrained(gate) : replacement_.run(gate);
    return reader_.read([&](const Site& site) { return values.at(site); });
  }

  std::vector<double> measured_free(const Gate& gate) const {
    const model::Recorder seen = free_.run(gate, true);
    return reader_.read([&](const Site& site) { return seen.last(site).view().sub(0); });
  }

  /// Nodes of other features of the same layer, some of the 20 with the nearest activation.
  std::vector<int> controls_of(int node, int count, Rng& rng) const {
    const Node& of = graph_.nodes[static_cast<size_t>(node)];
    std::vector<std::pair<double, int>> near;
    for (size_t i = 0; i < static_cast<size_t>(sources_.features); ++i) {
      const Node& other = graph_.nodes[i];
      if (other.layer != of.layer || other.feature == of.feature) continue;
      near.emplace_back(std::fabs(other.activation - of.activation), static_cast<int>(i));
    }
    std::sort(near.begin(), near.end());
    if (near.size() > 20) near.resize(20);
    std::vector<int> chosen;
    const std::vector<int64_t> order = rng.permutation(static_cast<int64_t>(near.size()));
    for (size_t i = 0; i < order.size() && static_cast<int>(i) < count; ++i)
      chosen.push_back(near[static_cast<size_t>(order[i])].second);
    return chosen;
  }

  const Graph& graph_;
  const Sources sources_;
  const Replacement replacement_;
  const FreeModel free_;
  const TargetReader reader_;
  std::vector<std::vector<double>> before_;  // by freedom
};

}  // namespace

std::string_view freedom_name(Freedom freedom) {
  return freedom == Freedom::constrained ? "constrained"
         : freedom == Freedom::iterative ? "iterative"
                                         : "free";
}

std::vector<InterventionSummary> summarise(std::span<const Intervention> tests) {
  std::vector<InterventionSummary> out;
  for (const Freedom freedom : {Freedom::constrained, Freedom::iterative, Freedom::free}) {
    InterventionSummary sum;
    sum.freedom = freedom;
    std::vector<double> predicted, measured;
    Mean r, slope, sign, change, control_r, control_sign, control_logit;
    for (const Intervention& test : tests) {
      const Response& one = test.responses.at(static_cast<size_t>(freedom));
      ++sum.nodes;
      sum.controls += one.controls;
      sum.correlated += std::isnan(one.r) ? 0 : 1;
      r.add(one.r), slope.add(one.slope), sign.add(one.sign);
      change.add(std::fabs(one.logit_measured));
      control_r.add(one.control_r), control_sign.add(one.control_sign);
      control_logit.add(one.control_logit);
      predicted.push_back(one.logit_predicted);
      measured.push_back(one.logit_measured);
    }
    sum.r = r.value(), sum.slope = slope.value(), sum.sign = sign.value();
    sum.logit_change = change.value();
    sum.control_r = control_r.value(), sum.control_sign = control_sign.value();
    sum.control_logit = control_logit.value();
    sum.logit_r = compare(predicted, measured).r;
    out.push_back(sum);
  }
  return out;
}

std::vector<Intervention> intervene(const model::FrozenModel& frozen, const model::Whisper& model,
                                    View<const float> mel, View<const int64_t> tokens,
                                    const Transcoders& transcoders,
                                    std::span<const LogitTarget> targets, const Graph& graph,
                                    const InterventionOptions& options, Progress& progress) {
  std::vector<int> nodes;
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    if (graph.pruned.node[i] && graph.nodes[i].kind == NodeKind::feature)
      nodes.push_back(static_cast<int>(i));
  std::stable_sort(nodes.begin(), nodes.end(), [&](int a, int b) {
    return graph.nodes[static_cast<size_t>(a)].influence >
           graph.nodes[static_cast<size_t>(b)].influence;
  });
  if (static_cast<int>(nodes.size()) > options.nodes)
    nodes.resize(static_cast<size_t>(options.nodes));
  const Interventions all(frozen, model, mel, tokens, transcoders, targets, graph);
  Rng rng(options.seed, "controls of interventions");
  std::vector<Intervention> out;
  progress.start("interventions", static_cast<int64_t>(nodes.size()), "nodes");
  for (const int node : nodes) {
    out.push_back(all.test(node, options, rng));
    progress.advance(static_cast<int64_t>(out.size()));
  }
  progress.finish();
  return out;
}

}  // namespace otoscope::circuits
