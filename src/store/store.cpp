#include "otoscope/store/store.h"

#include <cstring>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/io/hash.h"
#include "store/opened.h"
#include "store/statistics.h"

namespace otoscope::store {

struct Store::Impl : Opened {};

Store::Store() : impl_(std::make_unique<Impl>()) {}
Store::Store(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::open(const std::filesystem::path& path) {
  Store store;
  store.impl_->path = path;
  if (path.extension() == ".npy")
    open_npy(*store.impl_);
  else if (path.extension() == ".npz")
    open_npz(*store.impl_);
  else if (path.extension() == ".safetensors")
    open_safetensors(*store.impl_);
  else
    open_folder(*store.impl_);
  return store;
}

int64_t Store::rows() const { return impl_->index.rows; }
int64_t Store::d() const { return impl_->index.header.d; }
const std::string& Store::site() const { return impl_->index.header.site; }
const std::string& Store::model_name() const { return impl_->index.header.model_name; }
const std::string& Store::model_hash() const { return impl_->index.header.model_hash; }
const std::string& Store::unit() const { return impl_->index.header.unit; }
const std::string& Store::context() const { return impl_->index.header.context; }
bool Store::packed() const { return impl_->index.header.packed; }
bool Store::clusters_by_speaker() const { return impl_->index.header.clusters_by_speaker; }
const std::vector<Item>& Store::items() const { return impl_->index.items; }
const std::filesystem::path& Store::path() const { return impl_->path; }

const Statistics& Store::statistics() const {
  Impl& opened = *impl_;
  std::call_once(opened.measured, [&] {
    if (!opened.foreign) return;
    opened.index.statistics = gather_statistics(opened.source, opened.index.items);
  });
  return opened.index.statistics;
}

const std::string& Store::hash() const {
  Impl& opened = *impl_;
  std::call_once(opened.hashed, [&] {
    if (opened.foreign) opened.hash = io::sha256_file(opened.path);
  });
  return opened.hash;
}

std::vector<int64_t> Store::rows_of(Split split) const {
  std::vector<int64_t> rows;
  for (const Item& item : items()) {
    if (!in_split(item, split)) continue;
    for (int64_t i = 0; i < item.n_rows; ++i) rows.push_back(item.first_row + i);
  }
  return rows;
}

RowOrigin Store::origin(int64_t row) const {
  const RowBlock& block = impl_->source.block_of(row);
  const auto at = static_cast<size_t>(row - block.first_row);
  RowOrigin origin;
  const auto number = [&](io::Bytes bytes, int32_t otherwise) {
    int32_t value = otherwise;
    if (!bytes.empty()) std::memcpy(&value, bytes.data() + at * sizeof value, sizeof value);
    return value;
  };
  origin.item = number(block.item, 0);
  origin.frame = number(block.frame, 0);
  origin.window = number(block.window, 0);
  origin.token = number(block.token, -1);
  if (!block.position.empty())
    std::memcpy(&origin.position, block.position.data() + at * 2, 2);
  else
    origin.position = static_cast<int16_t>(origin.frame);
  return origin;
}

void Store::gather(const std::vector<int64_t>& rows, View<float> out) const {
  impl_->source.gather(rows, out);
}

void Store::read(int64_t first, View<float> out) const { impl_->source.read(first, out); }

void Store::verify() const {
  for (size_t i = 0; i < impl_->index.shards.size(); ++i) {
    throw_if_interrupted();
    const Shard& shard = impl_->index.shards[i];
    const std::string got = io::sha256(impl_->files[i].bytes());
    if (got != shard.sha256)
      throw UserError((path() / shard.file).string(),
                      "expected SHA-256 " + shard.sha256 + ", got " + got,
                      "the shard was changed: extract it again");
  }
}

bool in_split(const Item& item, Split split) {
  switch (split) {
    case Split::all:
      return true;
    case Split::train:
      return item.split == "train";
    case Split::dev:
      return item.split == "dev";
    case Split::test:
      return item.split == "test";
  }
  return false;
}

}  // namespace otoscope::store
