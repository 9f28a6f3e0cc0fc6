#pragma once
/// Sparse codes of a store on disk: OUT/index.json and codes-NNNNN.safetensors, CSR per shard
/// (design.md, "Runs on disk"): `indptr` int64 (n + 1, from 0), `indices` int32, `values` f32.
/// Where every row of a shard has exactly k codes, also `topk_indices` and `topk_values` (n, k).

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/store.h"

namespace otoscope::sae {

struct CodesReport {
  int64_t rows = 0, nnz = 0, shards = 0;
  bool reused = false;
};

/// Encodes all rows of the split, in store order. Shards that are whole are kept, so an interrupted
/// call goes on; a folder of another SAE, store or split is refused.
CodesReport encode_store(const Sae& sae, const store::Store& store, store::Split split,
                         const std::filesystem::path& out, Progress& progress);

/// Codes on disk. Every shard is checked when it is read: ascending indices below F, finite values.
class Codes {
 public:
  static Codes open(const std::filesystem::path& folder);
  int64_t rows() const { return rows_; }
  int64_t F() const { return F_; }
  int64_t shards() const { return static_cast<int64_t>(files_.size()); }
  /// The codes of one shard; its first row is row first_row(shard) of the encoded split.
  SparseRows shard(int64_t i) const;
  int64_t first_row(int64_t i) const { return first_[static_cast<size_t>(i)]; }
  const std::string& sae_hash() const { return sae_hash_; }
  const std::string& store_hash() const { return store_hash_; }

 private:
  std::filesystem::path folder_;
  int64_t rows_ = 0, F_ = 0;
  std::vector<std::string> files_;
  std::vector<int64_t> first_;
  std::string sae_hash_, store_hash_;
};

}  // namespace otoscope::sae
