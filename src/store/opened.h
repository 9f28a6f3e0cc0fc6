#pragma once
/// What an open store holds, and the ways to fill it.

#include <array>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "otoscope/io/file.h"
#include "otoscope/store/store.h"
#include "store/index.h"
#include "store/row_source.h"

namespace otoscope::store {

struct Opened {
  std::filesystem::path path;
  Index index;
  std::vector<io::MappedFile> files;  // one a shard
  RowSource source;
  std::string hash;
  // Foreign files: item, frame and token of the rows, and an array that had to be inflated.
  std::array<std::vector<int32_t>, 3> columns;
  std::string unpacked;
  bool foreign = false;  // then hash and statistics are made when first asked for
  std::once_flag measured, hashed;
};

void open_folder(Opened& opened);
/// `.npy` of two dimensions; `.npz` and `.safetensors` with such an array `activations`. What else
/// they say of their rows: foreign_rows.h.
void open_npy(Opened& opened);
void open_npz(Opened& opened);
void open_safetensors(Opened& opened);

/// A shard's rows, checked against what the index says of it.
RowBlock shard_block(const io::MappedFile& file, const Header& header, const Shard& shard);

bool in_split(const Item& item, Split split);

}  // namespace otoscope::store
