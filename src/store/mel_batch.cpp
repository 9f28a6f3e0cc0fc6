#include "otoscope/store/mel_batch.h"

#include <algorithm>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/threads.h"

namespace otoscope::store {

std::vector<float> window_samples(const Clip& clip, const model::Dims& dims) {
  const double window_s =
      audio::seconds_of_samples(int64_t{dims.n_audio_ctx} * audio::kFrameSamples);
  return audio::decode_file(clip.path, clip.offset_s,
                            clip.duration_s < 0 ? window_s : std::min(clip.duration_s, window_s));
}

MelBatch mel_batch(int64_t n, const model::Dims& dims,
                   const std::function<std::vector<float>(int64_t)>& samples,
                   audio::Padding padding) {
  MelBatch batch;
  batch.mel = Tensor<float>(Shape{n, dims.n_mel_frames(), dims.n_mels});
  batch.valid.resize(static_cast<size_t>(n));
  parallel_ranges(n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const std::vector<float> pcm = samples(i);
      const Tensor<float> one =
          audio::log_mel_window(pcm, dims.n_mels, padding, dims.n_mel_frames());
      std::copy_n(one.data(), one.size(), batch.mel.view().sub(i).data);
      batch.valid[static_cast<size_t>(i)] = static_cast<int32_t>(
          audio::valid_frames(static_cast<int64_t>(pcm.size()), dims.n_audio_ctx));
    }
  });
  return batch;
}

}  // namespace otoscope::store
