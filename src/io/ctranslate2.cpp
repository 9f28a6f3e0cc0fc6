#include "otoscope/io/ctranslate2.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/numbers.h"

namespace otoscope::io {
namespace fs = std::filesystem;
namespace {

/// PATH.part1, PATH.part2 … joined. The packages that carry them cut by size alone.
std::string join_parts(const fs::path& path) {
  std::string joined;
  for (int part = 1;; ++part) {
    const fs::path piece = path.string() + ".part" + std::to_string(part);
    if (!fs::exists(piece)) break;
    joined += read_file(piece, int64_t{8} << 30);
  }
  return joined;
}

}  // namespace

CTranslate2 CTranslate2::open(const fs::path& path) {
  CTranslate2 opened;
  opened.path_ = fs::is_directory(path) ? path / "model.bin" : path;
  if (!fs::exists(opened.path_) && fs::exists(opened.path_.string() + ".part1"))
    opened.joined_ = join_parts(opened.path_);
  else
    opened.file_ = MappedFile(opened.path_);
  opened.contents_ = parse_ctranslate2(opened.bytes(), opened.path_.string());
  return opened;
}

std::vector<std::string> CTranslate2::names() const {
  std::vector<std::string> names;
  for (const auto& entry : contents_.variables) names.push_back(entry.first);
  return names;
}

std::string CTranslate2::resolved(std::string_view name) const {
  const auto alias = contents_.aliases.find(std::string(name));
  return alias == contents_.aliases.end() ? std::string(name) : alias->second;
}

bool CTranslate2::has(std::string_view name) const {
  return contents_.variables.count(resolved(name)) > 0;
}

const TensorInfo& CTranslate2::info(std::string_view name) const {
  const auto found = contents_.variables.find(resolved(name));
  if (found != contents_.variables.end()) return found->second;
  const std::vector<std::string> near = nearest_names(name, names());
  throw UserError(path_.string(), "expected a variable " + std::string(name) + ", got none",
                  near.empty() ? "the file has no variables" : "the nearest are " + join(near));
}

Tensor<float> CTranslate2::floats(std::string_view name) const {
  const TensorInfo& tensor = info(name);
  auto values = Tensor<float>::uninitialized(tensor.shape);
  if (copy_floats(tensor.dtype, tensor.bytes, values.view())) return values;
  if (tensor.dtype == Dtype::i32)
    throw UserError(path_.string(),
                    "expected floats at variable " + std::string(name) + ", got I32");
  auto levels = Tensor<int64_t>::uninitialized(tensor.shape);
  OTO_ASSERT(copy_integers(tensor.dtype, tensor.bytes, levels.view()));
  // The scale belongs to the variable, not to its alias.
  const Tensor<float> scale = floats(resolved(name) + "_scale");
  const int64_t rows = tensor.shape.rank() > 0 ? tensor.shape[0] : 1;
  if (scale.size() != 1 && scale.size() != rows)
    throw UserError(path_.string(), "expected 1 or " + std::to_string(rows) + " scales for " +
                                        std::string(name) + ", got " +
                                        std::to_string(scale.size()));
  for (int64_t i = 0; i < scale.size(); ++i)
    if (!(scale[i] > 0) || std::isinf(scale[i]))
      throw UserError(path_.string(), "expected scales above 0 for " + std::string(name) +
                                          ", got " + std::to_string(scale[i]));
  const int64_t width = std::max<int64_t>(1, rows > 0 ? values.size() / rows : 1);
  for (int64_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(levels[i]) / scale[scale.size() == 1 ? 0 : i / width];
  return values;
}

Tensor<float> CTranslate2::floats(std::string_view name, const Shape& expected) const {
  const Shape& shape = info(name).shape;
  if (shape != expected)
    throw UserError(path_.string(), "expected variable " + std::string(name) + " of shape " +
                                        expected.str() + ", got " + shape.str());
  return floats(name);
}

int64_t CTranslate2::scalar(std::string_view name) const {
  const TensorInfo& tensor = info(name);
  Tensor<int64_t> value(tensor.shape);
  if (tensor.shape.count() != 1 || !copy_integers(tensor.dtype, tensor.bytes, value.view()))
    throw UserError(path_.string(), "expected one integer at variable " + std::string(name) +
                                        ", got " + std::string(dtype_name(tensor.dtype)) + " " +
                                        tensor.shape.str());
  return value[0];
}

std::string CTranslate2::sha256() const { return io::sha256(bytes()); }

}  // namespace otoscope::io
