#include "contexts/json.h"

#include <nlohmann/json.hpp>

namespace otoscope::contexts {
namespace {

using io::OrderedJson;

const char* name_of(Level level) {
  switch (level) {
    case Level::none:
      return "none";
    case Level::differ:
      return "differ";
    case Level::beyond_nuisances:
      return "beyond nuisances";
    case Level::learned:
      return "learned";
    case Level::behaviour:
      return "behaviour";
    case Level::mediated:
      return "mediated";
    case Level::unclear:
      break;
  }
  return "no verdict";
}

OrderedJson shift_json(const Shift& shift) {
  return {{"first", io::to_json(shift.first)},
          {"second", io::to_json(shift.second)},
          {"difference", io::to_json(shift.difference)}};
}

}  // namespace

OrderedJson to_json(const Classified& test) {
  return {{"auroc", io::to_json(test.auroc)},
          {"p", test.p},
          {"smallest_p", test.smallest_p},
          {"permutations", test.permutations},
          {"critical_auroc", test.critical},
          {"detectable_auroc", test.detectable},
          {"power", .8}};
}

OrderedJson to_json(const Discrepancy& mmd) {
  const auto at = [](const Discrepancy::At& one) {
    return OrderedJson{{"bandwidth", one.bandwidth}, {"mmd2", one.mmd2}, {"p", one.p}};
  };
  return {{"half", at(mmd.half)},
          {"median", at(mmd.median)},
          {"twice", at(mmd.twice)},
          {"smallest_p", mmd.smallest_p}};
}

OrderedJson to_json(const SourceOut& sources) {
  if (!sources.impossible.empty()) return {{"impossible", sources.impossible}};
  return {{"auroc", io::to_json(sources.auroc)}, {"rounds", sources.rounds}};
}

OrderedJson to_json(const ColumnDifference& c) {
  return {{"difference", io::to_json(c.difference)},
          {"mean_first", c.first},
          {"standardised", c.standardised},
          {"auroc", c.auroc},
          {"z", c.z},
          {"p", c.p},
          {"q", c.q},
          {"p_family", c.p_family}};
}

OrderedJson to_json(const Explained& e) {
  return {{"difference", io::to_json(e.raw)},
          {"left", io::to_json(e.left)},
          {"share_left", io::to_json(e.share)}};
}

OrderedJson to_json(const Behaviour& b) {
  return {{"content", b.content},
          {"clips", {b.clips[0], b.clips[1]}},
          {"words", {b.words[0], b.words[1]}},
          {"wer", shift_json(b.wer)},
          {"text_without_speech", shift_json(b.wrote)},
          {"empty", shift_json(b.empty)},
          {"looping", shift_json(b.looping)}};
}

OrderedJson to_json(const SameIntervention& i) {
  return {{"content", i.content},
          {"wer_effect", shift_json(i.wer)},
          {"text_without_speech_effect", shift_json(i.wrote)}};
}

OrderedJson to_json(const SideCircuits& sides) {
  const CircuitOverlap& o = sides.overlap;
  OrderedJson json{{"site", sides.site},
                   {"metric", sides.metric},
                   {"size", o.size},
                   {"clips", {o.clips[0], o.clips[1]}},
                   {"clusters", {o.clusters[0], o.clusters[1]}},
                   {"within_first", io::to_json(o.within[0])},
                   {"within_second", io::to_json(o.within[1])},
                   {"across", io::to_json(o.across)},
                   {"lost", io::to_json(o.lost)},
                   {"chance", o.chance},
                   {"all_clips", o.whole},
                   {"correlation", o.correlation}};
  for (const size_t c : {size_t{0}, size_t{1}}) {
    OrderedJson& list = json[c == 0 ? "first" : "second"] = OrderedJson::array();
    for (const circuits::FeatureEffect& f : sides.top[c])
      list.push_back({{"feature", f.feature}, {"effect", io::to_json(f.effect)}});
  }
  return json;
}

OrderedJson to_json(const Directed& directed) {
  const auto moved = [](const Moved& m) {
    return OrderedJson{{"dose", m.dose}, {"moved", m.moved}, {"effect", io::to_json(m.effect)}};
  };
  OrderedJson json{{"behaviour", directed.behaviour},
                   {"clips", {directed.clips[0], directed.clips[1]}},
                   {"words", {directed.words[0], directed.words[1]}},
                   {"arms", OrderedJson::array()}};
  for (const DirectionArm& arm : directed.arms) {
    OrderedJson one{{"name", arm.name}, {"features", arm.features}, {"toward", {}}};
    for (const Moved& m : arm.toward) one["toward"].push_back(moved(m));
    one["back"] = moved(arm.back);
    one["random_directions"] = arm.controls;
    one["p"] = arm.p;
    json["arms"].push_back(std::move(one));
  }
  return json;
}

OrderedJson to_json(const Verdict& verdict) {
  return {{"level", name_of(verdict.level)},
          {"sentence", verdict.sentence},
          {"because", verdict.because},
          {"answers",
           {{"detectability", verdict.detectability},
            {"behaviour", verdict.behaviour},
            {"controllability", verdict.controllability}}}};
}

}  // namespace otoscope::contexts
