#pragma once
/// What an open store holds, and the three ways to fill it.

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
  bool foreign = false;  // then hash and statistics are made when first asked for
  std::once_flag measured, hashed;
};

void open_folder(Opened& opened);
/// `.npy` of two dimensions.
void open_npy(Opened& opened);
/// `.safetensors` with a tensor `activations` of two dimensions.
void open_safetensors(Opened& opened);

/// A shard's rows, checked against what the index says of it.
RowBlock shard_block(const io::MappedFile& file, const Header& header, const Shard& shard);

bool in_split(const Item& item, Split split);

}  // namespace otoscope::store
