#pragma once
/// What the frozen map keeps of its recorded forward.

#include <map>
#include <vector>

#include "model/vjp/record.h"

namespace otoscope::model {

/// One attention's constants. Q queries (frames or tokens), K keys that take part.
struct FrozenAttention {
  Tensor<float> pattern;  // (H, Q, K)
  Tensor<float> padding;  // (Q, H, D): what the keys behind K give, or empty where there are none
};

class FrozenRecord : public Hook {
 public:
  FrozenRecord(const Dims& dims, int64_t frames, int64_t tokens, Hooks hooks);

  Want ask(const Site& site) override;
  void replace(const Site& site, const Rows& rows, View<float> x) override;
  void observe(const Site& site, const Rows& rows, View<const float> x) override;

  std::vector<FrozenAttention> encoder, decoder, cross;
  std::map<Site, Tensor<float>, SiteOrder> values;  // (T, d), scales (T), q k v (H, T, D)

 private:
  bool keeps(const Site& site) const;
  void keep_pattern(const Site& site, View<const float> pattern);
  View<const float> latest_v_;  // of the attention whose pattern comes next
  HookTable table_;
  int64_t frames_, tokens_;
};

}  // namespace otoscope::model
