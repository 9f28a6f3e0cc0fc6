#include "otoscope/sae/codes.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "otoscope/core/interrupt.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"

namespace otoscope::sae {
namespace {

constexpr int64_t kRowsPerShard = 131072;
constexpr int64_t kRowsPerBlock = 4096;
constexpr const char* kSchema = "otoscope.codes";

const char* split_name(store::Split split) {
  constexpr const char* kNames[] = {"all", "train", "dev", "test"};
  return kNames[static_cast<size_t>(split)];
}

std::string shard_name(int64_t i) {
  char name[40];
  std::snprintf(name, sizeof name, "codes-%05lld.safetensors", static_cast<long long>(i));
  return name;
}

void append(const SparseRows& part, SparseRows& all) {
  const int64_t base = all.nnz();
  for (size_t b = 1; b < part.indptr.size(); ++b) all.indptr.push_back(base + part.indptr[b]);
  all.indices.insert(all.indices.end(), part.indices.begin(), part.indices.end());
  all.values.insert(all.values.end(), part.values.begin(), part.values.end());
}

/// The number of codes that every row has, or 0.
int64_t equal_count(const SparseRows& codes) {
  const int64_t k = codes.rows() > 0 ? codes.nnz() / codes.rows() : 0;
  for (size_t b = 1; b < codes.indptr.size(); ++b)
    if (codes.indptr[b] - codes.indptr[b - 1] != k) return 0;
  return k;
}

std::string write_shard(const std::filesystem::path& path, const SparseRows& codes) {
  const View<const int64_t> indptr{codes.indptr.data(), {codes.rows() + 1}};
  const View<const int32_t> indices{codes.indices.data(), {codes.nnz()}};
  const View<const float> values{codes.values.data(), {codes.nnz()}};
  std::vector<io::NamedTensor> tensors = {
      io::named("indptr", indptr), io::named("indices", indices), io::named("values", values)};
  if (const int64_t k = equal_count(codes); k > 0) {
    const Shape shape{codes.rows(), k};
    tensors.push_back(io::named("topk_indices", indices.reshaped(shape)));
    tensors.push_back(io::named("topk_values", values.reshaped(shape)));
  }
  return io::write_safetensors(path, std::move(tensors));
}

const io::Json& shards_in(const io::Json& index, const std::string& where) {
  const io::Json& shards = io::member_at(index, "shards", where);
  if (!shards.is_array()) throw UserError(where, "expected a list at shards");
  return shards;
}

}  // namespace

CodesReport encode_store(const Sae& sae, const store::Store& store, store::Split split,
                         const std::filesystem::path& out, Progress& progress) {
  if (sae.d() != store.d())
    throw UserError("--sae",
                    "expected an SAE of width " + std::to_string(store.d()) +
                        " (the activations'), got " + std::to_string(sae.d()),
                    "the SAE was trained on another site or model");
  io::make_folder(out);
  const io::FolderLock lock(out);
  const std::vector<int64_t> rows = store.rows_of(split);
  const auto n = static_cast<int64_t>(rows.size());
  io::OrderedJson index = {{"schema", kSchema},
                           {"version", 1},
                           {"sae", sae.hash},
                           {"activations", store.hash()},
                           {"site", store.site()},
                           {"split", split_name(split)},
                           {"latents", sae.F()},
                           {"rows", n},
                           {"rows_per_shard", kRowsPerShard}};
  const auto path = out / "index.json";
  io::OrderedJson shards = io::OrderedJson::array();
  if (std::filesystem::exists(path)) {
    io::Json old = io::read_json(path);
    for (const io::Json& shard : shards_in(old, path.string()))
      io::integer_at(shard, "nnz", path.string());
    shards = io::OrderedJson::parse(old["shards"].dump());
    old.erase("shards"), old.erase("nnz");
    if (old != io::Json::parse(index.dump()))
      throw UserError(out.string(), "holds the codes of another SAE, other activations or split",
                      "give another --out, or remove the folder");
  }
  const Encoder encoder(sae);
  CodesReport report;
  report.rows = n;
  report.reused = true;
  progress.start("encode", n, "rows");
  const int64_t count = (n + kRowsPerShard - 1) / kRowsPerShard;
  for (int64_t s = 0; s < count; ++s, ++report.shards) {
    const int64_t begin = s * kRowsPerShard, end = std::min(n, begin + kRowsPerShard);
    if (s < static_cast<int64_t>(shards.size())) {
      report.nnz += shards[static_cast<size_t>(s)]["nnz"].get<int64_t>();
      continue;
    }
    report.reused = false;
    SparseRows codes, part;
    for (int64_t from = begin; from < end; from += kRowsPerBlock) {
      throw_if_interrupted();
      const int64_t to = std::min(end, from + kRowsPerBlock);
      auto x = Tensor<float>::uninitialized({to - from, store.d()});
      store.gather({rows.begin() + from, rows.begin() + to}, x);
      encoder.encode(x, part);
      append(part, codes);
      progress.advance(to);
    }
    const std::string hash = write_shard(out / shard_name(s), codes);
    shards.push_back(
        {{"file", shard_name(s)}, {"rows", end - begin}, {"nnz", codes.nnz()}, {"sha256", hash}});
    report.nnz += codes.nnz();
    index["nnz"] = report.nnz, index["shards"] = shards;
    io::write_json(path, index);
  }
  if (count == 0) {
    index["nnz"] = 0, index["shards"] = shards;
    io::write_json(path, index);
  }
  progress.finish();
  return report;
}

Codes Codes::open(const std::filesystem::path& folder) {
  const std::string where = (folder / "index.json").string();
  const io::Json index = io::read_json(folder / "index.json");
  if (io::string_at(index, "schema", where) != kSchema)
    throw UserError(where, std::string("expected schema ") + kSchema);
  Codes codes;
  codes.folder_ = folder;
  codes.F_ = io::integer_at(index, "latents", where);
  if (codes.F_ < 1 || codes.F_ > std::numeric_limits<int32_t>::max())
    throw UserError(where, "expected 1 to 2^31 - 1 latents, got " + std::to_string(codes.F_));
  codes.sae_hash_ = io::string_at(index, "sae", where);
  codes.store_hash_ = io::string_at(index, "activations", where);
  for (const io::Json& shard : shards_in(index, where)) {
    codes.files_.push_back(io::inside(folder, io::string_at(shard, "file", where), where).string());
    codes.first_.push_back(codes.rows_);
    const int64_t rows = io::integer_at(shard, "rows", where);
    if (rows < 0 || rows > (int64_t{1} << 40)) throw UserError(where, "a shard has no such rows");
    codes.rows_ += rows;
  }
  if (codes.rows_ != io::integer_at(index, "rows", where))
    throw UserError(where,
                    "the shards hold " + std::to_string(codes.rows_) + " of " +
                        std::to_string(io::integer_at(index, "rows", where)) + " rows",
                    "run encode again: it goes on where it was");
  return codes;
}

SparseRows Codes::shard(int64_t i) const {
  const auto s = static_cast<size_t>(i);
  OTO_ASSERT(s < files_.size());
  const std::string& where = files_[s];
  const auto file = io::Safetensors::open(where);
  const int64_t n = (s + 1 < first_.size() ? first_[s + 1] : rows_) - first_[s];
  const Tensor<int64_t> indptr = file.integers("indptr"), indices = file.integers("indices");
  const Tensor<float> values = file.floats("values", indices.shape());
  if (indptr.shape() != Shape{n + 1} || indptr[0] != 0 || indptr[n] != indices.size())
    throw UserError(where, "indptr does not fit " + std::to_string(n) + " rows and " +
                               std::to_string(indices.size()) + " codes");
  for (int64_t b = 0; b < n; ++b)
    if (indptr[b + 1] < indptr[b]) throw UserError(where, "indptr falls");
  SparseRows codes;
  codes.indptr.assign(indptr.data(), indptr.data() + n + 1);
  codes.values.assign(values.data(), values.data() + values.size());
  codes.indices.resize(codes.values.size());
  for (int64_t b = 0; b < n; ++b)
    for (int64_t e = indptr[b]; e < indptr[b + 1]; ++e) {
      if (indices[e] < 0 || indices[e] >= F_ || (e > indptr[b] && indices[e] <= indices[e - 1]) ||
          !std::isfinite(values[e]))
        throw UserError(
            where, "code " + std::to_string(e) + " is not finite, out of range or out of order");
      codes.indices[static_cast<size_t>(e)] = static_cast<int32_t>(indices[e]);
    }
  return codes;
}

}  // namespace otoscope::sae
