// Any bytes as a folder of sparse codes: index.json, a zero byte, its one shard. Rows of ascending
// features below F, or a UserError.
#include "otoscope/sae/codes.h"
#include "fuzz/folder.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  static const fuzzing::Folder folder("codes");
  std::string_view shard = fuzzing::text_of(data, size);
  folder.write("index.json", fuzzing::take_part(shard));
  folder.write("codes-00000.safetensors", shard);
  try {
    const auto codes = sae::Codes::open(folder.path());
    for (int64_t s = 0; s < std::min<int64_t>(codes.shards(), 4); ++s) {
      const SparseRows rows = codes.shard(s);
      for (size_t b = 0; b + 1 < rows.indptr.size(); ++b)
        for (auto e = static_cast<size_t>(rows.indptr[b]);
             e < static_cast<size_t>(rows.indptr[b + 1]); ++e)
          if (rows.indices[e] < 0 || rows.indices[e] >= codes.F()) __builtin_trap();
    }
  } catch (const UserError&) {
  }
  return 0;
}
