#pragma once
/// The ways in which a pass reaches a site, each as a function from hooks to all its outputs.

#include <algorithm>
#include <string>
#include <vector>

#include "model/nano.h"
#include "otoscope/core/threads.h"

namespace otoscope::testing {

struct Path {
  std::string name;
  std::vector<model::Site> sites;
  /// Calls per site, those of cross_k and cross_v apart: once in a cached run.
  int64_t calls = 1;
  /// Positions of each call.
  std::vector<int64_t> positions;
  std::vector<float> (*pass)(model::Hooks);

  std::vector<float> run(model::Hooks hooks) const { return pass(hooks); }
  bool of_encoder() const { return sites.front().stack == model::Stack::encoder; }

  int64_t calls_at(const model::Site& site) const {
    using model::Point;
    return site.point == Point::cross_k || site.point == Point::cross_v ? 1 : calls;
  }
};

namespace nano_detail {

inline const Tensor<float>& nano_audio() {
  static const Tensor<float> audio = nano().encode(nano_input().mel);
  return audio;
}

inline std::vector<float> values_of(View<const float> x) { return {x.data, x.data + x.size()}; }

inline void append(std::vector<float>& to, View<const float> x) {
  to.insert(to.end(), x.data, x.data + x.size());
}

inline std::vector<float> run_encoder(model::Hooks hooks) {
  static const NanoInput input = nano_input();
  return values_of(nano().encode(input.mel, {}, hooks));
}

/// On one thread, where the layers run in pieces of rows (src/model/row_pieces.h).
inline std::vector<float> run_pieces(const model::Whisper& model, model::Hooks hooks) {
  static const NanoInput input = nano_input();
  const int before = threads();
  set_threads(1);
  auto out = values_of(model.encode(input.mel, {}, hooks));
  set_threads(before);
  return out;
}
inline std::vector<float> run_encoder_pieces(model::Hooks hooks) {
  return run_pieces(nano(), hooks);
}
inline std::vector<float> run_encoder_bf16(model::Hooks hooks) {
  static const model::Whisper rounded =
      model::Whisper::load(golden("whisper_nano"), {Precision::bf16, {}});
  return run_pieces(rounded, hooks);
}

inline std::vector<float> run_forced(model::Hooks hooks) {
  static const NanoInput input = nano_input();
  return values_of(nano().decode_forced(nano_audio(), input.tokens, {}, hooks));
}

/// Columns [begin, end) of the golden tokens, each row `copies` times.
inline Tensor<int64_t> columns(int64_t begin, int64_t end, int64_t copies = 1) {
  static const NanoInput input = nano_input();
  Tensor<int64_t> part({2 * copies, end - begin});
  for (int64_t b = 0; b < 2 * copies; ++b)
    for (int64_t i = begin; i < end; ++i)
      part[b * (end - begin) + i - begin] = input.tokens[(b / copies) * 8 + i];
  return part;
}

/// The prompt of four tokens, then greedy steps.
inline std::vector<float> run_greedy(model::Hooks hooks) {
  model::KvCache cache = nano().make_cache(nano_audio(), 8, {}, hooks);
  std::vector<float> all;
  Tensor<int64_t> tokens = columns(0, 4);
  for (int step = 0; step < 4; ++step) {
    const Tensor<float> logits = nano().decode_step(cache, tokens, {}, hooks);
    append(all, logits);
    tokens = Tensor<int64_t>({2, 1});
    for (int64_t b = 0; b < 2; ++b) {
      const float* row = logits.view().row(b);
      tokens[b] = std::max_element(row, row + logits.view().width()) - row;
    }
  }
  return all;
}

/// Three beams a row after the prompt, which swap and die.
inline std::vector<float> run_beams(model::Hooks hooks) {
  model::KvCache cache = nano().make_cache(nano_audio(), 8, {}, hooks);
  std::vector<float> all;
  append(all, nano().decode_step(cache, columns(0, 4), {}, hooks));
  const std::vector<std::vector<int32_t>> moves = {
      {0, 0, 0, 1, 1, 1}, {1, 0, 0, 3, 5, 4}, {0, 2, 3, 3}};
  for (size_t step = 0; step < moves.size(); ++step) {
    cache.reorder(moves[step]);
    for (model::Hook* hook : hooks) hook->reorder(moves[step]);
    const auto n = static_cast<int64_t>(moves[step].size());
    Tensor<int64_t> tokens({n, 1});
    std::vector<int32_t> beam;
    for (int64_t b = 0; b < n; ++b) {
      tokens[b] = 300 + 7 * static_cast<int64_t>(step) + b;
      beam.push_back(static_cast<int32_t>(b));
    }
    model::Rows rows;
    rows.beam = beam;
    append(all, nano().decode_step(cache, tokens, rows, hooks));
  }
  return all;
}

}  // namespace nano_detail

inline std::vector<Path> paths() {
  std::vector<model::Site> encoder, decoder;
  for (const model::Site& site : model::all_sites(nano().dims()))
    (site.stack == model::Stack::encoder ? encoder : decoder).push_back(site);
  return {{"encoder", encoder, 1, {100}, nano_detail::run_encoder},
          {"encoder in pieces", encoder, 1, {100}, nano_detail::run_encoder_pieces},
          {"encoder in pieces, bf16", encoder, 1, {100}, nano_detail::run_encoder_bf16},
          {"decoder_forced", decoder, 1, {8}, nano_detail::run_forced},
          {"cached greedy", decoder, 4, {4, 1, 1, 1}, nano_detail::run_greedy},
          {"cached with beams", decoder, 4, {4, 1, 1, 1}, nano_detail::run_beams}};
}

}  // namespace otoscope::testing
