#include <doctest/doctest.h>

#include <initializer_list>

#include "otoscope/sae/train.h"
#include "otoscope/sae/untrained.h"
#include "sae/planted.h"
#include "support/close.h"

namespace otoscope::sae {

TEST_CASE("a frozen decoder keeps the rows that training starts from, and the rest learns") {
  const testing::TemporaryFolder folder;
  const testing::Planted planted = testing::plant(4000, 24, 40, 3, 1);
  const MemoryBatches batches(planted.x);
  TrainData data;
  data.input = &batches;
  data.site = "encoder.out";
  TrainOptions options;
  options.latents = 64;
  options.k = 4;
  options.steps = 50;
  options.batch = 256;
  TrainOptions frozen = options;
  frozen.freeze_decoder = true;
  const auto done = train({options, frozen}, data, folder.path(), {}, silent_progress());
  CHECK(done[1].name == done[0].name + "-frozen");

  const Sae start = untrained_sae(resolve(options, 24, 24), data);
  const Sae free = load(done[0].folder), kept = load(done[1].folder);
  CHECK(testing::same_bits(kept.W_dec, start.W_dec));
  CHECK_FALSE(testing::same_bits(free.W_dec, start.W_dec));
  CHECK_FALSE(testing::same_bits(kept.W_enc, start.W_enc));
}

TEST_CASE("the untrained control fires as often as it is told to") {
  const testing::Planted planted = testing::plant(4000, 24, 40, 3, 2);
  const MemoryBatches batches(planted.x);
  TrainData data;
  data.input = &batches;
  for (const int64_t k : {1, 4, 20}) {
    TrainOptions options;
    options.latents = 64;
    options.k = k;
    options.batch = 256;
    const Sae sae = untrained_sae(resolve(options, 24, 24), data);
    Tensor<float> x({batches.dev_rows(), 24});
    batches.dev(0, x);
    SparseRows codes;
    Encoder(sae).encode(x, codes);
    CHECK(static_cast<double>(codes.nnz()) / static_cast<double>(codes.rows()) ==
          doctest::Approx(static_cast<double>(k)).epsilon(.01));
  }
}

}  // namespace otoscope::sae
