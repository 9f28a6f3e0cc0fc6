#include <algorithm>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/mel.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/features/units.h"

namespace otoscope::features {

Tensor<float> mel_of_rows(const store::Store& store, Progress& progress) {
  constexpr int kBands = 80;
  constexpr float kFloor = -8;  // Whisper's own: eight decades under the loudest
  Tensor<float> out(Shape{store.rows(), kBands});
  const auto& items = store.items();
  progress.start("log-mel of rows", static_cast<int64_t>(items.size()), "clips");
  for (size_t i = 0; i < items.size(); ++i) {
    throw_if_interrupted();
    const store::Item& item = items[i];
    try {
      const std::vector<float> pcm = audio::decode_file(
          item.path, item.offset_s, item.duration_s > 0 ? item.duration_s : -1.0);
      const Tensor<float> mel = audio::mel_power_log10(pcm, kBands);
      float loudest = -100;
      for (int64_t e = 0; e < mel.size(); ++e) loudest = std::max(loudest, mel.data()[e]);
      const int64_t last = mel.shape()[0] - 1;
      for (int64_t r = 0; r < item.n_rows && last >= 0; ++r) {
        // A frame is centred on sample 320 t, mel frame 2 t on sample 160 * 2 t.
        const int64_t frame =
            store.origin(item.first_row + r).frame * audio::kFrameSamples / audio::kHopSamples;
        for (int64_t band = 0; band < kBands; ++band)
          out.at(item.first_row + r, band) =
              std::max(kFloor, mel.at(std::min(frame, last), band) - loudest);
      }
    } catch (const UserError& error) {
      progress.note(std::string("a clip has no log-mel: ") + error.what());
    }
    progress.advance(static_cast<int64_t>(i) + 1);
  }
  progress.finish();
  return out;
}

}  // namespace otoscope::features
