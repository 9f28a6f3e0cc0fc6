#include "model/decode/batch.h"

#include "otoscope/core/interrupt.h"

namespace otoscope::model {
namespace {

Rows cached_rows(std::span<const int64_t> items, std::span<const int32_t> beams, int step) {
  Rows rows;
  rows.pass = Pass::decoder_cached;
  rows.B = static_cast<int64_t>(items.size());
  rows.step = step;
  rows.item = items;
  rows.beam = beams;
  return rows;
}

}  // namespace

Batch::Batch(const Whisper& model, View<const float> audio, int64_t max_tokens,
             std::span<const int64_t> items, Hooks hooks)
    : model_(model),
      hooks_(hooks),
      items_(items.begin(), items.end()),
      cache_(model.make_cache(audio, max_tokens, cached_rows(items_, {}, 0), hooks)) {}

Tensor<float> Batch::feed(View<const int64_t> tokens, int step) {
  throw_if_interrupted();
  Rows rows = cached_rows(items_, beams_, step);
  rows.T = tokens.shape[1];
  rows.position = cache_.length();
  return model_.decode_step(cache_, tokens, rows, hooks_);
}

void Batch::reorder(std::span<const int32_t> source, std::vector<int32_t> beams) {
  cache_.reorder(source);
  std::vector<int64_t> items;
  items.reserve(source.size());
  for (const int32_t row : source) items.push_back(items_[static_cast<size_t>(row)]);
  items_ = std::move(items);
  beams_ = std::move(beams);
  for (Hook* hook : hooks_) hook->reorder(source);
}

}  // namespace otoscope::model
