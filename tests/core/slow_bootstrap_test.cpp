#include <doctest/doctest.h>

#include <initializer_list>

#include "core/simulated_clusters.h"

namespace otoscope {

TEST_CASE("cluster bootstrap coverage at many sizes, with the default number of replicates") {
  for (const int64_t clusters : {30, 60, 200}) {
    CAPTURE(clusters);
    const double held = testing::coverage(clusters, 2000, 2000);
    CHECK(held >= .93);
    CHECK(held <= .97);
  }
}

}  // namespace otoscope
