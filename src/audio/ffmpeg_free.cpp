#include "audio/ffmpeg_free.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
}

namespace otoscope::audio {

void Free::operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
void Free::operator()(AVCodecParameters* parameters) const { avcodec_parameters_free(&parameters); }
void Free::operator()(AVFrame* frame) const { av_frame_free(&frame); }
void Free::operator()(AVPacket* packet) const { av_packet_free(&packet); }

}  // namespace otoscope::audio
