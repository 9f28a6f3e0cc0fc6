#pragma once
/// Tolerances are computed from norms and epsilon; NaN never passes; the worst element is named.

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>

#include "otoscope/core/tensor.h"

namespace otoscope::testing {

/// Any order of summation: |fl(a.b) - a.b| <= gamma(n) sum|a_i b_i|; bf16 inputs add about 2 * 2^-8
/// of it.
inline double dot_tolerance(int64_t n, double sum_abs, bool bf16_inputs = false) {
  const double u = 0x1p-24, gamma = static_cast<double>(n) * u / (1 - static_cast<double>(n) * u);
  return (gamma + (bf16_inputs ? 2 * 0x1p-8 : 0.0)) * sum_abs;
}

inline bool same_bits(View<const float> a, View<const float> b) {
  return a.shape == b.shape &&
         std::memcmp(a.data, b.data, static_cast<size_t>(a.size()) * sizeof(float)) == 0;
}

/// ||got - want||_F / ||want||_F; infinity when anything is NaN.
inline double relative_error(View<const float> got, View<const float> want) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < want.size(); ++i) {
    if (std::isinf(want.data[i]) && got.data[i] == want.data[i]) continue;
    const double delta = static_cast<double>(got.data[i]) - static_cast<double>(want.data[i]);
    if (!std::isfinite(delta)) return INFINITY;
    difference += delta * delta;
    norm += static_cast<double>(want.data[i]) * static_cast<double>(want.data[i]);
  }
  return norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
}

/// Where two arrays differ most, for messages.
inline std::string worst_place(View<const float> got, View<const float> want) {
  int64_t worst = 0;
  double largest = -1;
  for (int64_t i = 0; i < want.size(); ++i) {
    const double delta =
        std::fabs(static_cast<double>(got.data[i]) - static_cast<double>(want.data[i]));
    if (!(delta <= largest)) largest = std::isnan(delta) ? INFINITY : delta, worst = i;
  }
  return "element " + std::to_string(worst) + " of " + want.shape.str() + ": got " +
         std::to_string(got.data[worst]) + ", want " + std::to_string(want.data[worst]);
}

inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(OTOSCOPE_TEST_DIR) / "golden" / name;
}

/// A folder of its own under the system's temporary one, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "otoscope-test-XXXXXX").string();
    OTO_ASSERT(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace otoscope::testing

/// CHECK that two arrays agree within a relative Frobenius error. Temporaries may be given.
#define CHECK_CLOSE(got, want, tolerance)                                                         \
  do {                                                                                            \
    const auto& got_owner_ = (got);                                                               \
    const auto& want_owner_ = (want);                                                             \
    const ::otoscope::View<const float> got_ = got_owner_, want_ = want_owner_;                   \
    REQUIRE_MESSAGE(got_.shape == want_.shape, got_.shape.str(), " against ", want_.shape.str()); \
    CHECK_MESSAGE(::otoscope::testing::relative_error(got_, want_) <= (tolerance),                \
                  ::otoscope::testing::worst_place(got_, want_));                                 \
  } while (false)
