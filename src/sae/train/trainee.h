#pragma once
/// One SAE in training: its weights, its optimiser, its counters, its folder.

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "otoscope/io/file.h"
#include "otoscope/sae/loss.h"
#include "otoscope/sae/train.h"
#include "sae/train/initialise.h"
#include "sae/train/l0_control.h"
#include "sae/train/optimizer.h"

namespace otoscope::sae {

LossOptions loss_options(const TrainOptions& options);
/// relu and gated without a --sparsity: their penalty is led to the L0 of --k.
bool is_led(const TrainOptions& options);
/// The penalty's weight by architecture, or where it starts.
double default_sparsity(const std::string& arch, int64_t d_out);
/// The options as they are written into files and plans.
nlohmann::ordered_json options_json(const TrainOptions& options);

/// lr(t) / lr: linear warm-up, plateau, linear decay to 0. t counts from 0.
double rate_at(const TrainOptions& options, int64_t step);
/// Sparsity penalties rise over the warm-up too, so that features form before they are thinned.
double sparsity_at(const TrainOptions& options, int64_t step);

class Trainee {
 public:
  /// Takes the folder (one process at a time). Afterwards done() tells whether the SAE is finished.
  Trainee(const TrainOptions& resolved, const TrainData& data, std::filesystem::path folder);

  const std::string& name() const { return name_; }
  const std::filesystem::path& folder() const { return folder_; }
  bool done() const { return done_; }
  int64_t step() const { return step_; }
  int64_t steps() const { return options_.steps; }
  const TrainOptions& options() const { return options_; }
  double seconds() const { return seconds_; }
  /// Of the weights that finish() wrote; "" before.
  const std::string& hash() const { return hash_; }
  /// Weights in the trainer's units, until finish().
  const Sae& sae() const { return sae_; }

  /// From the checkpoint if there is one, else from the data.
  void begin(const DataStart& start);
  /// One step on a scaled batch. UserError names the step where the loss is not finite.
  void advance(View<const float> x, View<const float> y, bool measure);
  /// A line for training.jsonl about the last step, and a short text for the live line.
  void log();
  std::string live() const;
  void checkpoint();
  /// Chooses the threshold, returns to raw units, writes the SAE, forgets the checkpoint.
  void finish();

 private:
  std::filesystem::path checkpoint_path() const;
  bool resume();
  void restart_log();

  TrainOptions options_;
  const TrainData& data_;
  std::string name_, plan_, hash_;
  std::filesystem::path folder_;
  std::unique_ptr<io::FolderLock> lock_;
  bool done_ = false;

  std::unique_ptr<Loss> loss_;
  Sae sae_;
  std::unique_ptr<Gradients> gradients_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<L0Control> control_;
  std::vector<int64_t> idle_;  // rows since a feature fired
  int64_t step_ = 0;
  double s_in_ = 1, s_out_ = 1;
  int64_t dead_ = 0;
  LossTerms last_;
  double gradient_norm_ = 0, seconds_ = 0;
};

}  // namespace otoscope::sae
