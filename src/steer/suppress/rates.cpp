/// Rates of text on sound without speech, and what an edit costs on speech.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "otoscope/model/wer.h"
#include "otoscope/steer/hallucination.h"

namespace otoscope::steer {
namespace {

/// Numbers the clusters in the order in which they come.
std::vector<size_t> cluster_numbers(std::span<const SoundWindow> windows, size_t& clusters) {
  std::map<std::string, size_t> number;
  std::vector<size_t> of;
  for (const SoundWindow& window : windows)
    of.push_back(number.try_emplace(window.cluster, number.size()).first->second);
  clusters = number.size();
  return of;
}

}  // namespace

Share share_of(std::span<const SoundWindow> windows, const std::vector<uint8_t>& event,
               uint64_t seed, int replicates) {
  OTO_ASSERT(windows.size() == event.size());
  size_t clusters = 0;
  const std::vector<size_t> of = cluster_numbers(windows, clusters);
  std::vector<double> hits(clusters, 0), all(clusters, 0);
  int64_t total = 0;
  for (size_t i = 0; i < windows.size(); ++i) {
    hits[of[i]] += event[i] != 0 ? 1 : 0;
    all[of[i]] += 1;
    total += event[i] != 0 ? 1 : 0;
  }
  const auto n = static_cast<int64_t>(windows.size());
  Share share{wilson(total, n), bootstrap_ratio(hits, all, n, seed, replicates)};
  share.wilson.clusters = static_cast<int64_t>(clusters);
  // With few clusters the interval is symmetric: a share ends at 0 and 1.
  share.by_source.low = std::max(share.by_source.low, 0.0);
  share.by_source.high = std::min(share.by_source.high, 1.0);
  return share;
}

std::vector<TextCount> frequent_texts(std::span<const SoundWindow> windows,
                                      std::span<const Heard> heard, size_t most) {
  OTO_ASSERT(windows.size() == heard.size());
  std::map<std::string, std::pair<int64_t, std::set<std::string>>> counts;
  for (size_t i = 0; i < windows.size(); ++i) {
    if (!heard[i].wrote()) continue;
    auto& [n, sources] = counts[heard[i].normalised];
    ++n;
    sources.insert(windows[i].cluster);
  }
  std::vector<TextCount> texts;
  for (const auto& [text, count] : counts)
    texts.push_back({text, count.first, static_cast<int64_t>(count.second.size())});
  std::stable_sort(texts.begin(), texts.end(), [](const TextCount& a, const TextCount& b) {
    return std::pair(a.windows, a.sources) > std::pair(b.windows, b.sources);
  });
  if (texts.size() > most) texts.resize(most);
  return texts;
}

Guard guard_of(std::span<const SoundWindow> windows, std::span<const Heard> clean,
               std::span<const Heard> heard, uint64_t seed, int replicates) {
  OTO_ASSERT(windows.size() == clean.size() && windows.size() == heard.size());
  size_t clusters = 0;
  const std::vector<size_t> of = cluster_numbers(windows, clusters);
  std::vector<double> before(clusters, 0), after(clusters, 0), words(clusters, 0);
  Guard guard;
  guard.clips = static_cast<int64_t>(windows.size());
  int64_t emptied = 0, with_text = 0;
  for (size_t i = 0; i < windows.size(); ++i) {
    const auto edits = model::word_errors(windows[i].reference, clean[i].normalised);
    const bool same = clean[i].normalised == heard[i].normalised;
    const auto now = same ? edits : model::word_errors(windows[i].reference, heard[i].normalised);
    before[of[i]] += static_cast<double>(edits.errors());
    after[of[i]] += static_cast<double>(now.errors());
    words[of[i]] += static_cast<double>(edits.reference());
    guard.words += edits.reference();
    guard.changed += same ? 0 : 1;
    with_text += clean[i].wrote() ? 1 : 0;
    emptied += clean[i].wrote() && !heard[i].wrote() ? 1 : 0;
  }
  guard.clean_wer = bootstrap_ratio(before, words, guard.words, seed, replicates);
  guard.wer = bootstrap_ratio(after, words, guard.words, seed, replicates);
  guard.rise = bootstrap_paired_ratio(after, before, words, guard.words, seed, replicates);
  guard.emptied = clopper_pearson(emptied, with_text);
  guard.emptied.clusters = static_cast<int64_t>(clusters);
  return guard;
}

double Guard::upper() const {
  if (clips == 0) return std::numeric_limits<double>::infinity();
  const double nothing_seen = changed == 0 ? 3 / static_cast<double>(clips) : 0;
  return std::max(rise.high, nothing_seen);
}

bool Guard::holds(double limit) const { return words >= kLeastWords && upper() <= limit; }

double Guard::words_for(double margin) const {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  const auto so_far = static_cast<double>(words);
  if (clips == 0 || !(rise.value < margin)) return kNever;
  if (changed == 0) return so_far * upper() / margin;
  const double ratio = (rise.high - rise.value) / (margin - rise.value);
  return so_far * ratio * ratio;
}

}  // namespace otoscope::steer
