/// Music and sounds without voices, to hear what a speech model does where nobody speaks.
#include <algorithm>
#include <set>
#include <tuple>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/time.h"
#include "otoscope/audio/wav.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"
#include "otoscope/io/file.h"
#include "otoscope/store/manifest.h"
#include "store/corpora/build.h"
#include "store/corpora/generated.h"
#include "store/corpora/sound_rules.h"

namespace otoscope::embedded {
extern const std::string_view nonspeech;
}

namespace otoscope::store {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kSeed = 0;
constexpr double kPieceSeconds = 30.0;  // one window of the model
constexpr int kMostPieces = 4;          // of one file: a long piece of music is one source only
constexpr double kShortestSeconds = 0.05;
constexpr size_t kBatch = 32;

struct Found {
  std::string package, file;  // below usr/share
  const SoundRule* rule;
};

bool is_audio(const fs::path& path) {
  static const std::set<std::string> kinds = {".wav", ".ogg", ".oga", ".flac", ".mp3", ".g722"};
  return kinds.contains(path.extension().string());
}

std::vector<Found> find_audio(const std::vector<SoundRule>& rules, const fs::path& packages) {
  std::vector<Found> found;
  std::set<std::string> names;
  for (const SoundRule& rule : rules) names.insert(rule.package);
  for (const std::string& package : names) {
    const fs::path share = packages / package / "usr/share";
    for (const auto& entry : fs::recursive_directory_iterator(share)) {
      // Links are second names of sounds that are there anyway.
      if (entry.is_symlink() || !entry.is_regular_file() || !is_audio(entry.path())) continue;
      const std::string file = entry.path().lexically_relative(share).generic_string();
      if (const SoundRule* rule = rule_for(rules, package, file))
        found.push_back({package, file, rule});
    }
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::tie(a.package, a.file) < std::tie(b.package, b.file);
  });
  return found;
}

double seconds_in(const fs::path& path) {
  audio::Decoder decoder(path);
  std::vector<int16_t> piece(audio::kWindowSamples);
  int64_t samples = 0;
  while (const size_t got = decoder.read(piece)) samples += static_cast<int64_t>(got);
  return audio::seconds_of_samples(samples);
}

struct Measured {
  double seconds = 0.0;
  std::string why_not;  // why it is left out, or ""
};

Measured measure(const Found& found, const fs::path& packages) {
  if (found.rule->kind == "voice" || found.rule->kind == "skip") return {0.0, found.rule->source};
  try {
    const double seconds = seconds_in(packages / found.package / "usr/share" / found.file);
    return {seconds, seconds < kShortestSeconds ? "shorter than 0.05 s" : ""};
  } catch (const UserError& error) {
    return {0.0, error.problem()};
  }
}

/// A file as clips of at most 30 s, spread evenly over it.
void add_clips(std::vector<ClipLine>& clips, const Found& found, double seconds) {
  const int pieces = std::clamp(static_cast<int>(seconds / kPieceSeconds), 1, kMostPieces);
  const double length = std::min(seconds, kPieceSeconds);
  for (int i = 0; i < pieces; ++i) {
    ClipLine clip;
    clip.path = "packages/" + found.package + "/usr/share/" + found.file;
    clip.offset_s = pieces == 1 ? 0.0 : i * (seconds - length) / (pieces - 1);
    clip.duration_s = length;
    clip.text = "";
    fs::path stem = found.file;
    clip.id = found.package + "/" + stem.replace_extension().generic_string() +
              (pieces == 1 ? "" : "#" + std::to_string(i));
    clip.source = source_of(*found.rule, found.file);
    clip.kind = found.rule->kind;
    clip.licence = found.rule->licence;
    clip.speech = false;
    clips.push_back(std::move(clip));
  }
}

void add_generated(std::vector<ClipLine>& clips, const fs::path& folder) {
  io::make_folder(folder / "generated");
  for (const GeneratedSound& sound : generate_sounds(kSeed)) {
    ClipLine clip;
    clip.path = "generated/" + sound.name + ".wav";
    io::write_file(folder / clip.path, audio::encode_wav(sound.pcm));
    clip.duration_s = audio::seconds_of_samples(static_cast<int64_t>(sound.pcm.size()));
    clip.text = "";
    clip.id = clip.source = "generated/" + sound.name;
    clip.kind = sound.kind;
    clip.licence = "CC0-1.0";
    clip.speech = false;
    clips.push_back(std::move(clip));
  }
}

}  // namespace

std::vector<ClipLine> build_nonspeech(const fs::path& packages, const fs::path& folder,
                                      Progress& progress) {
  const std::vector<SoundRule> rules = parse_sound_rules(embedded::nonspeech);
  const std::vector<Found> files = find_audio(rules, packages);
  std::vector<ClipLine> clips;
  std::string left_out = "file\twhy\n";
  progress.start("measuring sounds", static_cast<int64_t>(files.size()), "files");
  for (size_t begin = 0; begin < files.size(); begin += kBatch) {
    throw_if_interrupted();
    const size_t end = std::min(files.size(), begin + kBatch);
    std::vector<Measured> measured(end - begin);
    parallel_ranges(static_cast<int64_t>(measured.size()), 1, [&](int64_t i, int64_t) {
      const auto at = static_cast<size_t>(i);
      measured[at] = measure(files[begin + at], packages);
    });
    for (size_t i = begin; i < end; ++i) {
      const auto& [seconds, why] = measured[i - begin];
      if (why.empty())
        add_clips(clips, files[i], seconds);
      else
        left_out += files[i].package + "/" + files[i].file + "\t" + why + "\n";
    }
    progress.advance(static_cast<int64_t>(end));
  }
  progress.finish();
  add_generated(clips, folder);
  for (ClipLine& clip : clips) clip.split = split_of_sound(clip.source);
  io::write_file(folder / "left_out.tsv", left_out);
  return clips;
}

}  // namespace otoscope::store
