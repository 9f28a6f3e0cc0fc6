#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"

namespace otoscope::io {
namespace {

constexpr uint64_t kMaxHeader = 100'000'000;

struct Named {
  Dtype dtype;
  std::string_view name;
  int64_t bytes;
};
constexpr Named kDtypes[] = {
    {Dtype::f32, "F32", 4},      {Dtype::f16, "F16", 2}, {Dtype::bf16, "BF16", 2},
    {Dtype::f64, "F64", 8},      {Dtype::i64, "I64", 8}, {Dtype::i32, "I32", 4},
    {Dtype::i16, "I16", 2},      {Dtype::i8, "I8", 1},   {Dtype::u8, "U8", 1},
    {Dtype::u16, "U16", 2},      {Dtype::u32, "U32", 4}, {Dtype::u64, "U64", 8},
    {Dtype::boolean, "BOOL", 1},
};

const Named& entry_of(Dtype dtype) {
  for (const Named& entry : kDtypes)
    if (entry.dtype == dtype) return entry;
  OTO_ASSERT(false);
  std::abort();
}

/// One entry of the header, checked by itself; where its bytes lie is checked by the caller.
struct Entry {
  std::string name;
  TensorInfo info;
  uint64_t begin = 0, end = 0;
};

class HeaderReader {
 public:
  explicit HeaderReader(std::string_view where) : where_(where) {}

  Entry entry(const std::string& name, const Json& json) const {
    Entry result;
    result.name = name;
    if (!json.is_object()) refuse(name, "an object", json);
    const std::string dtype = string_at(json, "dtype", place(name));
    const auto known = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                    [&](const Named& one) { return one.name == dtype; });
    if (known == std::end(kDtypes))
      throw UserError(where_,
                      "expected a dtype that otoscope reads, got " + dtype + " at " + quoted(name),
                      "convert the file to F32, F16 or BF16");
    result.info.dtype = known->dtype;

    const Json& shape = member_at(json, "shape", place(name));
    if (!shape.is_array()) refuse(name, "a list as shape", shape);
    if (shape.size() > Shape::kMaxRank)
      throw UserError(where_, "expected at most " + std::to_string(Shape::kMaxRank) +
                                  " dimensions, got " + std::to_string(shape.size()) + " at " +
                                  quoted(name));
    bool fits = true;
    uint64_t bytes = static_cast<uint64_t>(known->bytes);
    for (const Json& size : shape) {
      const uint64_t value = natural(name, size);
      result.info.shape.push_back(static_cast<int64_t>(value));
      uint64_t product = 0;
      fits = fits && !__builtin_mul_overflow(bytes, value, &product) &&
             product <= static_cast<uint64_t>(INT64_MAX);
      bytes = product;
    }
    if (!fits)
      throw UserError(
          where_, "expected a shape that fits memory at " + quoted(name) + ", got " + shape.dump());

    const Json& offsets = member_at(json, "data_offsets", place(name));
    if (!offsets.is_array() || offsets.size() != 2) refuse(name, "two data_offsets", offsets);
    result.begin = natural(name, offsets[0]);
    result.end = natural(name, offsets[1]);
    if (result.end < result.begin || result.end - result.begin != bytes)
      throw UserError(where_, "expected " + std::to_string(bytes) + " bytes for " + dtype + " " +
                                  shape.dump() + " at " + quoted(name) + ", got offsets " +
                                  offsets.dump());
    return result;
  }

 private:
  static std::string quoted(const std::string& name) { return "tensor \"" + name + "\""; }
  std::string place(const std::string& name) const { return where_ + ", " + quoted(name); }
  [[noreturn]] void refuse(const std::string& name, const char* what, const Json& got) const {
    throw UserError(place(name),
                    std::string("expected ") + what + ", got " + got.dump().substr(0, 60));
  }
  uint64_t natural(const std::string& name, const Json& json) const {
    if (!json.is_number_unsigned() || json.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
      refuse(name, "a whole number of at least 0", json);
    return json.get<uint64_t>();
  }

  std::string where_;
};

std::map<std::string, std::string> metadata_of(const Json& json, std::string_view where) {
  std::map<std::string, std::string> metadata;
  if (!json.is_object())
    throw UserError(where,
                    std::string("expected an object as __metadata__, got ") + json.type_name());
  for (auto it = json.begin(); it != json.end(); ++it) {
    if (!it.value().is_string())
      throw UserError(where, "expected a text at __metadata__ key " + it.key() + ", got " +
                                 it.value().type_name());
    metadata[it.key()] = it.value().get<std::string>();
  }
  return metadata;
}

std::string_view header_text(Bytes file, std::string_view where) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.starts_with("version https://git-lfs"))
    throw UserError(where, "expected a safetensors file, got a Git-LFS pointer to it",
                    "fetch the file itself (git lfs pull)");
  if (file.size() < 8)
    throw UserError(where, "expected at least 8 bytes, got " + std::to_string(file.size()),
                    "the file is empty or cut short");
  uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  if (length > kMaxHeader)
    throw UserError(where,
                    "expected a header of at most 100000000 bytes, got " + std::to_string(length) +
                        " (at byte 0)",
                    "this is not a safetensors file");
  if (length > file.size() - 8)
    throw UserError(where,
                    "expected " + std::to_string(length) + " bytes of header, got " +
                        std::to_string(file.size() - 8),
                    "the file is cut short");
  if (length == 0 || text[8] != '{')
    throw UserError(where, "expected { at byte 8", "this is not a safetensors file");
  return text.substr(8, length);
}

}  // namespace

int64_t dtype_bytes(Dtype dtype) { return entry_of(dtype).bytes; }
std::string_view dtype_name(Dtype dtype) { return entry_of(dtype).name; }

std::map<std::string, TensorInfo> parse_safetensors(Bytes file, std::string_view where,
                                                    std::map<std::string, std::string>* metadata) {
  const std::string_view header = header_text(file, where);
  const Json json = parse_json(header, std::string(where) + ", header");
  const HeaderReader reader(where);
  std::vector<Entry> entries;
  for (auto it = json.begin(); it != json.end(); ++it) {
    if (it.key() != "__metadata__") {
      entries.push_back(reader.entry(it.key(), it.value()));
    } else {
      auto read = metadata_of(it.value(), where);
      if (metadata != nullptr) *metadata = std::move(read);
    }
  }
  // The ranges must tile the data: no hole, no overlap, nothing behind. Empty ones sort first.
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  const Bytes data = file.subspan(8 + header.size());
  uint64_t reached = 0;
  std::map<std::string, TensorInfo> tensors;
  for (Entry& entry : entries) {
    if (entry.begin != reached)
      throw UserError(where,
                      "expected tensor \"" + entry.name + "\" to begin at data byte " +
                          std::to_string(reached) + ", got " + std::to_string(entry.begin),
                      "tensors overlap or leave a hole");
    reached = entry.end;
    if (reached > data.size())
      throw UserError(where,
                      "expected " + std::to_string(reached) + " bytes of data for tensor \"" +
                          entry.name + "\", got " + std::to_string(data.size()),
                      "the file is cut short");
    entry.info.bytes = data.subspan(entry.begin, entry.end - entry.begin);
    tensors.emplace(entry.name, entry.info);
  }
  if (reached != data.size())
    throw UserError(where,
                    "expected " + std::to_string(reached) + " bytes of data, got " +
                        std::to_string(data.size()),
                    "something follows the last tensor");
  return tensors;
}

}  // namespace otoscope::io
