#include "otoscope/io/safetensors.h"

#include <cstring>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/numbers.h"

namespace otoscope::io {

Safetensors Safetensors::open(const std::filesystem::path& path) {
  Safetensors opened;
  opened.file_ = MappedFile(path);
  opened.tensors_ = parse_safetensors(opened.file_.bytes(), path.string(), &opened.metadata_);
  return opened;
}

std::vector<std::string> Safetensors::names() const {
  std::vector<std::string> names;
  for (const auto& entry : tensors_) names.push_back(entry.first);
  return names;
}

bool Safetensors::has(std::string_view name) const { return tensors_.count(std::string(name)) > 0; }

const TensorInfo& Safetensors::info(std::string_view name) const {
  const auto found = tensors_.find(std::string(name));
  if (found != tensors_.end()) return found->second;
  const std::vector<std::string> near = nearest_names(name, names());
  throw UserError(path().string(), "expected a tensor \"" + std::string(name) + "\", got none",
                  near.empty() ? "the file has no tensors" : "the nearest are " + join(near));
}

Tensor<float> Safetensors::floats(std::string_view name) const {
  const TensorInfo& tensor = info(name);
  auto values = Tensor<float>::uninitialized(tensor.shape);
  if (!copy_floats(tensor.dtype, tensor.bytes, values.view()))
    throw UserError(path().string(), "expected a float dtype at tensor \"" + std::string(name) +
                                         "\", got " + std::string(dtype_name(tensor.dtype)));
  return values;
}

Tensor<float> Safetensors::floats(std::string_view name, const Shape& expected) const {
  const Shape& shape = info(name).shape;
  if (shape != expected)
    throw UserError(path().string(), "expected tensor \"" + std::string(name) + "\" of shape " +
                                         expected.str() + ", got " + shape.str());
  return floats(name);
}

Tensor<int64_t> Safetensors::integers(std::string_view name) const {
  const TensorInfo& tensor = info(name);
  auto values = Tensor<int64_t>::uninitialized(tensor.shape);
  if (!copy_integers(tensor.dtype, tensor.bytes, values.view()))
    throw UserError(path().string(), "expected integers below 2^63 at tensor \"" +
                                         std::string(name) + "\", got " +
                                         std::string(dtype_name(tensor.dtype)));
  return values;
}

}  // namespace otoscope::io
