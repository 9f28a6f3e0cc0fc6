#pragma once
/// What is spliced, shared by all jobs of an evaluation: equal systems are run once.

#include <memory>
#include <string>
#include <vector>

#include "otoscope/eval/evaluate.h"
#include "otoscope/eval/spliced.h"
#include "otoscope/store/store.h"

namespace otoscope::eval {

/// Borrows the inputs.
class Systems {
 public:
  explicit Systems(const SpliceInputs& inputs) : inputs_(inputs) {}

  /// Ablations of a site, once; decoded only where the mean is a control.
  void add_site(const store::Store& store, bool decode_mean);

  /// Returns its place in all(). store: of the site that is replaced; source: of the site that is
  /// read, if another. UserError where the store is of another model.
  int add(const std::string& name, const store::Store& store, const store::Store* source,
          std::shared_ptr<const Reconstructor> reconstructor, System::Role role, bool decode);

  const std::vector<System>& all() const { return systems_; }

 private:
  const SpliceInputs& inputs_;
  std::vector<System> systems_;
  std::vector<std::shared_ptr<const Reconstructor>> kept_;
};

}  // namespace otoscope::eval
