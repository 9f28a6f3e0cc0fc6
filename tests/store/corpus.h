#pragma once
/// A corpus of generated WAV files, and whisper-nano to hear it.

#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "otoscope/core/rng.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/model/whisper.h"
#include "otoscope/store/manifest.h"
#include "support/close.h"

namespace otoscope::testing {

inline const model::Whisper& nano() {
  static const model::Whisper model = model::Whisper::load(golden("whisper_nano"));
  return model;
}

inline void write_wav(const std::filesystem::path& path, const std::vector<int16_t>& pcm) {
  std::string file = "RIFF....WAVEfmt ";
  const auto number = [&](auto value) {
    file.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const auto bytes = static_cast<uint32_t>(pcm.size() * 2);
  number(uint32_t{16});
  number(uint16_t{1});
  number(uint16_t{1});
  number(uint32_t{16000});
  number(uint32_t{32000});
  number(uint16_t{2});
  number(uint16_t{16});
  file += "data";
  number(bytes);
  file.append(reinterpret_cast<const char*>(pcm.data()), bytes);
  const auto riff = static_cast<uint32_t>(file.size() - 8);
  std::memcpy(file.data() + 4, &riff, 4);
  io::write_file(path, file);
}

/// A gliding tone in noise; every clip another.
inline std::vector<int16_t> sound(int64_t samples, uint64_t seed) {
  Rng rng(seed, "sound");
  const double pitch = rng.uniform(100, 2000), glide = rng.uniform(-200, 200);
  std::vector<int16_t> pcm(static_cast<size_t>(samples));
  for (size_t i = 0; i < pcm.size(); ++i) {
    const double t = static_cast<double>(i) / 16000;
    pcm[i] = static_cast<int16_t>(6000 * std::sin(6.2832 * (pitch + glide * t) * t) +
                                  300 * rng.normal());
  }
  return pcm;
}

/// One clip per length, in two languages, splits assigned.
inline std::vector<store::Clip> corpus(const std::filesystem::path& folder,
                                       const std::vector<int64_t>& lengths) {
  std::vector<store::Clip> clips;
  for (size_t i = 0; i < lengths.size(); ++i) {
    store::Clip clip;
    clip.id = "clip" + std::to_string(i);
    clip.path = folder / (clip.id + ".wav");
    clip.language = i % 3 == 0 ? "fr" : "en";
    clip.prompt_id = clip.id;
    clip.text = "text " + std::to_string(i);
    if (!std::filesystem::exists(clip.path)) write_wav(clip.path, sound(lengths[i], i));
    clips.push_back(std::move(clip));
  }
  store::assign_splits(clips);
  return clips;
}

/// Names and bytes of everything below a folder, as one hash.
inline std::string hash_of_tree(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().filename() != ".lock")
      files[fs::relative(entry.path(), folder).string()] = io::sha256_file(entry.path());
  std::string all;
  for (const auto& [name, hash] : files) all += name + " " + hash + "\n";
  return io::sha256(all);
}

}  // namespace otoscope::testing
