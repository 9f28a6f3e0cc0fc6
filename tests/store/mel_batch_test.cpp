#include "otoscope/store/mel_batch.h"

#include <doctest/doctest.h>

#include "otoscope/audio/mel.h"
#include "otoscope/io/file.h"
#include "support/close.h"
#include "support/tone.h"

namespace otoscope::store {

TEST_CASE("clips are heard to the end of a window, and each keeps its own frames") {
  const otoscope::testing::TemporaryFolder folder;
  Clip clip;
  clip.path = folder.path() / "tone.wav";  // two seconds
  io::write_file(clip.path, otoscope::testing::tone());
  model::Dims dims;
  dims.n_mels = 80, dims.n_audio_ctx = 50;  // one second
  CHECK(window_samples(clip, dims).size() == 16000);
  clip.duration_s = .25, clip.offset_s = .5;
  CHECK(window_samples(clip, dims).size() == 4000);
  clip.offset_s = 1.9;
  CHECK(window_samples(clip, dims).size() == 1600);

  const std::vector<float> pcm = window_samples(clip, dims);
  const MelBatch batch =
      mel_batch(3, dims, [&](int64_t i) { return i == 1 ? std::vector<float>() : pcm; });
  CHECK((batch.mel.shape() == Shape{3, dims.n_mel_frames(), 80}));
  CHECK(batch.valid == std::vector<int32_t>{5, 0, 5});
  const Tensor<float> alone =
      audio::log_mel_window(pcm, 80, audio::Padding::waveform_zero, dims.n_mel_frames());
  for (const int64_t i : {0, 2}) CHECK_CLOSE(batch.mel.view().sub(i), alone, 0.0);
}

}  // namespace otoscope::store
