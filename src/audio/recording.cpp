#include "otoscope/audio/recording.h"

#include <algorithm>
#include <optional>

#include "audio/mel_bank.h"
#include "otoscope/audio/decode.h"
#include "otoscope/audio/mel.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::audio {
namespace {

constexpr int64_t kZeros = kWindowSamples;  // openai-whisper appends 30 s to every recording
constexpr int64_t kPieceFrames = 3000;
constexpr float kFloor = -10.0f;                         // log10 mel power of silence
constexpr int64_t kHistorySamples = 2 * kWindowSamples;  // kept behind the last segment

}  // namespace

struct Recording::Impl {
  std::filesystem::path path;
  int n_mels = 0;
  int64_t resident_samples = 0;
  int64_t samples = 0;  // all of them; while scanning, those seen
  float maximum = kFloor;
  std::optional<Decoder> decoder;
  std::vector<int16_t> buffer;  // samples [base, base + buffer.size())
  int64_t base = 0;
  bool resident = true;

  int64_t end() const { return base + static_cast<int64_t>(buffer.size()); }
  int64_t content_frames() const { return samples / kHopSamples; }

  size_t decode_piece();
  void forget_before(int64_t sample);
  void scan();
  void measure(int64_t& done, int64_t ready);
  void reach(int64_t first, int64_t last);
  void fetch(int64_t first, int64_t n, float* out);
  Tensor<float> log10_mel(int64_t first, int64_t n);
};

size_t Recording::Impl::decode_piece() {
  throw_if_interrupted();
  const size_t before = buffer.size();
  buffer.resize(before + static_cast<size_t>(kWindowSamples));
  const size_t got = decoder->read(std::span(buffer).subspan(before));
  buffer.resize(before + got);
  return got;
}

/// Moving what is kept is not free: done only when there is much to forget.
void Recording::Impl::forget_before(int64_t sample) {
  const int64_t surplus = std::min(sample, end()) - base;
  if (surplus < kHistorySamples) return;
  buffer.erase(buffer.begin(), buffer.begin() + surplus);
  base += surplus;
}

/// Takes frames [done, ready) into the maximum.
void Recording::Impl::measure(int64_t& done, int64_t ready) {
  while (n_mels > 0 && done < ready) {
    const int64_t n = std::min(kPieceFrames, ready - done);
    const Tensor<float> mel = log10_mel(done, n);
    for (const float x : mel.view().span()) maximum = std::max(maximum, x);
    done += n;
  }
  done = std::max(done, ready);
}

void Recording::Impl::scan() {
  int64_t done = 0;
  // What may stay is asked for at once: untouched memory costs nothing, growing by doubling would
  // cost three times as much at its worst moment.
  buffer.reserve(static_cast<size_t>(resident_samples + kWindowSamples));
  while (const size_t got = decode_piece()) {
    samples += static_cast<int64_t>(got);
    // A frame is complete when the 200 samples after its centre are there.
    if (samples > 2 * kFramePad) measure(done, (samples - kFramePad) / kHopSamples + 1);
    if (samples <= resident_samples) continue;
    forget_before(done * kHopSamples - kFramePad);
    if (resident) buffer.shrink_to_fit();  // from here on a window or two
    resident = false;
  }
  // Frames further on hear nothing but the zeros: kFloor.
  measure(done, content_frames() + 3);
  decoder.reset();
  if (resident) return;
  buffer = {};
  base = samples;  // nothing at hand: the first question starts the second reading
}

/// Makes samples [first, last) available.
void Recording::Impl::reach(int64_t first, int64_t last) {
  if (first >= base && last <= end()) return;
  OTO_ASSERT(!resident);
  if (first < base || !decoder) {
    decoder.emplace(path);
    buffer.clear();
    base = 0;
  }
  while (end() < last) {
    forget_before(first - kHistorySamples);
    if (decode_piece() == 0)
      throw UserError(path.string(), "expected the same file as at first, got a shorter one",
                      "leave the file alone while it is read");
  }
}

void Recording::Impl::fetch(int64_t first, int64_t n, float* out) {
  OTO_ASSERT(first >= 0 && n >= 0);
  const int64_t from = std::min(first, samples), to = std::min(first + n, samples);
  if (from < to) reach(from, to);
  for (int64_t i = from; i < to; ++i)
    out[i - first] = static_cast<float>(buffer[static_cast<size_t>(i - base)]) / 32768.0f;
  std::fill(out + (to - from), out + n, 0.0f);
}

Tensor<float> Recording::Impl::log10_mel(int64_t first, int64_t n) {
  auto out = Tensor<float>::uninitialized(Shape{n, n_mels});
  if (n == 0) return out;
  const int64_t all = samples + kZeros;
  const int64_t begin = first * kHopSamples - kFramePad;
  const int64_t last = (first + n - 1) * kHopSamples + kFramePad;
  std::vector<float> padded(static_cast<size_t>(last - begin));
  const int64_t inner_begin = std::max<int64_t>(begin, 0), inner_end = std::min(last, all);
  fetch(inner_begin, inner_end - inner_begin, padded.data() + (inner_begin - begin));
  for (int64_t i = begin; i < 0; ++i) fetch(reflected(i, all), 1, padded.data() + (i - begin));
  for (int64_t i = all; i < last; ++i) fetch(reflected(i, all), 1, padded.data() + (i - begin));
  MelBank::of(n_mels).log10_power(padded.data(), out);
  return out;
}

Recording::Recording() : impl_(std::make_unique<Impl>()) {}
Recording::Recording(Recording&&) noexcept = default;
Recording& Recording::operator=(Recording&&) noexcept = default;
Recording::~Recording() = default;

Recording Recording::open(const std::filesystem::path& path, int n_mels, int64_t resident_bytes) {
  Recording recording;
  Impl& s = *recording.impl_;
  s.path = path;
  s.n_mels = n_mels;
  s.resident_samples = resident_bytes / static_cast<int64_t>(sizeof(int16_t));
  s.decoder.emplace(path);
  s.scan();
  return recording;
}

Recording Recording::of_pcm(std::span<const int16_t> pcm, int n_mels) {
  Recording recording;
  Impl& s = *recording.impl_;
  s.n_mels = n_mels;
  s.buffer.assign(pcm.begin(), pcm.end());
  s.samples = static_cast<int64_t>(pcm.size());
  int64_t done = 0;
  s.measure(done, s.content_frames() + 3);
  return recording;
}

int64_t Recording::samples() const { return impl_->samples; }
int64_t Recording::content_frames() const { return impl_->content_frames(); }
int Recording::n_mels() const { return impl_->n_mels; }
float Recording::maximum() const { return impl_->maximum; }

Tensor<float> Recording::log_mel(int64_t first, int64_t n) {
  Impl& s = *impl_;
  OTO_ASSERT(s.n_mels > 0 && first >= 0 && n >= 0);
  OTO_ASSERT(first + n <= s.content_frames() + kZeros / kHopSamples);
  Tensor<float> mel = s.log10_mel(first, n);
  finish_log_mel(mel, s.maximum);
  return mel;
}

Tensor<float> Recording::log_mel_segment(int64_t first, int64_t n, int64_t frames) {
  OTO_ASSERT(n <= frames);
  const Tensor<float> head = log_mel(first, n);
  Tensor<float> out(Shape{frames, n_mels()});
  std::copy_n(head.data(), head.size(), out.data());
  return out;
}

std::vector<float> Recording::pcm(int64_t first, int64_t n) {
  std::vector<float> out(static_cast<size_t>(n));
  impl_->fetch(first, n, out.data());
  return out;
}

}  // namespace otoscope::audio
