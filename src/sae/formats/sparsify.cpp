#include <nlohmann/json.hpp>

#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/sae/formats.h"
#include "sae/formats/oriented.h"
#include "sae/sizes.h"

namespace otoscope::sae {
Sae load_sparsify(const std::filesystem::path& folder) {
  const std::string where = (folder / "cfg.json").string();
  const io::Json cfg = io::read_json(folder / "cfg.json");
  const int64_t d = io::integer_at(cfg, "d_in", where);
  // num_latents 0 means: by the expansion factor.
  int64_t F = cfg.contains("num_latents") ? io::integer_at(cfg, "num_latents", where) : 0;
  if (d < 1 || d > kMaxSide || F < 0 || F > kMaxSide)
    throw UserError(where, "expected d_in and num_latents of sane size, got " + std::to_string(d) +
                               " and " + std::to_string(F));
  if (F == 0) F = checked_product(d, io::integer_at(cfg, "expansion_factor", where), where.c_str());
  const std::string activation = cfg.value("activation", std::string("topk"));
  if (activation != "topk")
    throw UserError(where, "expected activation topk, got " + activation,
                    "otoscope has no such activation");
  const bool transcoder = cfg.value("transcode", false);
  Sae sae;
  sae.activation = Activation::topk;
  sae.k = io::integer_at(cfg, "k", where);
  if (F < 1 || sae.k < 1 || sae.k > F)
    throw UserError(where,
                    "expected k in [1, " + std::to_string(F) + "], got " + std::to_string(sae.k));
  const auto weights = folder / "sae.safetensors";
  const auto file = io::Safetensors::open(weights);
  sae.W_enc = finite_floats(file, "encoder.weight", {F, d});
  sae.b_enc = finite_floats(file, "encoder.bias", {F});
  const Shape& decoder = file.info("W_dec").shape;
  const int64_t d_out = transcoder && decoder.rank() == 2 ? decoder[1] : d;
  sae.W_dec = finite_floats(file, "W_dec", {F, d_out});
  sae.b_dec = finite_floats(file, "b_dec", {d_out});
  if (file.has("W_skip")) sae.W_skip = finite_floats(file, "W_skip", {d_out, d});
  sae.apply_b_dec_to_input = !transcoder;
  sae.architecture = "topk";
  // sparsify names the folder after the hook point.
  sae.site = folder.filename().string();
  if (transcoder) sae.target_site = sae.site;
  sae.hash = io::sha256_file(weights);
  sae.folder = folder;
  return sae;
}

void save_sparsify(const Sae& sae, const std::filesystem::path& folder) {
  if (sae.activation != Activation::topk || sae.normalize != Normalize::none ||
      sae.rescale_by_decoder_norm)
    throw UserError("--to", "sparsify holds plain TopK SAEs, this one is " + sae.architecture,
                    "write it as saelens");
  io::make_folder(folder);
  std::vector<io::NamedTensor> tensors = {
      io::named("encoder.weight", sae.W_enc.view()), io::named("encoder.bias", sae.b_enc.view()),
      io::named("W_dec", sae.W_dec.view()), io::named("b_dec", sae.b_dec.view())};
  if (!sae.W_skip.empty()) tensors.push_back(io::named("W_skip", sae.W_skip.view()));
  io::write_safetensors(folder / "sae.safetensors", std::move(tensors));
  const io::OrderedJson cfg = {{"activation", "topk"},
                               {"expansion_factor", std::max<int64_t>(1, sae.F() / sae.d())},
                               {"normalize_decoder", true},
                               {"num_latents", sae.F()},
                               {"k", sae.k},
                               {"multi_topk", false},
                               {"skip_connection", !sae.W_skip.empty()},
                               {"transcode", !sae.apply_b_dec_to_input},
                               {"d_in", sae.d()}};
  io::write_json(folder / "cfg.json", cfg);
}

}  // namespace otoscope::sae
