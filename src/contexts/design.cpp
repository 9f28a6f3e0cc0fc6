#include "otoscope/contexts/design.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"

namespace otoscope::contexts {
namespace {

/// Numbers in the order of first appearance.
template <class Key>
class Numbering {
 public:
  int32_t of(const Key& key) {
    return numbers_.try_emplace(key, static_cast<int32_t>(numbers_.size())).first->second;
  }
  int32_t count() const { return static_cast<int32_t>(numbers_.size()); }

 private:
  std::map<Key, int32_t> numbers_;
};

/// log of the binomial coefficient.
double log_choose(int64_t n, int64_t k) {
  const auto f = [](int64_t x) { return std::lgamma(static_cast<double>(x) + 1); };
  return f(n) - f(k) - f(n - k);
}

}  // namespace

int64_t Design::n_of(uint8_t which) const {
  return std::count(context.begin(), context.end(), which);
}

Design make_design(std::span<const uint8_t> context, std::span<const std::string> group,
                   std::span<const std::string> source) {
  OTO_ASSERT(context.size() == group.size() && context.size() == source.size());
  Design design;
  Numbering<std::string> groups, sources;
  for (size_t i = 0; i < context.size(); ++i) {
    design.context.push_back(context[i]);
    design.group.push_back(groups.of(group[i]));
    design.source.push_back(source[i].empty() ? -1 : sources.of(source[i]));
  }
  design.groups = groups.count();
  design.sources = sources.count();
  return design;
}

Design part_of(const Design& design, std::span<const int64_t> places) {
  Design part;
  Numbering<int32_t> groups, sources;
  for (const int64_t place : places) {
    const auto i = static_cast<size_t>(place);
    part.context.push_back(design.context[i]);
    part.group.push_back(groups.of(design.group[i]));
    part.source.push_back(design.source[i] < 0 ? -1 : sources.of(design.source[i]));
  }
  part.groups = groups.count();
  part.sources = sources.count();
  return part;
}

Exchange::Exchange(const Design& design) : design_(design) {
  const auto groups = static_cast<size_t>(design.groups);
  std::vector<uint8_t> seen(groups, 0);  // bit 0: in context 0, bit 1: in context 1
  for (size_t i = 0; i < design.context.size(); ++i)
    seen[static_cast<size_t>(design.group[i])] |= static_cast<uint8_t>(1 << design.context[i]);
  for (size_t g = 0; g < groups; ++g) {
    place_.push_back(seen[g] == 3 ? Place::both : seen[g] == 2 ? Place::second : Place::first);
    if (seen[g] == 3) {
      ++both_;
    } else {
      single_.push_back(g);
      ++alone_[seen[g] == 2 ? 1 : 0];
    }
  }
}

std::vector<uint8_t> Exchange::draw(uint64_t seed, int64_t trial) const {
  Rng rng(seed, name_hash("contexts: exchange") + static_cast<uint64_t>(trial));
  std::vector<uint8_t> flipped(place_.size(), 0), taken(place_.size(), 0);
  const auto order = rng.permutation(static_cast<int64_t>(single_.size()));
  for (size_t i = 0; i < single_.size(); ++i)
    taken[single_[i]] = place_[single_[static_cast<size_t>(order[i])]] == Place::second ? 1 : 0;
  for (size_t g = 0; g < place_.size(); ++g)
    if (place_[g] == Place::both) flipped[g] = static_cast<uint8_t>(rng.bits() >> 31);
  std::vector<uint8_t> context(design_.context.size());
  for (size_t i = 0; i < context.size(); ++i) {
    const auto g = static_cast<size_t>(design_.group[i]);
    context[i] = place_[g] == Place::both ? design_.context[i] ^ flipped[g] : taken[g];
  }
  return context;
}

double Exchange::smallest_p(int permutations) const {
  const double arrangements =
      log_choose(alone_[0] + alone_[1], alone_[1]) + std::log(2.0) * static_cast<double>(both_);
  return std::max(std::exp(-arrangements), 1.0 / (1.0 + permutations));
}

std::vector<int32_t> folds_of(const Design& design, int folds, uint64_t seed) {
  OTO_ASSERT(folds >= 2);
  const auto groups = static_cast<size_t>(design.groups);
  std::vector<int64_t> size(groups, 0);
  for (const int32_t g : design.group) ++size[static_cast<size_t>(g)];
  std::vector<int64_t> filled(std::min(static_cast<size_t>(folds), groups), 0);
  std::vector<int32_t> fold_of_group(groups, 0);
  Rng rng(seed, "contexts: folds");
  for (const int64_t g : rng.permutation(design.groups)) {
    const auto smallest = std::min_element(filled.begin(), filled.end());
    *smallest += size[static_cast<size_t>(g)];
    fold_of_group[static_cast<size_t>(g)] = static_cast<int32_t>(smallest - filled.begin());
  }
  std::vector<int32_t> fold;
  for (const int32_t g : design.group) fold.push_back(fold_of_group[static_cast<size_t>(g)]);
  return fold;
}

}  // namespace otoscope::contexts
