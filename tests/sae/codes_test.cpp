#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "otoscope/core/rng.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"
#include "otoscope/sae/codes.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::testing;

namespace {

sae::Sae random_topk() {
  Rng rng(5, "codes");
  sae::Sae s;
  s.W_enc = Tensor<float>(Shape{40, 8});
  s.b_enc = Tensor<float>(Shape{40});
  s.b_dec = Tensor<float>(Shape{8});
  for (int64_t i = 0; i < s.W_enc.size(); ++i) s.W_enc[i] = static_cast<float>(rng.normal());
  s.W_dec = s.W_enc.clone();
  s.activation = sae::Activation::topk;
  s.k = 3;
  s.hash = "an SAE";
  return s;
}

struct Rows {
  TemporaryFolder folder;
  Tensor<float> x{Shape{250, 8}};
  std::filesystem::path file = folder.path() / "rows.safetensors";
  Rows() {
    Rng rng(6, "rows");
    for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.normal());
    io::write_safetensors(file, {io::named("activations", x.view())});
  }
};

}  // namespace

TEST_CASE("codes on disk are the encoder's, in the store's order") {
  const Rows rows;
  const sae::Sae s = random_topk();
  const store::Store store = store::Store::open(rows.file);
  const auto out = rows.folder.path() / "codes";
  const auto report = sae::encode_store(s, store, store::Split::all, out, silent_progress());
  CHECK(report.rows == 250);
  CHECK_FALSE(report.reused);
  const sae::Codes codes = sae::Codes::open(out);
  CHECK(codes.F() == 40);
  CHECK(codes.sae_hash() == "an SAE");
  REQUIRE(codes.shards() == 1);
  SparseRows want;
  sae::Encoder(s).encode(rows.x, want);
  const SparseRows got = codes.shard(0);
  CHECK(got.indptr == want.indptr);
  CHECK(got.indices == want.indices);
  CHECK(got.values == want.values);
  const auto file = io::Safetensors::open(out / "codes-00000.safetensors");
  CHECK(file.info("topk_indices").shape == Shape{250, 3});
  CHECK(file.info("indptr").dtype == io::Dtype::i64);
  CHECK(file.info("indices").dtype == io::Dtype::i32);

  CHECK(sae::encode_store(s, store, store::Split::all, out, silent_progress()).reused);
  CHECK(error_of([&] {
          sae::encode_store(s, store, store::Split::test, out, silent_progress());
        }).find("another SAE") != std::string::npos);
}

TEST_CASE("codes that are damaged are refused") {
  const Rows rows;
  const store::Store store = store::Store::open(rows.file);
  const auto out = rows.folder.path() / "codes";
  sae::encode_store(random_topk(), store, store::Split::all, out, silent_progress());
  const auto shard = out / "codes-00000.safetensors";
  const SparseRows good = sae::Codes::open(out).shard(0);
  const auto error_with = [&](auto&& spoil) {
    SparseRows codes = good;
    spoil(codes);
    io::write_safetensors(
        shard, {io::named("indptr", View<const int64_t>{codes.indptr.data(), {codes.rows() + 1}}),
                io::named("indices", View<const int32_t>{codes.indices.data(), {codes.nnz()}}),
                io::named("values", View<const float>{codes.values.data(), {codes.nnz()}})});
    return error_of([&] { (void)sae::Codes::open(out).shard(0); });
  };
  CHECK(error_with([](SparseRows&) {}) == "nothing was thrown");
  CHECK(error_with([](SparseRows& c) { c.indices[4] = 40; }).find("code 4") != std::string::npos);
  CHECK(error_with([](SparseRows& c) { c.indices[1] = c.indices[0]; }).find("order") !=
        std::string::npos);
  CHECK(error_with([](SparseRows& c) { c.values[7] = NAN; }).find("code 7") != std::string::npos);
  CHECK(error_with([](SparseRows& c) { c.indptr[3] = -1; }).find("indptr") != std::string::npos);
  CHECK(error_with([](SparseRows& c) { c.indptr[3] = 100000; }).find("indptr") !=
        std::string::npos);
  CHECK(error_with([](SparseRows& c) { c.indptr.pop_back(); }).find("indptr") != std::string::npos);
}

TEST_CASE("an index of codes that says something else is refused in a line") {
  const Rows rows;
  const store::Store store = store::Store::open(rows.file);
  const auto out = rows.folder.path() / "codes";
  const auto encode = [&] {
    sae::encode_store(random_topk(), store, store::Split::all, out, silent_progress());
  };
  encode();
  const io::Json good = io::read_json(out / "index.json");
  const auto with = [&](const char* pointer, const io::Json& value) {
    io::Json index = good;
    index[io::Json::json_pointer(pointer)] = value;
    io::write_json(out / "index.json", index);
  };
  for (const io::Json& latents : {io::Json(0), io::Json(-3), io::Json(int64_t{1} << 31)}) {
    with("/latents", latents);
    CHECK(error_of([&] { sae::Codes::open(out); }).find("latents, got") != std::string::npos);
  }
  with("/schema", 7);
  CHECK(error_of([&] { sae::Codes::open(out); }).find("a text at schema") != std::string::npos);
  with("/shards", "none");
  CHECK(error_of(encode).find("a list at shards") != std::string::npos);
  with("/shards/0/nnz", "many");
  CHECK(error_of(encode).find("a whole number at nnz") != std::string::npos);
}

TEST_CASE("an SAE of another width is refused") {
  const Rows rows;
  sae::Sae s = random_topk();
  s.W_enc = Tensor<float>(Shape{40, 9});
  const store::Store store = store::Store::open(rows.file);
  CHECK(error_of([&] {
          sae::encode_store(s, store, store::Split::all, rows.folder.path() / "c",
                            silent_progress());
        }).find("width 8") != std::string::npos);
}
