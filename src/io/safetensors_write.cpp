#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"

namespace otoscope::io {
namespace {

template <class T>
NamedTensor named_as(std::string name, Dtype dtype, View<const T> x) {
  return {std::move(name), dtype, x.shape,
          std::as_bytes(std::span<const T>(x.data, static_cast<size_t>(x.size())))};
}

/// Entries in the order of the data, as the reference writer prints them; nlohmann escapes names.
std::string header_of(const std::vector<NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata,
                      const std::filesystem::path& path) {
  OrderedJson json = OrderedJson::object();
  if (!metadata.empty()) json["__metadata__"] = metadata;
  size_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    if (json.contains(tensor.name))
      throw UserError(path.string(),
                      "expected tensors of different names, got \"" + tensor.name + "\" twice");
    std::vector<int64_t> shape;
    for (int i = 0; i < tensor.shape.rank(); ++i) shape.push_back(tensor.shape[i]);
    OTO_ASSERT(tensor.bytes.size() ==
               static_cast<size_t>(tensor.shape.count() * dtype_bytes(tensor.dtype)));
    OrderedJson entry = OrderedJson::object();
    entry["dtype"] = dtype_name(tensor.dtype);
    entry["shape"] = shape;
    entry["data_offsets"] = {offset, offset + tensor.bytes.size()};
    json[tensor.name] = std::move(entry);
    offset += tensor.bytes.size();
  }
  std::string text = json.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

NamedTensor named(std::string name, View<const float> x) {
  return named_as(std::move(name), Dtype::f32, x);
}
NamedTensor named(std::string name, View<const int32_t> x) {
  return named_as(std::move(name), Dtype::i32, x);
}
NamedTensor named(std::string name, View<const int64_t> x) {
  return named_as(std::move(name), Dtype::i64, x);
}
NamedTensor named(std::string name, View<const int16_t> x) {
  return named_as(std::move(name), Dtype::i16, x);
}
NamedTensor named(std::string name, View<const uint8_t> x) {
  return named_as(std::move(name), Dtype::u8, x);
}
NamedTensor named_f16(std::string name, Shape shape, const uint16_t* bits) {
  return named_as(std::move(name), Dtype::f16, View<const uint16_t>(bits, shape));
}

std::string write_safetensors(const std::filesystem::path& path, std::vector<NamedTensor> tensors,
                              const std::map<std::string, std::string>& metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const NamedTensor& a, const NamedTensor& b) {
    const int64_t wide_a = dtype_bytes(a.dtype), wide_b = dtype_bytes(b.dtype);
    return wide_a != wide_b ? wide_a > wide_b : a.name < b.name;
  });
  const std::string header = header_of(tensors, metadata, path);
  const uint64_t length = header.size();
  AtomicFile file(path);
  Sha256 hash;
  const auto put = [&](Bytes bytes) {
    file.write(bytes);
    hash.update(bytes);
  };
  put(std::as_bytes(std::span(&length, 1)));
  put(std::as_bytes(std::span(header)));
  for (const NamedTensor& tensor : tensors) put(tensor.bytes);
  file.commit();
  return hash.hex();
}

}  // namespace otoscope::io
