#include "eval/controls.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/eval/linear.h"
#include "otoscope/eval/neurons.h"
#include "otoscope/sae/untrained.h"

namespace otoscope::eval {
namespace {

constexpr int64_t kPcaRows = 131072;    // of the training split, at equal distances
constexpr int64_t kNeuronRows = 32768;  // the same, for the neurons' means
const std::vector<std::string> kControls{"mean", "pca", "untrained", "linear", "neurons", "none"};

/// The rows that controls are fitted on.
store::Split fitting_split(const store::Store& store) {
  return store.rows_of(store::Split::train).empty() ? store::Split::all : store::Split::train;
}

/// A reconstructor that owns its SAE.
class OwnedSae : public Reconstructor {
 public:
  explicit OwnedSae(sae::Sae sae) : sae_(std::move(sae)), reconstructor_(sae_) {}
  void reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const override {
    reconstructor_.reconstruct(x, xhat, codes);
  }
  int64_t d_out() const override { return reconstructor_.d_out(); }
  int64_t features() const override { return reconstructor_.features(); }
  std::span<const float> decoder_norms() const override { return reconstructor_.decoder_norms(); }

 private:
  sae::Sae sae_;
  SaeReconstructor reconstructor_;
};

std::string sentence_of(const TrainedControl& control) {
  if (control.name == "frozen")
    return "an SAE trained the same way with its random decoder kept: does the decoder matter?";
  if (control.name == "shuffled")
    return "an SAE of the model with shuffled weights, on that model's own rows: does the model's "
           "learning matter?";
  return "an SAE given as a control";
}

}  // namespace

std::vector<float> training_mean(const store::Store& store) {
  const auto& mean = store.statistics().mean;
  return {mean.begin(), mean.end()};
}

ControlMaker::ControlMaker(const EvalOptions& options, const model::Whisper* model,
                           Progress& progress)
    : options_(options), model_(model), progress_(progress) {
  for (const std::string& name : options.controls)
    if (std::find(kControls.begin(), kControls.end(), name) == kControls.end())
      throw UserError("--controls", "expected some of " + join(kControls) + ", got " + name);
}

bool ControlMaker::wanted(const char* name) const {
  return std::find(options_.controls.begin(), options_.controls.end(), name) !=
         options_.controls.end();
}

std::shared_ptr<const Pca> ControlMaker::pca(const store::Store& store) {
  if (!wanted("pca")) return nullptr;
  auto& fitted = pca_[store.hash()];
  if (!fitted) {
    const store::Split split = fitting_split(store);
    progress_.start("principal components", 1, "fit");
    fitted = std::make_shared<Pca>(fit_pca(Sample::of_store(store, split, kPcaRows)));
    progress_.advance(1);
    progress_.finish();
  }
  return fitted;
}

template <class Make>
std::shared_ptr<const Reconstructor> ControlMaker::once(const std::string& key, Make&& make) {
  auto& made = made_[key];
  if (!made) made = make();
  return made;
}

std::vector<Control> ControlMaker::make(const EvalJob& job, double l0) {
  std::vector<Control> controls;
  const bool transcoder = job.target != nullptr;
  const store::Store& target = transcoder ? *job.target : *job.store;
  const int64_t k = std::max<int64_t>(1, std::llround(l0));
  const std::string at = " " + std::to_string(k) + " " + job.store->hash();
  if (wanted("mean"))
    controls.push_back(
        {"mean", "the mean of the training rows for every row",
         once("mean " + target.hash(),
              [&] { return std::make_shared<ConstantReconstructor>(training_mean(target)); }),
         job.store});
  if (wanted("pca") && !transcoder) {
    const int64_t components = std::min(k, job.store->d());
    controls.push_back(
        {"pca-" + std::to_string(components),
         "as many principal components as the SAE has active features",
         once("pca" + at,
              [&] { return std::make_shared<PcaReconstructor>(*pca(*job.store), components); }),
         job.store});
  }
  if (wanted("untrained"))
    controls.push_back({"untrained", "an SAE as training starts it, with the threshold of equal L0",
                        once("untrained " + std::to_string(job.sae->F()) + at + target.hash(),
                             [&] { return untrained(job, k); }),
                        job.store});
  if (wanted("linear") && transcoder)
    controls.push_back(
        {"linear", "the best linear map from the site read to the site rebuilt",
         once("linear " + job.store->hash() + target.hash(), [&] { return linear(job); }),
         job.store});
  if (wanted("neurons") && transcoder)
    if (const auto made = once("neurons" + at, [&] { return neurons(job, k); }))
      controls.push_back({"neurons-" + std::to_string(k),
                          "as many of the MLP's own neurons as the transcoder has active "
                          "features, those that move the output most; the others at their mean",
                          made, job.store});
  for (const TrainedControl& given : job.controls) {
    const store::Store* rows = given.store ? given.store : job.store;
    if (given.sae->d() != rows->d())
      throw UserError(given.name, "expected activations of width " +
                                      std::to_string(given.sae->d()) + ", got " +
                                      std::to_string(rows->d()) + " in " + rows->path().string());
    controls.push_back({given.name, sentence_of(given),
                        once("sae " + given.sae->hash + " " + given.name,
                             [&] { return std::make_shared<SaeReconstructor>(*given.sae); }),
                        rows, given.splice});
  }
  return controls;
}

std::shared_ptr<const Reconstructor> ControlMaker::untrained(const EvalJob& job, int64_t k) const {
  sae::TrainOptions options;
  options.arch = "batchtopk";
  options.latents = job.sae->F();
  options.k = std::min(k, job.sae->F());
  options.batch = std::min<int64_t>(4096, job.store->rows());
  options.seed_init = options_.seed;
  const sae::StoreBatches source(*job.store);
  const sae::StoreBatches target(job.target ? *job.target : *job.store);
  sae::TrainData data;
  data.input = &source;
  data.site = job.store->site();
  if (job.target) data.target = &target, data.target_site = job.target->site();
  return std::make_shared<OwnedSae>(
      sae::untrained_sae(sae::resolve(options, source.d(), target.d()), data));
}

std::shared_ptr<const Reconstructor> ControlMaker::linear(const EvalJob& job) const {
  const store::Split split = fitting_split(*job.store);
  return std::make_shared<LinearReconstructor>(
      fit_linear(Sample::of_store(*job.store, split, kPcaRows),
                 Sample::of_store(*job.target, split, kPcaRows)));
}

std::shared_ptr<const Reconstructor> ControlMaker::neurons(const EvalJob& job, int64_t k) const {
  if (model_ == nullptr || job.store->model_hash() != model_->hash()) return nullptr;
  const model::Site in = model::find_site(model_->dims(), job.store->site());
  const model::Site out = model::find_site(model_->dims(), job.target->site());
  if (in.point != model::Point::ln2 || out.point != model::Point::mlp_out ||
      in.stack != out.stack || in.block != out.block)
    return nullptr;
  const model::MlpLayers mlp = model::mlp_layers(*model_, in.stack, in.block);
  const Sample sample = Sample::of_store(*job.store, fitting_split(*job.store), kNeuronRows);
  return std::make_shared<NeuronReconstructor>(mlp, mean_neurons(mlp, sample), k);
}

}  // namespace otoscope::eval
