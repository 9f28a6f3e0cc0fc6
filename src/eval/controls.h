#pragma once
/// The rivals of an SAE on its own rows (methods.md §3.8), as Reconstructors.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "otoscope/eval/evaluate.h"
#include "otoscope/eval/pca.h"
#include "otoscope/eval/reconstructor.h"

namespace otoscope::eval {

struct Control {
  std::string name, what;
  std::shared_ptr<const Reconstructor> reconstructor;
  const store::Store* store = nullptr;  // whose rows it is measured on
  bool splice = true;
};

/// Fits once what several SAEs of one store share.
class ControlMaker {
 public:
  /// UserError for a control that does not exist.
  /// model: for the controls that need its weights; may be null.
  ControlMaker(const EvalOptions& options, const model::Whisper* model, Progress& progress);

  /// All controls of a job whose SAE has l0 active features a row.
  std::vector<Control> make(const EvalJob& job, double l0);
  /// Principal components of a store, nullptr where PCA was not asked for.
  std::shared_ptr<const Pca> pca(const store::Store& store);

 private:
  bool wanted(const char* name) const;
  std::shared_ptr<const Reconstructor> untrained(const EvalJob& job, int64_t k) const;
  std::shared_ptr<const Reconstructor> linear(const EvalJob& job) const;
  /// nullptr where the job is no MLP of the model, or there is no model.
  std::shared_ptr<const Reconstructor> neurons(const EvalJob& job, int64_t k) const;
  template <class Make>
  std::shared_ptr<const Reconstructor> once(const std::string& key, Make&& make);

  const EvalOptions& options_;
  const model::Whisper* model_;
  Progress& progress_;
  std::map<std::string, std::shared_ptr<const Pca>> pca_;  // by the store's hash
  /// Equal controls of several jobs are one object: they are spliced once.
  std::map<std::string, std::shared_ptr<const Reconstructor>> made_;
};

/// The mean of a store's training rows.
std::vector<float> training_mean(const store::Store& store);

}  // namespace otoscope::eval
