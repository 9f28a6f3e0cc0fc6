#pragma once
/// A checkpoint in one form, whatever it was read from: fp32 tensors under openai-whisper's names
/// (formats.md §1.1).

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/core/tensor.h"
#include "otoscope/model/config.h"

namespace otoscope::model {

struct Checkpoint {
  Dims dims;
  std::map<std::string, Tensor<float>> tensors;
};

enum class Role : uint8_t { product, bias, norm, embedding, position };

struct ExpectedTensor {
  std::string name;
  Shape shape;
  Role role;
};

/// Every tensor of a model of these sizes, in the order of its computation.
std::vector<ExpectedTensor> expected_tensors(const Dims& dims);

/// Where a loader finds tensors by the names of its own dialect.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  virtual std::vector<std::string> names() const = 0;
  virtual bool has(std::string_view name) const = 0;
  virtual Shape shape(std::string_view name) const = 0;
  virtual Tensor<float> floats(std::string_view name) const = 0;
  /// "model.safetensors", for messages.
  virtual std::string where(std::string_view name) const = 0;
};

/// One tensor whose shape must be this one. UserError "[file] expected NAME of shape …, got …".
Tensor<float> read_checked(const TensorSource& source, const std::string& name,
                           const Shape& expected);
/// Its shape, which must have this rank.
Shape shape_checked(const TensorSource& source, const std::string& name, int rank);
/// UserError with the nearest names if the source lacks one.
void require(const TensorSource& source, const std::string& name);

Checkpoint read_hugging_face(const std::filesystem::path& folder, Progress& progress);
Checkpoint read_ctranslate2(const std::filesystem::path& folder, Progress& progress);

/// Of either kind of folder; UserError where there is neither.
Checkpoint read_checkpoint(const std::filesystem::path& folder, Progress& progress);

/// Sizes that no model can have end here with a UserError, before anything is allocated.
void check_dims(const Dims& dims, const std::string& where);

/// SHA-256 over names (in byte order), shapes and fp32 values: two containers of the same weights
/// agree, whatever their dtype.
std::string checkpoint_hash(const Checkpoint& checkpoint);

/// Permutes the entries within every product weight (linear and convolution): the shuffled model.
void shuffle_weights(Checkpoint& checkpoint, uint64_t seed);

}  // namespace otoscope::model
