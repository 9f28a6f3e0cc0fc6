#include "otoscope/sae/joint.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/kernels/sparse.h"
#include "otoscope/sae/fold.h"
#include "sae/arch/batch.h"
#include "sae/joint/files.h"
#include "sae/train/summed_norm.h"

namespace otoscope::sae {

namespace fs = std::filesystem;

namespace {

constexpr const char* kOurs = "otoscope.json";

io::OrderedJson ports_json(const std::vector<Port>& ports) {
  io::OrderedJson list = io::OrderedJson::array();
  for (const Port& port : ports)
    list.push_back({{"site", port.site},
                    {"model", port.model_name},
                    {"model_hash", port.model_hash},
                    {"width", port.width},
                    {"scale", port.scale}});
  return list;
}

std::vector<Port> ports_of(const io::Json& ours, const char* key, int64_t count, int64_t width,
                           const std::string& where) {
  std::vector<Port> ports;
  for (const io::Json& one : io::member_at(ours, key, where)) {
    Port port;
    port.site = io::string_at(one, "site", where);
    port.model_name = io::string_at(one, "model", where);
    port.model_hash = io::string_at(one, "model_hash", where);
    port.width = io::integer_at(one, "width", where);
    port.scale = io::number_at(one, "scale", where);
    if (port.width < 1 || port.width > width || !(port.scale > 0))
      throw UserError(where, "expected widths in [1, " + std::to_string(width) +
                                 "] and scales over 0 in " + key + ", got " +
                                 std::to_string(port.width) + " and " + std::to_string(port.scale));
    ports.push_back(port);
  }
  if (static_cast<int64_t>(ports.size()) != count)
    throw UserError(where, std::string("expected ") + std::to_string(count) + " sites in " + key +
                               " (as in the weights), got " + std::to_string(ports.size()));
  return ports;
}

/// What a file of somebody else's leaves open.
std::vector<Port> unnamed(int64_t count, int64_t width) {
  Port port;
  port.width = width;
  return std::vector<Port>(static_cast<size_t>(count), port);
}

std::string list_of(const std::vector<Port>& ports) {
  std::string all;
  for (const Port& port : ports) all += (all.empty() ? "" : ",") + port.site;
  return all;
}

}  // namespace

bool is_joint(const fs::path& folder) {
  return fs::exists(folder / "W_enc_0.safetensors") ||
         (fs::exists(folder / "model.safetensors") && fs::exists(folder / "config.json"));
}

Joint load_joint(const fs::path& folder) {
  const bool cross_layer = fs::exists(folder / "W_enc_0.safetensors");
  if (!is_joint(folder))
    throw UserError(folder.string(),
                    "expected a cross-layer transcoder (W_enc_0.safetensors) or a crosscoder "
                    "(config.json, model.safetensors), got neither");
  Joint joint = cross_layer ? read_cross_layer(folder) : read_crosscoder(folder);
  Sae& sae = joint.sae;
  const std::string where = (folder / kOurs).string();
  joint.inputs = unnamed(joint.outputs, joint.part());
  if (cross_layer) joint.targets = joint.inputs;
  if (fs::exists(folder / kOurs)) {
    const io::Json ours = io::read_json(folder / kOurs);
    joint.inputs = ports_of(ours, "inputs", joint.outputs, joint.part(), where);
    if (cross_layer) joint.targets = ports_of(ours, "targets", joint.outputs, joint.part(), where);
    sae.architecture = io::string_at(ours, "architecture", where);
    const std::string hash = io::string_at(ours, "sha256", where);
    if (hash != sae.hash)
      throw UserError(folder.string(), "expected weights of SHA-256 " + hash + ", got " + sae.hash,
                      "they are not the ones otoscope.json was written for");
    sae.otoscope = ours.dump();
  }
  if (!cross_layer) fold_ports(joint);
  sae.site = list_of(joint.inputs), sae.target_site = list_of(joint.targets);
  sae.model_name = joint.inputs[0].model_name, sae.model_hash = joint.inputs[0].model_hash;
  sae.folder = folder;
  return joint;
}

void save_joint(Joint& joint, const fs::path& folder) {
  Sae& sae = joint.sae;
  OTO_ASSERT(joint.outputs > 1 && static_cast<int64_t>(joint.inputs.size()) == joint.outputs);
  OTO_ASSERT(sae.activation == Activation::jumprelu && !sae.apply_b_dec_to_input);
  io::make_folder(folder);
  sae.hash =
      joint.cross_layer() ? write_cross_layer(joint, folder) : write_crosscoder(joint, folder);
  io::OrderedJson ours{{"schema", "otoscope.joint"}, {"version", 1}};
  ours["kind"] = joint.cross_layer() ? "cross-layer transcoder" : "crosscoder";
  ours["architecture"] = sae.architecture;
  ours["sha256"] = sae.hash;
  ours["inputs"] = ports_json(joint.inputs);
  if (joint.cross_layer()) ours["targets"] = ports_json(joint.targets);
  if (!sae.otoscope.empty()) {
    const auto more = io::OrderedJson::parse(sae.otoscope);
    for (const auto& [key, value] : more.items())
      if (!ours.contains(key)) ours[key] = value;
  }
  io::write_json(folder / kOurs, ours);
  sae.folder = folder;
}

Sae source_of(const Joint& joint, int64_t source) {
  OTO_ASSERT(joint.cross_layer() && source < joint.sources);
  const Sae& sae = joint.sae;
  const int64_t n = joint.group(), from = source * joint.part(), width = sae.d_out() - from;
  const auto own = [&](const Tensor<float>& x) {
    return Tensor<float>::copy_of(x.view().slice(source * n, (source + 1) * n));
  };
  Sae one;
  one.W_enc = own(sae.W_enc), one.b_enc = own(sae.b_enc);
  if (!sae.threshold.empty()) one.threshold = own(sae.threshold);
  one.b_dec = Tensor<float>::copy_of(sae.b_dec.view().slice(from, from + joint.part()));
  one.W_dec = Tensor<float>({n, width});
  for (int64_t f = 0; f < n; ++f)
    std::copy_n(sae.W_dec.view().row(source * n + f) + from, width, one.W_dec.view().row(f));
  one.activation = sae.activation;
  one.apply_b_dec_to_input = false;
  one.architecture = sae.architecture;
  const auto at = static_cast<size_t>(source);
  one.site = joint.inputs[at].site, one.target_site = joint.targets[at].site;
  one.model_name = joint.inputs[at].model_name, one.model_hash = joint.inputs[at].model_hash;
  one.folder = sae.folder, one.hash = sae.hash;
  return one;
}

Tensor<float> output_norms(const Joint& joint) {
  Tensor<float> norms = site_norms(joint.sae.W_dec, joint.outputs);
  for (int64_t f = 0; f < joint.sae.F(); ++f)
    for (int64_t s = 0; s < joint.outputs; ++s)
      norms.at(f, s) =
          static_cast<float>(norms.at(f, s) * joint.rebuilt()[static_cast<size_t>(s)].scale);
  return norms;
}

struct JointEncoder::Impl {
  const Joint& joint;
  std::vector<Sae> saes;
  std::vector<std::unique_ptr<Encoder>> encoders;  // by source; that of a crosscoder is the whole
};

JointEncoder::JointEncoder(const Joint& joint) : impl_(new Impl{joint, {}, {}}) {
  if (!joint.cross_layer()) {
    impl_->encoders.push_back(std::make_unique<Encoder>(joint.sae));
    return;
  }
  for (int64_t s = 0; s < joint.sources; ++s) {
    impl_->saes.push_back(source_of(joint, s));
    impl_->saes.back().W_dec = {};  // decode() has them all
  }
  for (const Sae& sae : impl_->saes) impl_->encoders.push_back(std::make_unique<Encoder>(sae));
}

JointEncoder::~JointEncoder() = default;

void JointEncoder::encode(View<const float> x, SparseRows& codes) const {
  const Joint& joint = impl_->joint;
  OTO_ASSERT(x.width() == joint.d_in());
  if (!joint.cross_layer()) return impl_->encoders[0]->encode(x, codes);
  Tensor<float> blocks;
  blocks_of(x, joint.sources, blocks);
  std::vector<SparseRows> parts(impl_->encoders.size());
  const int64_t size = x.rows() * joint.sae.d();
  for (size_t s = 0; s < parts.size(); ++s)
    impl_->encoders[s]->encode(
        {blocks.data() + static_cast<int64_t>(s) * size, Shape{x.rows(), joint.sae.d()}}, parts[s]);
  join_groups(parts, joint.group(), codes);
}

void JointEncoder::decode(const SparseRows& codes, View<float> xhat) const {
  kernels::sparse_decode(codes, impl_->joint.sae.W_dec, impl_->joint.sae.b_dec, xhat);
}

}  // namespace otoscope::sae
