#include "store/window_audio.h"

#include <algorithm>

#include "otoscope/core/errors.h"
#include "otoscope/core/threads.h"

namespace otoscope::store {

WindowAudio::WindowAudio(const ExtractPlan& plan, int64_t window_samples, int n_mels,
                         audio::Padding padding)
    : plan_(plan), window_samples_(window_samples), n_mels_(n_mels), padding_(padding) {}

/// A piece of a recording that was cut: the open reader goes on, or begins again.
std::vector<float> WindowAudio::piece(const audio::Placement& placement) {
  if (open_item_ != placement.clip || !open_ || open_->position() > placement.first) {
    open_.emplace(plan_.clips[static_cast<size_t>(placement.clip)]);
    open_item_ = placement.clip;
  }
  open_->skip(placement.first - open_->position());
  return open_->read(placement.samples);
}

Tensor<float> WindowAudio::log_mel(int64_t begin, int64_t end) {
  std::vector<std::vector<float>> pcm(static_cast<size_t>(end - begin));
  const auto put = [&](size_t w, const audio::Placement& placement,
                       const std::vector<float>& samples) {
    if (static_cast<int64_t>(samples.size()) != placement.samples)
      throw UserError(plan_.items[static_cast<size_t>(placement.clip)].path,
                      "expected " + std::to_string(placement.samples) + " samples, got " +
                          std::to_string(samples.size()),
                      "the file changed while it was read");
    std::copy(samples.begin(), samples.end(), pcm[w].begin() + placement.start);
  };
  const auto is_cut = [&](const audio::Placement& placement) {
    return placement.first > 0 || placement.samples == window_samples_;
  };
  for (size_t w = 0; w < pcm.size(); ++w) {
    const audio::Window& window = plan_.windows[static_cast<size_t>(begin) + w];
    pcm[w].resize(static_cast<size_t>(window.back().start + window.back().samples));
    for (const audio::Placement& placement : window)
      if (is_cut(placement)) put(w, placement, piece(placement));
  }
  const int64_t frames = window_samples_ / audio::kHopSamples;
  auto mel = Tensor<float>::uninitialized({end - begin, frames, n_mels_});
  parallel_ranges(end - begin, 1, [&](int64_t from, int64_t to) {
    for (int64_t w = from; w < to; ++w) {
      const auto at = static_cast<size_t>(w);
      for (const audio::Placement& placement : plan_.windows[static_cast<size_t>(begin) + at]) {
        if (is_cut(placement)) continue;
        ClipReader reader(plan_.clips[static_cast<size_t>(placement.clip)]);
        put(at, placement, reader.read(placement.samples));
      }
      const Tensor<float> one = audio::log_mel_window(pcm[at], n_mels_, padding_, frames);
      std::copy_n(one.data(), one.size(), mel.view().sub(w).data);
    }
  });
  return mel;
}

}  // namespace otoscope::store
