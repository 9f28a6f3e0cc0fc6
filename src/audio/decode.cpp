#include "otoscope/audio/decode.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "audio/byte_source.h"
#include "audio/frame_reader.h"
#include "audio/resampler.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::audio {
namespace {

/// decode_file holds floats: this many seconds are 2.8 GB. Longer files go through Recording.
constexpr double kLongestSeconds = 12 * 3600.0;

}  // namespace

struct Decoder::Impl {
  explicit Impl(std::unique_ptr<ByteSource> source) : frames(std::move(source)) { fill(); }

  /// Decodes until there are samples to give or the file ends.
  void fill();

  FrameReader frames;
  Resampler resampler;
  std::vector<int16_t> ready;
  size_t taken = 0;
  bool ended = false, any = false;
};

void Decoder::Impl::fill() {
  ready.clear();
  taken = 0;
  while (ready.empty() && !ended) {
    const AVFrame* frame = frames.next();
    if (frame != nullptr) {
      resampler.push(*frame, frames.name(), ready);
    } else {
      resampler.flush(ready);
      ended = true;
    }
  }
  any = any || !ready.empty();
  if (!any) {
    const std::string& reason = frames.last_error();
    throw UserError(frames.name(),
                    "expected audio, got a stream without a single sample" +
                        (reason.empty() ? std::string() : " (" + reason + ")"),
                    "the file is empty or damaged: fetch or record it again");
  }
}

Decoder::Decoder(const std::filesystem::path& path)
    : impl_(std::make_unique<Impl>(ByteSource::open(path))) {}
Decoder::Decoder(io::Bytes bytes, std::string name)
    : impl_(std::make_unique<Impl>(ByteSource::of(bytes, std::move(name)))) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

size_t Decoder::read(std::span<int16_t> out) {
  size_t filled = 0;
  while (filled < out.size()) {
    if (impl_->taken == impl_->ready.size()) {
      if (impl_->ended) break;
      impl_->fill();
      continue;
    }
    const size_t n = std::min(out.size() - filled, impl_->ready.size() - impl_->taken);
    std::copy_n(impl_->ready.data() + impl_->taken, n, out.data() + filled);
    impl_->taken += n;
    filled += n;
  }
  return filled;
}

std::vector<float> decode_file(const std::filesystem::path& path, double offset_s,
                               double duration_s) {
  if (!(offset_s >= 0.0) || std::isnan(duration_s))
    throw UserError(path.string(),
                    fmt::format("expected an offset of 0 s or more, got {}", offset_s),
                    "correct `offset` and `duration`");
  Decoder decoder(path);
  auto samples_of = [](double seconds) {
    return static_cast<int64_t>(std::llround(std::min(seconds, 1e9) * kSampleRate));
  };
  int64_t to_skip = samples_of(offset_s);
  int64_t to_keep = samples_of(duration_s < 0 ? 1e9 : duration_s);
  std::vector<int16_t> piece(static_cast<size_t>(kSampleRate));
  std::vector<float> out;
  while (to_keep > 0) {
    throw_if_interrupted();
    const size_t got = decoder.read(piece);
    if (got == 0) break;
    const int64_t skipped = std::min<int64_t>(to_skip, static_cast<int64_t>(got));
    const int64_t kept = std::min<int64_t>(to_keep, static_cast<int64_t>(got) - skipped);
    to_skip -= skipped;
    to_keep -= kept;
    for (int64_t i = 0; i < kept; ++i)
      out.push_back(static_cast<float>(piece[static_cast<size_t>(skipped + i)]) / 32768.0f);
    if (static_cast<double>(out.size()) > kLongestSeconds * kSampleRate)
      throw UserError(path.string(), "expected at most 12 h of audio in one piece, got more",
                      "cut it, or state `offset` and `duration`");
  }
  if (out.empty() && duration_s != 0.0)
    throw UserError(
        path.string(),
        fmt::format("expected audio from {} s on, got a file that ends before", offset_s),
        "correct `offset`");
  return out;
}

}  // namespace otoscope::audio
