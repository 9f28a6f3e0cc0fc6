#include "otoscope/contexts/sets.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/store/store.h"

namespace otoscope::contexts {
namespace {

using Clips = std::vector<store::Clip>;

template <class Key>
void add_leak(std::vector<Leak>& leaks, const char* what, const Clips& a, const Clips& b,
              Key&& key) {
  std::set<std::string> of_a, common;
  for (const store::Clip& clip : a)
    if (std::string k = key(clip); !k.empty()) of_a.insert(std::move(k));
  for (const store::Clip& clip : b)
    if (std::string k = key(clip); of_a.contains(k)) common.insert(std::move(k));
  if (!common.empty())
    leaks.push_back({what, static_cast<int64_t>(common.size()), *common.begin()});
}

Clips chosen(Clips clips, const SelectOptions& options) {
  store::assign_splits(clips);
  const store::Split split = store::split_named(options.split);
  if (split != store::Split::all)
    std::erase_if(clips,
                  [&](const store::Clip& c) { return store::split_named(c.split) != split; });
  std::sort(clips.begin(), clips.end(), [](const store::Clip& x, const store::Clip& y) {
    return std::pair(name_hash(x.id), x.id) < std::pair(name_hash(y.id), y.id);
  });
  return clips;
}

void keep_first(Clips& clips, int64_t limit) {
  if (limit > 0 && static_cast<int64_t>(clips.size()) > limit)
    clips.resize(static_cast<size_t>(limit));
}

/// Both lists become those clips that have a partner, in one order.
int64_t pair_up(Clips& a, Clips& b) {
  std::map<std::string, const store::Clip*> of_b;
  for (const store::Clip& clip : b) of_b[clip.id] = &clip;
  Clips left, right;
  for (const store::Clip& clip : a) {
    const auto found = of_b.find(clip.id);
    if (found == of_b.end()) continue;
    left.push_back(clip);
    right.push_back(*found->second);
  }
  const auto lost = static_cast<int64_t>(a.size() + b.size() - 2 * left.size());
  a = std::move(left);
  b = std::move(right);
  return lost;
}

std::string group_of(const store::Clip& clip, bool by_speaker) {
  if (!clip.speech && !clip.source.empty()) return "source " + clip.source;
  return store::cluster_of(clip, by_speaker);
}

std::string told(const std::vector<Leak>& leaks) {
  std::string text;
  for (const Leak& leak : leaks)
    text += fmt::format("{}{} common {} ({}{})", text.empty() ? "" : ", ", leak.count, leak.what,
                        leak.example, leak.count > 1 ? ", …" : "");
  return text;
}

}  // namespace

std::vector<Leak> leaks_between(const ContextSet& a, const ContextSet& b) {
  std::vector<Leak> leaks;
  const Clips &of_a = a.manifest.clips, &of_b = b.manifest.clips;
  add_leak(leaks, "clips", of_a, of_b, [](const store::Clip& c) { return c.id; });
  if (leaks.empty())
    add_leak(leaks, "clips", of_a, of_b, [](const store::Clip& c) {
      return c.path.string() + "@" + std::to_string(c.offset_s);
    });
  add_leak(leaks, "speakers", of_a, of_b, [](const store::Clip& c) { return c.speaker; });
  add_leak(leaks, "sources", of_a, of_b, [](const store::Clip& c) { return c.source; });
  return leaks;
}

Items select_items(const ContextSet& a, const ContextSet& b, const SelectOptions& options) {
  Items items;
  items.paired = options.paired;
  std::vector<Leak> leaks = leaks_between(a, b);
  if (!options.paired && !leaks.empty()) {
    if (!options.force) {
      const bool clips = leaks.front().what == "clips";
      throw UserError(
          "--data",
          fmt::format("expected {} and {} to share no clips, speakers or sources, got {}", a.name,
                      b.name, told(leaks)),
          clips ? "the same clips in another recording are pairs: --paired; or --force"
                : "leave them out of one set, or --force");
    }
    items.leaks = leaks;
  }
  Clips first = chosen(a.manifest.clips, options), second = chosen(b.manifest.clips, options);
  if (options.paired) items.unpaired = pair_up(first, second);
  keep_first(first, options.limit);
  keep_first(second, options.limit);
  for (const auto& [set, clips] : {std::pair(&a, &first), std::pair(&b, &second)})
    if (clips->empty())
      throw UserError(set->name, "expected clips in the split " + options.split + ", got none",
                      options.paired ? "pairs are clips with equal ids in both sets"
                                     : "--split all takes them all");
  items.clips = first;
  items.clips.insert(items.clips.end(), second.begin(), second.end());
  items.by_speaker = store::clusters_by_speaker(items.clips);
  std::vector<uint8_t> context;
  std::vector<std::string> group, source;
  for (size_t i = 0; i < items.clips.size(); ++i) {
    const store::Clip& clip = items.clips[i];
    context.push_back(i < first.size() ? 0 : 1);
    // The partner of a clip without speaker and prompt has another path.
    const size_t as = options.paired && i >= first.size() ? i - first.size() : i;
    group.push_back(group_of(items.clips[as], items.by_speaker));
    source.push_back(clip.source.empty() ? clip.speaker : clip.source);
    items.content.push_back(options.paired           ? clip.id
                            : clip.prompt_id.empty() ? std::string()
                                                     : clip.prompt_id + " " + clip.language);
  }
  items.design = make_design(context, group, source);
  const Exchange exchange(items.design);
  for (const uint8_t which : {uint8_t{0}, uint8_t{1}})
    if (const int64_t groups = exchange.groups_of(which) + exchange.groups_in_both(); groups < 2)
      throw UserError(which == 0 ? a.name : b.name,
                      fmt::format("expected at least 2 independent groups (speakers, prompts or "
                                  "sources), got {}",
                                  groups),
                      "no interval and no test can be had of one group");
  return items;
}

}  // namespace otoscope::contexts
