#include "steer/edit_row.h"

#include <algorithm>

#include "otoscope/core/errors.h"

namespace otoscope::steer {
void edit_codes(const Operator& op, const std::vector<size_t>& at, const float* was, float* codes,
                int64_t item, int64_t place) {
  if (op.where.firing && std::none_of(at.begin(), at.end(), [&](size_t j) { return was[j] > 0; }))
    return;
  const auto s = static_cast<float>(op.strength);
  const Tensor<float>* donor = nullptr;
  if (op.action == Action::swap) {
    const auto found = op.donors.find(item);
    if (found == op.donors.end() || place >= found->second->shape()[0]) return;
    donor = found->second.get();
  }
  for (size_t j = 0; j < at.size(); ++j) {
    float& code = codes[at[j]];
    const float u = op.unit_of(j);
    switch (op.action) {
      case Action::add:
        code += s * u;
        break;
      case Action::scale:
        code *= s;
        break;
      case Action::clamp:
        code = s * u;
        break;
      case Action::ablate:
        code = s == 1 ? 0 : code - s * code;
        break;
      case Action::mean:
        code += s * (u - code);
        break;
      case Action::swap:
        code += s * (donor->at(place, static_cast<int64_t>(j)) - code);
        break;
      case Action::exchange: {
        if (j % 2 != 0) break;  // with its partner
        float& other = codes[at[j + 1]];
        const float a = code / u, b = other / op.unit_of(j + 1);
        code += s * (b - a) * u;
        other += s * (a - b) * op.unit_of(j + 1);
        break;
      }
      default:
        OTO_ASSERT(false);
    }
  }
}

void edit_direction(const Operator& op, int64_t d, const float* x, float* delta) {
  const int64_t r = op.rank;
  if (op.action == Action::add_direction) {
    for (int64_t k = 0; k < r; ++k)
      for (int64_t i = 0; i < d; ++i)
        delta[i] += static_cast<float>(op.strength * op.unit *
                                       op.directions[static_cast<size_t>(k * d + i)]);
    return;
  }
  std::vector<float> now(x, x + d);
  for (int64_t i = 0; i < d; ++i) now[static_cast<size_t>(i)] += delta[i];
  for (int64_t k = 0; k < r; ++k) {
    const float* v = &op.directions[static_cast<size_t>(k * d)];
    const auto along = static_cast<float>(op.strength * dot(now.data(), v, d));
    for (int64_t i = 0; i < d; ++i) delta[i] -= along * v[i];
  }
}

}  // namespace otoscope::steer
