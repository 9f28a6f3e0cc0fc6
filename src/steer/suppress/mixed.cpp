#include "steer/suppress/mixed.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/time.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"

namespace otoscope::steer {
namespace {

constexpr int kRatios[] = {10, 0, -10};  // dB
constexpr double kLoudest = .99;

double power_of(const std::vector<float>& pcm) {
  double sum = 0;
  for (const float x : pcm) sum += static_cast<double>(x) * static_cast<double>(x);
  return pcm.empty() ? 0 : sum / static_cast<double>(pcm.size());
}

/// A RIFF/WAVE file of 16-bit mono samples at 16 kHz.
std::string wav_of(const std::vector<float>& pcm) {
  std::string data;
  const auto put = [&](uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) data += static_cast<char>(value >> (8 * i) & 0xFFU);
  };
  const auto bytes = static_cast<uint32_t>(pcm.size() * 2);
  data += "RIFF";
  put(36 + bytes, 4);
  data += "WAVEfmt ";
  put(16, 4);
  put(1, 2);
  put(1, 2);
  put(audio::kSampleRate, 4);
  put(audio::kSampleRate * 2, 4);
  put(2, 2);
  put(16, 2);
  data += "data";
  put(bytes, 4);
  for (const float x : pcm)
    put(static_cast<uint32_t>(static_cast<int32_t>(std::lrint(x * 32767.0F))), 2);
  return data;
}

std::vector<float> mixture(const SoundWindow& speech, const SoundWindow& sound, int ratio) {
  std::vector<float> voice =
      audio::decode_file(speech.clip.path, speech.clip.offset_s, speech.clip.duration_s);
  const std::vector<float> under =
      audio::decode_file(sound.clip.path, sound.clip.offset_s, sound.clip.duration_s);
  const double loud = power_of(under);
  if (under.empty() || loud == 0) return voice;
  const auto gain =
      static_cast<float>(std::sqrt(power_of(voice) / loud / std::pow(10, ratio / 10.)));
  float largest = 0;
  for (size_t i = 0; i < voice.size(); ++i) {
    voice[i] += gain * under[i % under.size()];
    largest = std::max(largest, std::abs(voice[i]));
  }
  if (largest > kLoudest)
    for (float& x : voice) x *= static_cast<float>(kLoudest) / largest;
  return voice;
}

}  // namespace

std::vector<SoundWindow> mix(std::span<const SoundWindow> speech,
                             std::span<const SoundWindow> sounds, int n,
                             const std::filesystem::path& folder) {
  io::make_folder(folder);
  std::vector<SoundWindow> windows;
  std::string lines;
  for (size_t i = 0; i < speech.size() && i < static_cast<size_t>(n) && !sounds.empty(); ++i) {
    const int ratio = kRatios[i % std::size(kRatios)];
    SoundWindow window = speech[i];
    const std::string name = std::to_string(i) + "_" + std::to_string(ratio) + "dB.wav";
    const std::filesystem::path path = folder / name;
    if (!std::filesystem::exists(path))
      io::write_file(path, wav_of(mixture(speech[i], sounds[i % sounds.size()], ratio)));
    window.clip.id = "mixed/" + std::to_string(ratio) + "dB/" + speech[i].clip.id;
    window.clip.path = path;
    window.clip.offset_s = 0;
    window.clip.kind = std::to_string(ratio) + " dB";
    const io::OrderedJson line{{"audio_filepath", name},
                               {"duration", window.clip.duration_s},
                               {"text", window.clip.text.value_or("")},
                               {"id", window.clip.id},
                               {"language", window.clip.language},
                               {"prompt_id", window.clip.prompt_id},
                               {"kind", window.clip.kind}};
    lines += line.dump() + "\n";
    windows.push_back(std::move(window));
  }
  io::write_file(folder / "manifest.jsonl", lines);
  return windows;
}

}  // namespace otoscope::steer
