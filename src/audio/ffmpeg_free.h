#pragma once
/// FFmpeg's objects, freed when their owner goes.

#include <memory>

struct AVCodecContext;
struct AVCodecParameters;
struct AVFrame;
struct AVPacket;

namespace otoscope::audio {

struct Free {
  void operator()(AVCodecContext* context) const;
  void operator()(AVCodecParameters* parameters) const;
  void operator()(AVFrame* frame) const;
  void operator()(AVPacket* packet) const;
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

}  // namespace otoscope::audio
