#include "sae/layout.h"

#include <algorithm>

#include "otoscope/core/threads.h"

namespace otoscope::sae {
namespace {

constexpr Layout kLayouts[] = {
    {"standard", Activation::relu, false, false},
    {"topk", Activation::topk, false, false},
    {"jumprelu", Activation::jumprelu, false, false},
    {"gated", Activation::gated, false, false},
    {"transcoder", Activation::relu, true, false},
    {"jumprelu_transcoder", Activation::jumprelu, true, false},
    {"skip_transcoder", Activation::relu, true, true},
    {"jumprelu_skip_transcoder", Activation::jumprelu, true, true},
};

}  // namespace

const Layout* find_layout(std::string_view architecture) {
  for (const Layout& layout : kLayouts)
    if (layout.name == architecture) return &layout;
  return nullptr;
}

const Layout& layout_of(const Sae& sae) {
  const bool skip = !sae.W_skip.empty();
  const bool transcoder = skip || sae.d() != sae.d_out() || !sae.target_site.empty();
  for (const Layout& layout : kLayouts)
    if (layout.activation == sae.activation && layout.transcoder == transcoder &&
        layout.skip == skip)
      return layout;
  throw UserError("sae::save", "SAELens has no transcoder with this activation",
                  "write it in threshold mode (jumprelu)");
}

std::vector<std::string> layout_names() {
  std::vector<std::string> names;
  for (const Layout& layout : kLayouts) names.push_back(layout.name);
  return names;
}

std::vector<std::string> tensor_names(const Layout& layout) {
  if (layout.activation == Activation::gated)
    return {"W_dec", "W_enc", "b_dec", "b_gate", "b_mag", "r_mag"};
  std::vector<std::string> names = {"W_dec", "W_enc", "b_dec", "b_enc"};
  if (layout.activation == Activation::jumprelu) names.push_back("threshold");
  if (layout.skip) names.push_back("W_skip");
  return names;
}

Tensor<float> transposed_copy(View<const float> x) {
  const int64_t rows = x.shape[0], columns = x.shape[1];
  auto out = Tensor<float>::uninitialized({columns, rows});
  constexpr int64_t kTile = 32;  // both sides stay in the first cache
  parallel_ranges(columns, kTile, [&](int64_t begin, int64_t end) {
    for (int64_t r0 = 0; r0 < rows; r0 += kTile)
      for (int64_t c = begin; c < end; ++c)
        for (int64_t r = r0; r < std::min(rows, r0 + kTile); ++r) out.at(c, r) = x.at(r, c);
  });
  return out;
}

}  // namespace otoscope::sae
