#pragma once
/// How a pass offers its sites to hooks: asked once before the run, then one look at a flat table
/// per site.

#include <optional>
#include <vector>

#include "otoscope/model/hook.h"

namespace otoscope::model {

/// Who listens where. Empty (and free) without hooks.
class HookTable {
 public:
  /// Asks every hook about every site of the model. UserError if a hook wants none of them.
  HookTable(const Dims& dims, Hooks hooks);

  bool any() const { return !slots_.empty(); }
  /// The union of what is wanted at a site.
  Want wanted(Stack stack, Point point, int block) const {
    return any() ? slots_[index(stack, point, block)].want : Want::none;
  }
  /// Replacers in the order of the hooks, then observers.
  void fire(const Site& site, const Rows& rows, View<float> x) const;

 private:
  struct Slot {
    Want want = Want::none;
    std::vector<std::pair<Hook*, Want>> hooks;
  };
  size_t index(Stack stack, Point point, int block) const {
    return (static_cast<size_t>(stack) * static_cast<size_t>(blocks_ + 1) +
            static_cast<size_t>(block + 1)) *
               static_cast<size_t>(kPoints) +
           static_cast<size_t>(point);
  }
  int blocks_ = 0;
  std::vector<Slot> slots_;
};

/// Thrown by a probe when the site that the caller asked to stop at is done; caught in the pass.
struct StopReached {};

/// One pass's view of the table: its stack, its rows, and where to stop.
struct Probe {
  const HookTable& table;
  Stack stack;
  Rows rows;
  std::optional<Site> until;

  bool stops_at(Point point, int block) const {
    return until && *until == Site{stack, point, block};
  }
  /// True where values must be laid out as site_shape says.
  bool wanted(Point point, int block) const {
    return table.wanted(stack, point, block) != Want::none || stops_at(point, block);
  }
  bool replaced(Point point, int block) const {
    return wants(table.wanted(stack, point, block), Want::replace);
  }
  void at(Point point, int block, View<float> x) const {
    if (table.wanted(stack, point, block) != Want::none) table.fire({stack, point, block}, rows, x);
    if (stops_at(point, block)) throw StopReached{};
  }
};

/// Rows with what the caller left out filled in: B and T of this call, item = 0..B-1, all valid.
class FilledRows {
 public:
  FilledRows(const Rows& given, Pass pass, int64_t B, int64_t T, int64_t position, int step);
  const Rows& rows() const { return rows_; }

 private:
  std::vector<int64_t> item_;
  std::vector<int32_t> valid_;
  Rows rows_;
};

}  // namespace otoscope::model
