#pragma once
/// Two contexts of items: which item belongs where, what resamples, what may be exchanged
/// (methods.md §8.1, §10.3). An item is what rows were pooled over; nothing here knows what a row
/// is.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace otoscope::contexts {

struct Design {
  std::vector<uint8_t> context;  // (n): 0 or 1
  std::vector<int32_t> group;    // (n): 0 .. groups - 1, of what is not independent
  std::vector<int32_t> source;   // (n): 0 .. sources - 1, -1 where none is known
  int32_t groups = 0, sources = 0;

  int64_t n() const { return static_cast<int64_t>(context.size()); }
  int64_t n_of(uint8_t which) const;
};

/// Numbers groups and sources in the order of their first item. An empty source is none.
Design make_design(std::span<const uint8_t> context, std::span<const std::string> group,
                   std::span<const std::string> source);
/// The items at `places`, groups and sources numbered anew.
Design part_of(const Design& design, std::span<const int64_t> places);

/// What the null may exchange. A group that lies in one context takes the place of another such
/// group; one that lies in both (a clip and its transform) has its contexts swapped or not.
class Exchange {
 public:
  explicit Exchange(const Design& design);
  /// Contexts of the items in draw number `trial`: a function of (seed, trial) alone.
  std::vector<uint8_t> draw(uint64_t seed, int64_t trial) const;
  /// No p can be below this: 1 / number of arrangements, and 1 / (1 + permutations).
  double smallest_p(int permutations) const;
  int64_t groups_of(uint8_t which) const { return alone_[which]; }
  int64_t groups_in_both() const { return static_cast<int64_t>(both_); }

 private:
  const Design& design_;
  enum class Place : uint8_t { first, second, both };
  std::vector<Place> place_;    // (groups)
  std::vector<size_t> single_;  // groups that lie in one context
  int64_t alone_[2] = {0, 0};
  int64_t both_ = 0;
};

/// Folds blind to contexts, so that one fit serves all permutations: whole groups in random order,
/// each into the fold with the fewest items.
std::vector<int32_t> folds_of(const Design& design, int folds, uint64_t seed);

}  // namespace otoscope::contexts
