#pragma once
/// Activations of many sites from one pass over a corpus, each written to OUT/SITE.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/model/site.h"
#include "otoscope/model/whisper.h"
#include "otoscope/store/manifest.h"

namespace otoscope::store {

struct ExtractOptions {
  bool pack = false;
  std::string store = "f16";
  int batch = 4;
  std::string padding = "waveform_zero", forced = "reference";
  int shift_ms = 0;
  int shard_mb = 64;
  std::string split = "all";
  int64_t limit = 0;
  uint64_t pack_seed = 0;  // of the order of clips within a window

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("pack", o.pack,
      "put clips of one language and split into one window, each on a multiple of 320 samples, "
      "0.3 s of silence between");
    v("store", o.store, "how rows are kept", Choices{{"f16", "f32"}});
    v("batch", o.batch, "windows per forward", Range{1, 256});
    v("padding", o.padding, "what follows the audio in a window",
      Choices{{"waveform_zero", "mel_zero"}});
    v("forced", o.forced,
      "decoder sites: the reference text, or own: what the model itself writes, greedily with "
      "timestamps, at most 64 tokens; clips then need no text, and rows begin with the prompt",
      Choices{{"reference", "own"}});
    v("shift-ms", o.shift_ms, "without --pack: each clip begins so much later in its window",
      Range{0, 30000});
    v("shard-mb", o.shard_mb, "size of a shard", Range{1, 4096});
    v("split", o.split, "clips of one split only", Choices{{"all", "train", "dev", "test"}});
    v("limit", o.limit, "of these so many a corpus, the first by hash of their id; 0 = all",
      Range{0, 1e12});
  }
};

struct ExtractReport {
  int64_t clips = 0, rows = 0, windows = 0;
  double audio_s = 0;    // audio in the corpus
  double seconds = 0;    // of this run; 0 where everything was there
  double forward_s = 0;  // of them in the model
  bool reused = false;   // all sites were finished before
};

/// The clips that split and limit leave, in the order given.
std::vector<Clip> selected(const std::vector<Clip>& clips, const ExtractOptions& options);

/// Rows of valid frames only (methods.md §0), in the order of clips in windows, the same for all
/// sites. Killed at any moment and called again it goes on, and the files are the same bytes; a
/// folder made with other options is refused. Sites must be row sites, all of the encoder with one
/// row a frame (not encoder.mel, encoder.conv1), or all of the decoder with one row a token: there
/// the decoder hears each clip alone and is forced with its reference text, and the rows are the
/// positions that predict text or eot. Every clip then needs a text, a language and one window; or,
/// with `forced` own, it is forced with what the model writes itself, sounds in English, and all
/// positions are rows.
/// `clips` is the whole corpus with its splits: what is a cluster hangs on all of it. Only one
/// process at a time works in `out`.
ExtractReport extract(const model::Whisper& model, const std::string& model_name,
                      const std::vector<model::Site>& sites, const std::vector<Clip>& clips,
                      const ExtractOptions& options, const std::filesystem::path& out,
                      Progress& progress);

}  // namespace otoscope::store
