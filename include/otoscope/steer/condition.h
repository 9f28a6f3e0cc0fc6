#pragma once
/// When an edit acts: a score of the whole window, from features of the encoder, that must be over
/// zero. A recipe with a condition leaves windows where it does not hold bit for bit alone, so that
/// its cost on speech is the cost on the windows it takes for something else.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/model/hook.h"
#include "otoscope/sae/sae.h"

namespace otoscope::steer {

/// What of a feature's values over the frames that carry audio counts.
enum class Pool : uint8_t { mean, max };
std::string_view pool_name(Pool pool);
/// UserError "[where] …".
Pool pool_named(std::string_view where, std::string_view name);

struct Condition {
  model::Site site;  // of the encoder, one row per position
  Pool pool = Pool::mean;
  std::vector<int32_t> features;
  std::vector<float> weights;  // one a feature
  double bias = 0;             // acts where sum w_j pool_j + bias > 0

  double score(std::span<const float> pooled) const;  // features.size() values
};

/// Lengths, features in [0, F), a site of the encoder with one row per position, finite numbers:
/// UserError "[where] …".
void check_condition(std::string_view where, const Condition& condition, int64_t F);

/// pooled[j] of features over the first `valid` rows of x (T, d); zeros where there are none.
std::vector<float> pool_features(const sae::Encoder& encoder, View<const float> x, int64_t valid,
                                 std::span<const int32_t> features, Pool pool);

/// Looks at the encoder pass, remembers by item whether the condition held. It must stand before
/// the edits that it opens in the list of hooks. Borrows the Sae.
class Gate : public model::Hook {
 public:
  Gate(Condition condition, const sae::Sae& sae);
  ~Gate() override;
  model::Want ask(const model::Site& site) override;
  void replace(const model::Site& site, const model::Rows& rows, View<float> x) override;

  /// UserError for an item whose encoder pass this gate has not seen.
  bool open(int64_t item) const;
  double score(int64_t item) const;
  const Condition& condition() const { return condition_; }

 private:
  Condition condition_;
  std::unique_ptr<sae::Encoder> encoder_;
  std::map<int64_t, double> scores_;
};

/// An edit that sees only the rows of items whose gate is open; the others keep their bits. Borrows
/// both.
class GatedHook : public model::Hook {
 public:
  GatedHook(const Gate& gate, model::Hook& edit) : gate_(gate), edit_(edit) {}
  model::Want ask(const model::Site& site) override;
  void replace(const model::Site& site, const model::Rows& rows, View<float> x) override;
  void observe(const model::Site& site, const model::Rows& rows, View<const float> x) override;
  void reorder(std::span<const int32_t> source) override { edit_.reorder(source); }

 private:
  const Gate& gate_;
  model::Hook& edit_;
};

}  // namespace otoscope::steer
