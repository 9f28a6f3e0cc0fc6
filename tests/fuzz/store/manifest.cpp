// Any bytes as a manifest: clips with ids of their own and a part of the corpus each, or a
// UserError.
#include <set>

#include "fuzz/folder.h"
#include "otoscope/core/errors.h"
#include "store/manifest_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  try {
    store::Manifest manifest =
        store::parse_manifest(fuzzing::text_of(data, size), "folder/manifest.jsonl");
    store::assign_splits(manifest.clips);
    const bool by_speaker = store::clusters_by_speaker(manifest.clips);
    std::set<std::string> ids;
    for (const store::Clip& clip : manifest.clips) {
      if (!ids.insert(clip.id).second) __builtin_trap();
      if (clip.split != "train" && clip.split != "dev" && clip.split != "test") __builtin_trap();
      if (!(clip.offset_s >= 0)) __builtin_trap();
      store::cluster_of(clip, by_speaker);
    }
  } catch (const UserError&) {
  }
  return 0;
}
