#include "steer/suppress/measure.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::steer {

using io::OrderedJson;

OrderedJson share_json(const Share& share) {
  return {{"wilson", io::to_json(share.wilson)}, {"by_source", io::to_json(share.by_source)}};
}

OrderedJson rates_json(std::span<const SoundWindow> windows, std::span<const Heard> heard,
                       uint64_t seed, int replicates) {
  std::vector<uint8_t> raw, filtered;
  for (const Heard& h : heard) {
    raw.push_back(h.wrote() ? 1 : 0);
    filtered.push_back(h.kept() ? 1 : 0);
  }
  return {{"raw", share_json(share_of(windows, raw, seed, replicates))},
          {"filtered", share_json(share_of(windows, filtered, seed, replicates))}};
}

OrderedJson measurement_json(std::span<const SoundWindow> windows, std::span<const Heard> heard,
                             uint64_t seed, int replicates) {
  OrderedJson json = rates_json(windows, heard, seed, replicates);
  std::map<std::string, std::pair<std::vector<SoundWindow>, std::vector<Heard>>> kinds;
  std::map<std::string, int64_t> languages;
  int64_t looping = 0;
  for (size_t i = 0; i < windows.size(); ++i) {
    auto& [some, texts] = kinds[windows[i].clip.kind.empty() ? "unknown" : windows[i].clip.kind];
    some.push_back(windows[i]);
    texts.push_back(heard[i]);
    ++languages[heard[i].language];
    looping += heard[i].compression > 2.4 ? 1 : 0;  // openai-whisper's bound
  }
  json["looping"] = looping;
  json["kinds"] = OrderedJson::array();
  for (const auto& [kind, some] : kinds) {
    OrderedJson one{{"kind", kind}};
    one.update(rates_json(some.first, some.second, seed, replicates));
    json["kinds"].push_back(std::move(one));
  }
  json["texts"] = OrderedJson::array();
  for (const TextCount& count : frequent_texts(windows, heard))
    json["texts"].push_back(
        {{"text", count.text}, {"windows", count.windows}, {"sources", count.sources}});
  std::vector<std::pair<int64_t, std::string>> order;
  for (const auto& [language, n] : languages) order.emplace_back(-n, language);
  std::sort(order.begin(), order.end());
  json["languages"] = OrderedJson::object();
  for (const auto& [n, language] : order) json["languages"][language] = -n;
  return json;
}

OrderedJson guard_json(const Guard& guard, double limit) {
  const auto words_for = [&](double margin) {
    const double words = guard.words_for(margin);
    return std::isfinite(words) ? OrderedJson(std::ceil(words)) : OrderedJson();
  };
  return {{"wer", io::to_json(guard.wer)},
          {"clean_wer", io::to_json(guard.clean_wer)},
          {"rise", io::to_json(guard.rise)},
          {"emptied", io::to_json(guard.emptied)},
          {"changed", guard.changed},
          {"clips", guard.clips},
          {"words", guard.words},
          {"limit", limit},
          {"shown", guard.holds(limit)},
          {"words_for_half_a_point", words_for(.005)},
          {"words_for_0.3_points", words_for(.003)}};
}

}  // namespace otoscope::steer
