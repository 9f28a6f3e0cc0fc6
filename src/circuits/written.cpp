#include "otoscope/circuits/written.h"

#include <algorithm>
#include <numeric>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/model/frozen.h"

namespace otoscope::circuits {

std::vector<Written> written_by(const model::Whisper& model, std::span<const float> direction,
                                int64_t tokens, int top) {
  const View<const float> embedding = model::unembedding(model), gain = model::last_gain(model);
  const auto d = static_cast<size_t>(model.dims().n_text_state);
  OTO_ASSERT(direction.size() == d && top > 0 && tokens > 0 && tokens <= embedding.shape[0]);
  const double mean =
      std::accumulate(direction.begin(), direction.end(), 0.0) / static_cast<double>(d);
  std::vector<double> through(d);
  for (size_t i = 0; i < d; ++i)
    through[i] = (static_cast<double>(direction[i]) - mean) * static_cast<double>(gain.data[i]);

  std::vector<Written> all(static_cast<size_t>(tokens));
  double sum = 0;
  for (int64_t t = 0; t < tokens; ++t) {
    const float* row = embedding.data + t * static_cast<int64_t>(d);
    double logit = 0;
    for (size_t i = 0; i < d; ++i) logit += static_cast<double>(row[i]) * through[i];
    all[static_cast<size_t>(t)] = {t, logit};
    sum += logit;
  }
  for (Written& one : all) one.logit -= sum / static_cast<double>(tokens);
  const auto kept = std::min(all.size(), static_cast<size_t>(top));
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(),
                    [](const Written& a, const Written& b) {
                      return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
                    });
  all.resize(kept);
  return all;
}

std::string written_name(const model::Tokenizer& tokenizer, std::span<const Written> written) {
  std::vector<std::string> names;
  for (const Written& one : written)
    names.push_back(one.token == tokenizer.special().eot
                        ? "the end"
                        : "\"" + tokenizer.piece(one.token) + "\"");
  return "writes " + join(names);
}

}  // namespace otoscope::circuits
