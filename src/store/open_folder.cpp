#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/io/hash.h"
#include "store/opened.h"

namespace otoscope::store {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kIndexLimit = int64_t{2} << 30;

io::Bytes column(const std::map<std::string, io::TensorInfo>& tensors, const char* name,
                 io::Dtype dtype, int64_t rows, const std::string& where) {
  const auto found = tensors.find(name);
  const Shape wanted{rows};
  if (found == tensors.end() || found->second.dtype != dtype || found->second.shape != wanted)
    throw UserError(where,
                    std::string("expected a tensor ") + name + " of dtype " +
                        std::string(io::dtype_name(dtype)) + " and shape " + wanted.str(),
                    "extract it again");
  return found->second.bytes;
}

}  // namespace

RowBlock shard_block(const io::MappedFile& file, const Header& header, const Shard& shard) {
  const std::string where = file.path().string();
  const auto tensors = io::parse_safetensors(file.bytes(), where);
  RowBlock block;
  block.file = where;
  block.first_row = shard.first_row;
  block.rows = shard.rows;
  block.dtype = header.dtype == "f16" ? io::Dtype::f16 : io::Dtype::f32;
  const auto found = tensors.find("activations");
  const Shape wanted{shard.rows, header.d};
  if (found == tensors.end() || found->second.dtype != block.dtype || found->second.shape != wanted)
    throw UserError(
        where,
        "expected a tensor activations of dtype " + header.dtype + " and shape " + wanted.str(),
        "extract it again");
  block.values = found->second.bytes;
  block.item = column(tensors, "item", io::Dtype::i32, shard.rows, where);
  if (header.unit == "token") {
    block.frame = column(tensors, "step", io::Dtype::i32, shard.rows, where);
    block.token = column(tensors, "token", io::Dtype::i32, shard.rows, where);
  } else {
    block.frame = column(tensors, "frame", io::Dtype::i32, shard.rows, where);
    block.window = column(tensors, "window", io::Dtype::i32, shard.rows, where);
    block.position = column(tensors, "position", io::Dtype::i16, shard.rows, where);
  }
  return block;
}

void open_folder(Opened& opened) {
  const fs::path index = opened.path / kIndexName;
  if (!fs::exists(index))
    throw UserError(opened.path.string(),
                    fs::exists(opened.path)
                        ? "expected a store (a folder with index.json), got none"
                        : "expected a store, got nothing of this name",
                    fs::exists(opened.path / "journal.json")
                        ? "the extraction was not finished: run it again, it goes on"
                        : "give the folder of one site, such as activations/encoder.out");
  const std::string text = io::read_file(index, kIndexLimit);
  opened.hash = io::sha256(text);
  opened.index = parse_index(text, index.string());
  std::vector<RowBlock> blocks;
  for (const Shard& shard : opened.index.shards) {
    opened.files.emplace_back(io::inside(opened.path, shard.file, index.string()));
    blocks.push_back(shard_block(opened.files.back(), opened.index.header, shard));
  }
  opened.source = RowSource(opened.index.header.d, std::move(blocks));
}

}  // namespace otoscope::store
