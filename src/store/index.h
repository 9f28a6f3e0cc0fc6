#pragma once
/// index.json as a struct: what it says, checked before anybody trusts it.

#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/store/store.h"
#include "otoscope/store/writer.h"

namespace otoscope::store {

struct Shard {
  std::string file;
  int64_t rows = 0, first_row = 0;
  std::string sha256;
};

struct Index {
  Header header;
  int64_t rows = 0;
  std::vector<Shard> shards;
  std::vector<Item> items;
  Statistics statistics;
};

/// One item and one shard a line: people read it, and 100,000 items stay small.
std::string index_text(const Index& index);
/// Shards and items must tile the rows; UserError names the file and the key.
Index parse_index(std::string_view text, std::string_view where);

inline constexpr const char* kIndexName = "index.json";
std::string shard_name(int64_t number);

}  // namespace otoscope::store
