#include "otoscope/sae/untrained.h"

#include <algorithm>

#include "otoscope/sae/fold.h"
#include "sae/train/initialise.h"
#include "sae/train/threshold.h"

namespace otoscope::sae {

Sae untrained_sae(const TrainOptions& resolved, const TrainData& data) {
  constexpr int64_t kBlock = 1024, kMostRows = 16384;
  const BatchSource& source = *data.input;
  const DataStart start = measure(data, resolved.seed_data, resolved.batch);
  Sae sae = initial_sae(resolved, start, data.target != nullptr);

  const bool dev = source.dev_rows() > 0;
  const int64_t rows = std::min(dev ? source.dev_rows() : source.rows(), kMostRows);
  ThresholdFinder finder(sae, resolved.k, rows);
  Tensor<float> x({kBlock, sae.d()});
  for (int64_t first = 0, i = 0; first < rows; first += kBlock, ++i) {
    const View<float> block = x.view().slice(0, std::min(kBlock, rows - first));
    dev ? source.dev(first, block) : source.batch(resolved.seed_data, i, block);
    for (int64_t j = 0; j < block.size(); ++j) block[j] = static_cast<float>(block[j] * start.s_in);
    finder.add(block);
  }
  sae.threshold = Tensor<float>(Shape{sae.F()});
  std::fill_n(sae.threshold.data(), sae.F(), static_cast<float>(finder.threshold()));
  sae.activation = Activation::jumprelu;
  sae.architecture = "untrained";
  sae.site = data.site, sae.model_name = data.model_name, sae.model_hash = data.model_hash;
  if (data.target != nullptr)
    sae.target_site = data.target_site.empty() ? data.site : data.target_site;
  fold_scale(sae, start.s_in, start.s_out);
  return sae;
}

}  // namespace otoscope::sae
