#include "otoscope/kernels/adam.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/levels.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/rows.h"
#include "support/close.h"

namespace otoscope::kernels {

TEST_CASE("adam_step follows the published update over many steps") {
  at_each_level([] {
    for (const int64_t n : {0, 1, 7, 16, 33, 20000}) {
      const AdamOptions options{.lr = 0.01, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-6};
      const float clip = 0.7f;
      auto w = normals(Shape{n}, "w");
      Tensor<float> m(Shape{n}), v(Shape{n});
      std::vector<double> w_want(w.data(), w.data() + n), m_want(w_want.size());
      std::vector<double> v_want(w_want.size());
      const int64_t steps = n > 100 ? 3 : 50;
      for (int64_t t = 1; t <= steps; ++t) {
        const auto g = normals(Shape{n}, "g" + std::to_string(t));
        adam_step(w, g, m, v, t, options, clip);
        for (size_t i = 0; i < w_want.size(); ++i) {
          const double gradient = static_cast<double>(clip) * g[static_cast<int64_t>(i)];
          m_want[i] = options.beta1 * m_want[i] + (1 - options.beta1) * gradient;
          v_want[i] = options.beta2 * v_want[i] + (1 - options.beta2) * gradient * gradient;
          const double first = m_want[i] / (1 - std::pow(options.beta1, static_cast<double>(t)));
          const double second = v_want[i] / (1 - std::pow(options.beta2, static_cast<double>(t)));
          w_want[i] -= options.lr * first / (std::sqrt(second) + options.eps);
        }
      }
      // Each step rounds w once and moves it by at most about lr; moments forget old roundings.
      const auto rounds = static_cast<double>(steps);
      for (size_t i = 0; i < w_want.size(); ++i) {
        const auto at = static_cast<int64_t>(i);
        const double tolerance = 0x1p-24 * rounds * (4 + 60 * options.lr);
        CHECK(std::fabs(w[at] - w_want[i]) <= tolerance);
        CHECK(std::fabs(v[at] - v_want[i]) <= 0x1p-24 * 4 * rounds * v_want[i]);
      }
    }
  });
}

TEST_CASE("adam_step_rows has the bits of the dense step with zeros elsewhere") {
  at_each_level([] {
    for (const int64_t d : {1, 13, 64, 512}) {
      const int64_t F = 37;
      auto w = normals(Shape{F, d}, "w"), w_rows = w.clone();
      Tensor<float> m(w.shape()), v(w.shape()), m_rows(w.shape()), v_rows(w.shape());
      for (int64_t t = 1; t <= 5; ++t) {
        Rng rng(static_cast<uint64_t>(t), "rows");
        std::vector<int32_t> rows;
        Tensor<float> g(w.shape()), g_rows(w.shape());
        const auto values = normals(Shape{F, d}, "g" + std::to_string(t));
        for (int64_t f = 0; f < F; ++f) {
          if (rng.below(3) == 0) continue;
          rows.push_back(static_cast<int32_t>(f));
          for (int64_t i = 0; i < d; ++i) g.at(f, i) = g_rows.at(f, i) = values.at(f, i);
        }
        if (t == 4) {  // no gradient at all
          rows.clear();
          g = Tensor<float>(w.shape());
          g_rows = Tensor<float>(w.shape());
        }
        const bool unit = t % 2 == 0;
        const View<const int32_t> list(rows.data(), Shape{static_cast<int64_t>(rows.size())});
        adam_step(w, g, m, v, t, {}, 0.5f);
        if (unit) normalize_rows(w);
        adam_step_rows(w_rows, g_rows, m_rows, v_rows, list, t, {}, 0.5f, unit);
        CHECK(testing::same_bits(w, w_rows));
        CHECK(testing::same_bits(m, m_rows));
        CHECK(testing::same_bits(v, v_rows));
        CHECK(testing::same_bits(g_rows, Tensor<float>(w.shape())));
      }
    }
  });
}

TEST_CASE("touched_rows are the features that occur") {
  SparseRows z;
  z.indices = {1, 4, 4};
  z.values = {1, 2, 3};
  z.indptr = {0, 2, 3};
  CHECK(touched_rows(transpose(z, 6)) == std::vector<int32_t>{1, 4});
}

TEST_CASE("row norms, unit rows, scaled rows and projection do what they say") {
  at_each_level([] {
    for (const int64_t d : {1, 5, 16, 100, 512}) {
      const int64_t F = 70;
      auto W = normals(Shape{F, d}, "W", 3);
      for (int64_t i = 0; i < d; ++i) W.at(3, i) = 0;
      auto G = normals(Shape{F, d}, "G");
      Tensor<float> norms(Shape{F});
      row_norms(W, norms);
      auto D = W.clone();
      normalize_rows(D);
      auto projected = G.clone(), some = G.clone();
      project_out_rows(projected, D);
      const std::vector<int32_t> rows{0, 3, 69};
      const View<const int32_t> list(rows.data(), Shape{3});
      project_out_rows(some, D, list);
      double total = 0;
      for (int64_t f = 0; f < F; ++f) {
        double square = 0, unit = 0, inner = 0, size = 0, left = 0;
        const bool listed = f == 0 || f == 3 || f == 69;
        for (int64_t i = 0; i < d; ++i) {
          square += static_cast<double>(W.at(f, i)) * W.at(f, i);
          unit += static_cast<double>(D.at(f, i)) * D.at(f, i);
          inner += static_cast<double>(G.at(f, i)) * D.at(f, i);
          size += std::fabs(static_cast<double>(G.at(f, i)) * D.at(f, i));
          left += static_cast<double>(projected.at(f, i)) * D.at(f, i);
          if (listed) total += static_cast<double>(G.at(f, i)) * G.at(f, i);
        }
        CHECK(std::fabs(norms[f] - std::sqrt(square)) <= 2 * 0x1p-24 * std::sqrt(square));
        if (f != 3) CHECK(std::fabs(unit - 1) <= 8 * 0x1p-24);
        if (f == 3) CHECK(unit == 0);
        const double tolerance = 0x1p-24 * (static_cast<double>(d) + 16) * size;
        CHECK(std::fabs(left) <= tolerance);
        for (int64_t i = 0; i < d; ++i) {
          const double want = G.at(f, i) - inner * D.at(f, i);
          CHECK(std::fabs(projected.at(f, i) - want) <= tolerance + 0x1p-22);
          CHECK(some.at(f, i) == (listed ? projected.at(f, i) : G.at(f, i)));
        }
      }
      CHECK(std::fabs(squared_norm_rows(G, list) - total) <= 1e-12 * total);
      auto scaled = W.clone();
      scale_rows(scaled, norms);
      for (int64_t f = 0; f < F; ++f)
        for (int64_t i = 0; i < d; ++i) CHECK(scaled.at(f, i) == W.at(f, i) * norms[f]);
    }
  });
}

}  // namespace otoscope::kernels
