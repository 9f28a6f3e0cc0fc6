#include "otoscope/kernels/attend.h"

#include <cmath>
#include <vector>

#include "kernels/levels.h"
#include "support/close.h"

namespace otoscope::kernels {

TEST_CASE("attention of one query equals its definition at every level") {
  for (const int64_t d : {1, 7, 16, 64, 65, 80, 130})
    for (const int64_t S : {0, 1, 5, 300}) {
      CAPTURE(d);
      CAPTURE(S);
      const auto q = normals({d}, "q"), K = normals({S, d}, "K"), V = normals({S, d}, "V");
      const auto weight = normals({S}, "weight");
      at_each_level([&] {
        std::vector<float> score(static_cast<size_t>(S), NAN), z(static_cast<size_t>(d), NAN);
        query_keys(q.data(), K.data(), S, d, 0.125f, score.data());
        mix_values(weight.data(), V.data(), S, d, z.data());
        for (int64_t s = 0; s < S; ++s) {
          double sum = 0, size = 0;
          for (int64_t i = 0; i < d; ++i) {
            const double product = double(q[i]) * double(K[s * d + i]);
            sum += product, size += std::abs(product);
          }
          REQUIRE(std::abs(double(score[static_cast<size_t>(s)]) - sum / 8) <=
                  testing::dot_tolerance(d + 2, size / 8));
        }
        for (int64_t i = 0; i < d; ++i) {
          double sum = 0, size = 0;
          for (int64_t s = 0; s < S; ++s) {
            const double product = double(weight[s]) * double(V[s * d + i]);
            sum += product, size += std::abs(product);
          }
          REQUIRE(std::abs(double(z[static_cast<size_t>(i)]) - sum) <=
                  testing::dot_tolerance(S + 2, size));
        }
      });
    }
}

}  // namespace otoscope::kernels
