#pragma once
/// What SAELens's folder holds for each architecture (formats.md §4.2), in one place for the reader
/// and the writer.

#include <string>
#include <string_view>
#include <vector>

#include "otoscope/sae/sae.h"

namespace otoscope::sae {

struct Layout {
  const char* name;  // "architecture" in cfg.json
  Activation activation;
  bool transcoder, skip;
};

/// nullptr if the name is not one of ours.
const Layout* find_layout(std::string_view architecture);
/// The layout that an Sae is written in.
const Layout& layout_of(const Sae& sae);
std::vector<std::string> layout_names();
/// Names of the tensors of sae_weights.safetensors.
std::vector<std::string> tensor_names(const Layout& layout);

/// (rows, columns) -> (columns, rows)
Tensor<float> transposed_copy(View<const float> x);

}  // namespace otoscope::sae
