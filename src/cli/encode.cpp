#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/verb.h"
#include "otoscope/sae/codes.h"

namespace otoscope::cli {
namespace {

struct EncodeVerbOptions {
  std::string sae, activations, out;
  std::string split = "all";

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("sae", o.sae, "folder of the SAE");
    v("activations", o.activations, "store DIR/SITE, .npy, .npz or .safetensors");
    v("out", o.out, "folder for the codes");
    v("split", o.split, "rows to encode", Choices{{"all", "train", "dev", "test"}});
  }
};

class Encode : public VerbWith<EncodeVerbOptions> {
 public:
  std::string example() const override {
    return "encode --sae runs/demo/sae/batchtopk-4096-k32 --activations "
           "runs/demo/activations/encoder.out --out runs/demo/codes";
  }

  int run(const Context& context) override {
    for (const auto& [name, value] : {std::pair{"--sae", options_.sae},
                                      {"--activations", options_.activations},
                                      {"--out", options_.out}})
      if (value.empty()) throw UserError(name, "expected a path, got nothing");
    const sae::Sae sae = sae::load(options_.sae);
    const store::Store store = store::Store::open(options_.activations);
    const auto report = sae::encode_store(sae, store, store::split_named(options_.split),
                                          options_.out, context.progress);
    const double l0 =
        report.rows > 0 ? static_cast<double>(report.nnz) / static_cast<double>(report.rows) : 0.0;
    if (context.common.json)
      context.print(nlohmann::ordered_json{{"folder", options_.out},
                                           {"rows", report.rows},
                                           {"codes", report.nnz},
                                           {"l0", l0},
                                           {"shards", report.shards},
                                           {"reused", report.reused}}
                        .dump(1));
    else
      context.print(fmt::format("{}: {} codes of {} rows, {:.1f} a row{}", options_.out, report.nnz,
                                report.rows, l0, report.reused ? " (were there before)" : ""));
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_encode() { return std::make_unique<Encode>(); }

}  // namespace otoscope::cli
