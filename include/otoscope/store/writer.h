#pragma once
/// Writes a store shard by shard. It may die at any moment: opened again with the same header and
/// items it goes on after the last whole shard, and the finished files are the same bytes.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/store/store.h"

namespace otoscope::store {

/// What all rows of a store have in common.
struct Header {
  std::string site, model_name, model_hash;
  std::string unit = "frame";  // decoder sites: "token"
  int64_t d = 0;
  std::string dtype = "f16";      // how rows are kept: f16 or f32
  std::string precision = "f32";  // how they were computed: f32 or bf16
  bool packed = false;
  std::string padding = "waveform_zero";
  /// Decoder sites: what the decoder was forced with, "sot, language, …, reference text, eot".
  std::string context;
  bool clusters_by_speaker = false;
  /// What else made the rows (clips, offsets, batch …), as "name=value" lines: a store is resumed
  /// or reused only where all of it is equal.
  std::vector<std::string> plan;
};

class Writer {
 public:
  /// Makes the folder, or takes up what lies there. `items` with first_row and n_rows, ascending.
  /// A folder with other header, plan or items: UserError that names what differs.
  Writer(std::filesystem::path folder, Header header, std::vector<Item> items);
  ~Writer();
  Writer(Writer&&) noexcept;

  /// index.json is there: nothing to do.
  bool finished() const;
  /// Rows in whole shards; the next append continues there.
  int64_t rows_done() const;

  /// Rows for the present shard: x (origins.size(), d). NaN, infinity, or a value beyond f16:
  /// UserError with site, item and frame; nothing of it is kept.
  void append(std::span<const RowOrigin> origins, View<const float> x);
  /// Writes what was appended since the last shard, whole or not at all.
  void end_shard();
  /// All items' rows must be there. Gathers the statistics from the shards, writes index.json.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// True where `folder` holds a finished store with this header, whatever its items; false where it
/// holds none. Another header: UserError that names what differs. Lines of its plan that begin with
/// `unasked` are not compared.
bool finished_store(const std::filesystem::path& folder, const Header& header,
                    const std::string& unasked = "");

/// A whole store at once, for what fits memory: shards of `shard_rows`.
void write_store(const std::filesystem::path& folder, const Header& header,
                 const std::vector<Item>& items, std::span<const RowOrigin> origins,
                 View<const float> x, int64_t shard_rows = 65536);

}  // namespace otoscope::store
