#include "eval/controls.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/sae/untrained.h"

namespace otoscope::eval {
namespace {

constexpr int64_t kPcaRows = 131072;  // of the training split, at equal distances
const std::vector<std::string> kControls{"mean", "pca", "untrained", "none"};

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

ControlMaker::ControlMaker(const EvalOptions& options, Progress& progress)
    : options_(options), progress_(progress) {
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
    const auto split =
        store.rows_of(store::Split::train).empty() ? store::Split::all : store::Split::train;
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
  if (wanted("untrained") && !transcoder)
    controls.push_back(
        {"untrained", "an SAE as training starts it, with the threshold of equal L0",
         once("untrained " + std::to_string(job.sae->F()) + at, [&] { return untrained(job, k); }),
         job.store});
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
  sae::TrainData data;
  data.input = &source;
  data.site = job.store->site();
  return std::make_shared<OwnedSae>(
      sae::untrained_sae(sae::resolve(options, source.d(), source.d()), data));
}

}  // namespace otoscope::eval
