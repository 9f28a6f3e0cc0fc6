#pragma once
/// Activations on disk (design.md, "Runs on disk"): DIR/SITE/index.json and
/// shard-NNNNN.safetensors. Rows may be frames, tokens, patches or anything; only `audio` knows
/// that a frame is 20 ms.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::store {

/// One clip (or text, image, …) that rows come from.
struct Item {
  std::string id, path, language, speaker, split, prompt_id, cluster, text;
  double offset_s = 0.0, duration_s = 0.0;
  bool speech = true;
  int64_t first_row = 0, n_rows = 0;  // its rows are contiguous in the store
};

/// Where a row comes from.
struct RowOrigin {
  int32_t item = 0;      // index into items
  int32_t frame = 0;     // within the item (decoder sites: token index)
  int32_t window = 0;    // which window of the extraction
  int16_t position = 0;  // place in its window
  int32_t token = -1;    // decoder sites: the token whose position this is
};

struct Statistics {
  int64_t rows = 0;                     // rows they were gathered on
  std::string split;                    // which: train, or all where there are no train rows
  std::vector<double> mean;             // (d)
  double mean_norm = 0.0;               // mean ||x||
  double mean_squared_norm = 0.0;       // mean ||x||^2
  double variance = 0.0;                // mean ||x - mean||^2
  std::vector<float> geometric_median;  // (d), of the first up to 32768 train rows
};

enum class Split : uint8_t { all, train, dev, test };
Split split_named(std::string_view name);

/// An opened store: maps its shards, checks their checksums once on request.
class Store {
 public:
  /// A store's DIR/SITE, a `.npy`, or a `.npz` or `.safetensors` with an array `activations`. What
  /// foreign files say of their rows: docs/store.md, "Foreign files". Where they say nothing,
  /// blocks of consecutive rows (at most 1000, at least 100 blocks where there are so many rows)
  /// stand for items, and of ten items eight are train, one dev, one test.
  static Store open(const std::filesystem::path& path);
  Store(Store&&) noexcept;
  ~Store();

  int64_t rows() const;
  int64_t d() const;
  const std::string& site() const;
  const std::string& model_name() const;
  const std::string& model_hash() const;
  const std::string& unit() const;  // "frame", "token", "row" (unknown)
  /// Stores of tokens: what the decoder was forced with. Empty elsewhere.
  const std::string& context() const;
  bool packed() const;
  bool clusters_by_speaker() const;
  const std::vector<Item>& items() const;
  const Statistics& statistics() const;
  /// Identity of the content: SHA-256 of index.json.
  const std::string& hash() const;
  const std::filesystem::path& path() const;

  /// Global row numbers of a split, ascending.
  std::vector<int64_t> rows_of(Split split) const;
  RowOrigin origin(int64_t row) const;

  /// Copies rows, in the order given, as fp32. out: (rows.size(), d). NaN or infinity: UserError
  /// with row and shard.
  void gather(const std::vector<int64_t>& rows, View<float> out) const;
  /// The contiguous rows [first, first + out.shape[0]).
  void read(int64_t first, View<float> out) const;
  /// Recomputes every shard's SHA-256: UserError names the shard that differs.
  void verify() const;

 private:
  Store();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Batches of rows in a random order that is a pure function of (seed, position): any batch can be
/// had without the ones before it, so a resumed training run sees what the uninterrupted one saw.
/// Each epoch is a new permutation of all rows of the split, computed and never stored (a Feistel
/// network with cycle walking), so memory does not grow with the rows.
class Shuffled {
 public:
  Shuffled(const Store& store, Split split, int64_t batch, uint64_t seed);
  int64_t rows_per_epoch() const;
  /// Batch number i (0, 1, …) -> out (batch, d); the global row numbers in `rows` if not null.
  void batch(int64_t i, View<float> out, std::vector<int64_t>* rows = nullptr) const;

 private:
  const Store& store_;
  struct Range {
    int64_t before, first;  // rows of the split before this range; its first global row
  };
  std::vector<Range> ranges_;
  int64_t n_ = 0, batch_;
  uint64_t seed_;
};

}  // namespace otoscope::store
