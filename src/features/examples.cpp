#include "features/examples.h"

#include <algorithm>
#include <set>

#include "otoscope/core/rng.h"

namespace otoscope::features {
namespace {

constexpr size_t kSample = 400;  // firings kept per feature for the quantiles

/// Stronger first; equal values: the earlier row, so that the order is total.
bool stronger(const Peak& a, const Peak& b) {
  return a.value != b.value ? a.value > b.value : a.row < b.row;
}

uint64_t lot_of(uint64_t seed, int64_t feature, int64_t row) {
  const uint32_t counter[4] = {static_cast<uint32_t>(row), static_cast<uint32_t>(row >> 32),
                               static_cast<uint32_t>(feature), 0x6c6f7473};
  const uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  uint32_t out[4];
  philox4x32(counter, key, out);
  return (static_cast<uint64_t>(out[0]) << 32) | out[1];
}

}  // namespace

ExampleKeeper::ExampleKeeper(int64_t F, const EvidenceOptions& options)
    : options_(options), features_(static_cast<size_t>(F)) {}

void ExampleKeeper::add(int64_t feature, const Peak& peak) {
  PerFeature& kept = features_[static_cast<size_t>(feature)];

  const auto same = std::find_if(kept.top.begin(), kept.top.end(),
                                 [&](const Peak& other) { return other.item == peak.item; });
  if (same != kept.top.end()) {
    if (stronger(peak, *same)) *same = peak;
  } else if (static_cast<int>(kept.top.size()) < options_.top) {
    kept.top.push_back(peak);
  } else {
    const auto weakest = std::max_element(kept.top.begin(), kept.top.end(), stronger);
    if (stronger(peak, *weakest)) *weakest = peak;
  }

  const auto by_lot = [](const Sampled& a, const Sampled& b) { return a.lot < b.lot; };
  const uint64_t lot = lot_of(options_.seed, feature, peak.row);
  if (kept.sample.size() == kSample) {
    if (lot >= kept.sample.front().lot) return;
    std::pop_heap(kept.sample.begin(), kept.sample.end(), by_lot);
    kept.sample.pop_back();
  }
  kept.sample.push_back({lot, peak});
  std::push_heap(kept.sample.begin(), kept.sample.end(), by_lot);
}

std::vector<std::vector<Peak>> ExampleKeeper::top() const {
  std::vector<std::vector<Peak>> all;
  for (const PerFeature& kept : features_) {
    all.push_back(kept.top);
    std::sort(all.back().begin(), all.back().end(), stronger);
  }
  return all;
}

std::vector<std::vector<std::vector<Peak>>> ExampleKeeper::quantiles() const {
  std::vector<std::vector<std::vector<Peak>>> all;
  for (const PerFeature& kept : features_) {
    std::vector<Sampled> sorted = kept.sample;
    std::sort(sorted.begin(), sorted.end(),
              [](const Sampled& a, const Sampled& b) { return stronger(b.peak, a.peak); });
    std::vector<std::vector<Peak>> bins(static_cast<size_t>(options_.quantiles));
    for (size_t q = 0; q < bins.size(); ++q) {
      const size_t begin = sorted.size() * q / bins.size(),
                   end = sorted.size() * (q + 1) / bins.size();
      std::vector<Sampled> bin(sorted.begin() + static_cast<std::ptrdiff_t>(begin),
                               sorted.begin() + static_cast<std::ptrdiff_t>(end));
      std::sort(bin.begin(), bin.end(),
                [](const Sampled& a, const Sampled& b) { return a.lot < b.lot; });
      std::set<int32_t> items;
      for (const Sampled& candidate : bin) {
        if (static_cast<int>(bins[q].size()) == options_.per_quantile) break;
        if (items.insert(candidate.peak.item).second) bins[q].push_back(candidate.peak);
      }
    }
    all.push_back(std::move(bins));
  }
  return all;
}

}  // namespace otoscope::features
