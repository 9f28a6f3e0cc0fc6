#pragma once
/// What a tape keeps of its forward: a copy of the value at every site, but of scores and patterns
/// only those that a hook may have edited. Those of a 30 s window of whisper-base would be 864 MB;
/// they are made again from queries and keys when they are wanted.

#include <map>
#include <set>
#include <tuple>

#include "model/probe.h"
#include "model/weights.h"

namespace otoscope::model {

/// Sites in any fixed order, as keys.
struct SiteOrder {
  bool operator()(const Site& a, const Site& b) const {
    return std::tuple(a.stack, a.block, a.point) < std::tuple(b.stack, b.block, b.point);
  }
};

inline bool is_attention_matrix(Point p) {
  return p == Point::attn_scores || p == Point::attn_pattern || p == Point::cross_attn_scores ||
         p == Point::cross_attn_pattern;
}

/// The one hook of a recorded forward: passes every call on to the user's hooks, then keeps a copy.
class Record : public Hook {
 public:
  Record(const Dims& dims, Hooks hooks) : table_(dims, hooks) {}

  Want ask(const Site& site) override;
  void replace(const Site& site, const Rows& rows, View<float> x) override;
  void observe(const Site& site, const Rows& rows, View<const float> x) override;

  bool has(const Site& site) const { return values_.contains(site); }
  View<const float> at(const Site& site) const { return values_.at(site).view(); }
  /// True where a hook could have changed the value.
  bool edited(const Site& site) const {
    return wants(table_.wanted(site.stack, site.point, site.block), Want::replace);
  }

 private:
  HookTable table_;
  std::map<Site, Tensor<float>, SiteOrder> values_;
};

}  // namespace otoscope::model
