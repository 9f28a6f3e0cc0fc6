#include "features/pooled.h"

#include <algorithm>
#include <cmath>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/mel.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/kernels/rows.h"

namespace otoscope::features {
namespace {

constexpr int kMels = 80;
constexpr int64_t kLetterBins = 4096;

void pool_rows(View<const float> rows, float* mean, float* most) {
  for (int64_t j = 0; j < rows.width(); ++j) {
    double sum = 0;
    float largest = rows.at(0, j);
    for (int64_t t = 0; t < rows.rows(); ++t) {
      sum += rows.at(t, j);
      largest = std::max(largest, rows.at(t, j));
    }
    mean[j] = static_cast<float>(sum / static_cast<double>(rows.rows()));
    most[j] = largest;
  }
}

}  // namespace

std::vector<PooledClips> pool_features(const sae::Sae& sae, const store::Store& store,
                                       std::span<const int32_t> items, bool activations,
                                       Progress& progress) {
  const auto n = static_cast<int64_t>(items.size());
  std::vector<PooledClips> out;
  out.push_back({"features", "mean", Tensor<float>(Shape{n, sae.F()})});
  out.push_back({"features", "max", Tensor<float>(Shape{n, sae.F()})});
  if (activations) {
    out.push_back({"activations", "mean", Tensor<float>(Shape{n, store.d()})});
    out.push_back({"activations", "max", Tensor<float>(Shape{n, store.d()})});
  }
  const sae::Encoder encoder(sae);
  SparseRows codes;
  progress.start("pool clips", n, "clips");
  for (int64_t i = 0; i < n; ++i) {
    throw_if_interrupted();
    const store::Item& item = store.items()[static_cast<size_t>(items[static_cast<size_t>(i)])];
    Tensor<float> x(Shape{item.n_rows, store.d()});
    store.read(item.first_row, x);
    codes.clear();
    encoder.encode(x, codes);
    float *mean = out[0].x.view().row(i), *most = out[1].x.view().row(i);
    for (size_t e = 0; e < codes.indices.size(); ++e) {
      const int32_t f = codes.indices[e];
      mean[f] += codes.values[e] / static_cast<float>(item.n_rows);
      most[f] = std::max(most[f], codes.values[e]);
    }
    if (activations) pool_rows(x, out[2].x.view().row(i), out[3].x.view().row(i));
    progress.advance(i + 1);
  }
  progress.finish();
  return out;
}

std::vector<PooledClips> pool_log_mel(const store::Store& store, std::span<const int32_t> items,
                                      Progress& progress) {
  const auto n = static_cast<int64_t>(items.size());
  std::vector<PooledClips> out;
  out.push_back({"log-mel", "mean", Tensor<float>(Shape{n, kMels})});
  out.push_back({"log-mel", "max", Tensor<float>(Shape{n, kMels})});
  progress.start("log-mel of clips", n, "clips");
  for (int64_t i = 0; i < n; ++i) {
    throw_if_interrupted();
    const store::Item& item = store.items()[static_cast<size_t>(items[static_cast<size_t>(i)])];
    try {
      const std::vector<float> pcm = audio::decode_file(
          item.path, item.offset_s, item.duration_s > 0 ? item.duration_s : -1.0);
      Tensor<float> mel = audio::mel_power_log10(pcm, kMels);
      if (mel.empty()) continue;
      const auto values = mel.view().span();
      audio::finish_log_mel(mel, *std::max_element(values.begin(), values.end()));
      pool_rows(mel, out[0].x.view().row(i), out[1].x.view().row(i));
    } catch (const UserError& error) {
      progress.finish();
      progress.note(std::string("no log-mel baseline: ") + error.what());
      return {};
    }
    progress.advance(i + 1);
  }
  progress.finish();
  return out;
}

PooledClips pool_length(std::span<const double> seconds, std::span<const int32_t> language,
                        int64_t languages) {
  const auto n = static_cast<int64_t>(seconds.size());
  std::vector<double> sum(static_cast<size_t>(languages), 0), count = sum;
  for (size_t i = 0; i < seconds.size(); ++i) {
    sum[static_cast<size_t>(language[i])] += std::log(std::max(seconds[i], 1e-3));
    count[static_cast<size_t>(language[i])] += 1;
  }
  PooledClips out{"length", "", Tensor<float>(Shape{n, 2})};
  for (int64_t i = 0; i < n; ++i) {
    const auto l = static_cast<size_t>(language[static_cast<size_t>(i)]);
    const double relative =
        std::log(std::max(seconds[static_cast<size_t>(i)], 1e-3)) - sum[l] / count[l];
    // Half a turn for a factor of e^10: no two clips are further apart than opposite.
    const double angle = std::clamp(relative, -5.0, 5.0) * M_PI / 10;
    out.x.at(i, 0) = static_cast<float>(std::cos(angle));
    out.x.at(i, 1) = static_cast<float>(std::sin(angle));
  }
  return out;
}

PooledClips pool_letters(const store::Store& store, std::span<const int32_t> items) {
  PooledClips out{"letters", "",
                  Tensor<float>(Shape{static_cast<int64_t>(items.size()), kLetterBins})};
  for (size_t i = 0; i < items.size(); ++i) {
    std::string letters = " ";
    for (const char c : store.items()[static_cast<size_t>(items[i])].text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x80 || (c >= 'a' && c <= 'z'))
        letters += c;
      else if (c >= 'A' && c <= 'Z')
        letters += static_cast<char>(c - 'A' + 'a');
      else if (letters.back() != ' ')
        letters += ' ';
    }
    for (size_t k = 0; k + 1 < letters.size(); ++k)
      out.x.at(static_cast<int64_t>(i),
               static_cast<int64_t>(name_hash(std::string_view(letters).substr(k, 2)) %
                                    kLetterBins)) += 1;
  }
  return out;
}

}  // namespace otoscope::features
