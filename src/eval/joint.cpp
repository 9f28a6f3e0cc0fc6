#include "otoscope/eval/joint.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "eval/controls.h"
#include "otoscope/core/errors.h"
#include "otoscope/eval/linear.h"
#include "otoscope/eval/pca.h"
#include "otoscope/eval/report.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/sae/joint.h"
#include "otoscope/sae/untrained.h"
#include "otoscope/store/same_rows.h"

namespace otoscope::eval {
namespace {

using io::OrderedJson;
using Stores = std::vector<const store::Store*>;

constexpr int64_t kFitRows = 131072;    // of the training split, as for other controls
constexpr int64_t kJoinedRows = 65536;  // the same, where several sites are held side by side
constexpr int64_t kWidestPca = 2048;    // its covariance is a cube to take apart

void check_ports(const std::vector<sae::Port>& ports, const Stores& stores, const std::string& name,
                 const char* option) {
  if (stores.size() != ports.size())
    throw UserError(name, std::string("expected ") + std::to_string(ports.size()) + " stores in " +
                              option + ", one a site, got " + std::to_string(stores.size()));
  for (size_t i = 0; i < ports.size(); ++i) {
    const sae::Port& port = ports[i];
    const store::Store& store = *stores[i];
    const auto differ = [](const std::string& a, const std::string& b) {
      return !a.empty() && !b.empty() && a != b;
    };
    if (store.d() != port.width || differ(port.site, store.site()))
      throw UserError(name, "expected activations of " + port.site + ", width " +
                                std::to_string(port.width) + ", got " + store.site() + ", width " +
                                std::to_string(store.d()));
    if (differ(port.model_hash, store.model_hash()))
      throw UserError(name, "expected activations of the model that site " + port.site +
                                " was trained on, got those of another (" + store.model_name() +
                                ")");
    if (i > 0) store::check_same_rows(*stores[0], store, store.path().string());
  }
}

/// What a cross-layer transcoder's layer writes into its own output: the others' codes are left
/// out.
class OwnLayer : public Reconstructor {
 public:
  OwnLayer(const sae::Joint& joint, int64_t layer)
      : sae_(sae::source_of(joint, layer)), width_(joint.part()), from_(layer * joint.sae.d()) {
    // The outputs ahead are not asked for.
    Tensor<float> own({sae_.F(), width_});
    for (int64_t f = 0; f < sae_.F(); ++f)
      std::copy_n(sae_.W_dec.view().row(f), width_, own.view().row(f));
    sae_.W_dec = std::move(own);
    whole_ = std::make_unique<SaeReconstructor>(sae_);
  }
  void reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const override {
    Tensor<float> own({x.rows(), sae_.d()});
    for (int64_t b = 0; b < x.rows(); ++b)
      std::copy_n(x.row(b) + from_, sae_.d(), own.view().row(b));
    whole_->reconstruct(own, xhat, codes);
  }
  int64_t d_out() const override { return width_; }
  int64_t features() const override { return whole_->features(); }
  std::span<const float> decoder_norms() const override { return whole_->decoder_norms(); }

 private:
  sae::Sae sae_;
  int64_t width_, from_;
  std::unique_ptr<SaeReconstructor> whole_;
};

OrderedJson sharing_json(const std::string& name, const std::string& what, const sae::Joint& joint,
                         const Sharing& s) {
  OrderedJson alone = OrderedJson::array();
  for (size_t i = 0; i < s.alone.size(); ++i)
    alone.push_back({{"site", joint.inputs[i].site},
                     {"model", joint.inputs[i].model_name},
                     {"features", s.alone[i]}});
  return {{"name", name},       {"what", what},   {"alive", s.alive},          {"shared", s.shared},
          {"partly", s.partly}, {"alone", alone}, {"difference", s.difference}};
}

class JointEvaluation {
 public:
  JointEvaluation(const JointJob& job, const EvalOptions& options, Progress& progress)
      : job_(job),
        joint_(*job.joint),
        cross_layer_(job.joint->cross_layer()),
        options_(options),
        progress_(progress),
        split_(store::split_named(options.split)),
        outputs_(cross_layer_ ? job.targets : job.inputs) {
    fidelity_.seed = options.seed;
    fidelity_.replicates = options.replicates;
  }

  OrderedJson run() {
    const std::string where = job_.name;
    check_ports(joint_.inputs, job_.inputs, where, "--activations");
    if (cross_layer_) {
      check_ports(joint_.targets, job_.targets, where, "--target-activations");
      store::check_same_rows(*job_.inputs[0], *job_.targets[0], job_.targets[0]->path().string());
    }
    const Joined joined = side_by_side(job_.inputs, split_);
    const Sample& x = joined.sample();
    if (x.rows() == 0)
      throw UserError(where, "expected rows of the split " + options_.split + ", got none");
    const JointReconstructor own(joint_);
    OrderedJson out{{"schema", "otoscope.joint-eval"},
                    {"version", 1},
                    {"kind", cross_layer_ ? "cross-layer transcoder" : "crosscoder"},
                    {"name", where},
                    {"hash", joint_.sae.hash},
                    {"features", joint_.sae.F()},
                    {"split", options_.split},
                    {"rows", x.rows()},
                    {"items", Sample::of_store(*job_.inputs[0], split_).items()},
                    {"clusters", x.clusters()},
                    {"clusters_by", job_.inputs[0]->clusters_by_speaker() ? "speaker" : "prompt"}};
    std::vector<int64_t> fired;
    OrderedJson outputs = OrderedJson::array();
    for (int64_t m = 0; m < joint_.outputs; ++m) {
      const store::Store& store = *outputs_[static_cast<size_t>(m)];
      const Sample y = Sample::of_store(store, split_);
      const Moments moments = moments_of(y);
      OrderedJson table = OrderedJson::array();
      const auto add = [&](const std::string& name, const std::string& what, const Sample& rows,
                           const Reconstructor& one) {
        Fidelity f = measure_fidelity(one, rows, y, moments, fidelity_, progress_);
        table.push_back({{"name", name}, {"what", what}, {"fidelity", to_json(f)}});
        return f;
      };
      const Fidelity mine =
          add(job_.name, "the dictionary", x, OneOutput(own, m * joint_.part(), store.d()));
      fired = mine.fired;
      if (cross_layer_ && m > 0)
        add("own layer", "the features of this layer alone, without those that write ahead", x,
            OwnLayer(joint_, m));
      controls(m, mine.l0.value, x, add);
      outputs.push_back({{"site", store.site()}, {"model", store.model_name()}, {"table", table}});
    }
    out["outputs"] = std::move(outputs);
    if (!cross_layer_) out["sharing"] = sharing(fired);
    EvalOptions copy = options_;
    out["options"] = io::options_to_json(options_of(copy));
    return out;
  }

 private:
  bool wanted(const char* name) const {
    return std::find(options_.controls.begin(), options_.controls.end(), name) !=
           options_.controls.end();
  }

  Joined side_by_side(const Stores& stores, store::Split split, int64_t limit = 0,
                      const std::vector<double>& scale = {}) const {
    std::vector<Sample> parts;
    for (const store::Store* store : stores)
      parts.push_back(Sample::of_store(*store, split, limit));
    return Joined(parts, joint_.part(), scale);
  }

  static store::Split fitting(const store::Store& store) {
    return store.rows_of(store::Split::train).empty() ? store::Split::all : store::Split::train;
  }

  template <class Add>
  void controls(int64_t m, double l0, const Sample& x, Add&& add) {
    const store::Store& store = *outputs_[static_cast<size_t>(m)];
    const store::Split fit = fitting(store);
    const auto k = std::max<int64_t>(1, std::llround(l0));
    if (wanted("mean"))
      add("mean", "the mean of the training rows for every row", x,
          ConstantReconstructor(training_mean(store)));
    if (wanted("untrained")) {
      if (!start_) {
        start_ = std::make_unique<sae::Joint>(untrained(k));
        start_rebuilds_ = std::make_unique<JointReconstructor>(*start_);
      }
      add("untrained", "the dictionary as training starts it, with thresholds of equal L0", x,
          OneOutput(*start_rebuilds_, m * joint_.part(), store.d()));
    }
    if (wanted("linear")) {
      if (cross_layer_) {
        const store::Store& read = *job_.inputs[static_cast<size_t>(m)];
        add("linear", "the best linear map from the layer's own input",
            Sample::of_store(read, split_),
            LinearReconstructor(fit_linear(Sample::of_store(read, fit, kFitRows),
                                           Sample::of_store(store, fit, kFitRows))));
      } else {
        Stores others = job_.inputs;
        others.erase(others.begin() + m);
        const Joined fitted = side_by_side(others, fit, kJoinedRows),
                     tested = side_by_side(others, split_);
        add("linear from others", "the best linear map from the other sites", tested.sample(),
            LinearReconstructor(
                fit_linear(fitted.sample(), Sample::of_store(store, fit, kJoinedRows))));
      }
    }
    if (wanted("pca") && !cross_layer_ && joint_.d_in() <= kWidestPca) {
      std::vector<double> scale;
      for (const sae::Port& port : joint_.inputs) scale.push_back(port.scale);
      if (!pca_) {
        const Joined fitted = side_by_side(job_.inputs, fit, kJoinedRows, scale);
        pca_ = std::make_unique<Pca>(fit_pca(fitted.sample()));
      }
      const int64_t components = std::min(k, joint_.d_in());
      const PcaReconstructor whole(*pca_, components);
      add("pca-" + std::to_string(components),
          "as many principal components of all sites as there are active features",
          side_by_side(job_.inputs, split_, 0, scale).sample(),
          OneOutput(whole, m * joint_.part(), store.d(), 1.0 / scale[static_cast<size_t>(m)]));
    }
  }

  /// As training starts, on the same rows.
  sae::Joint untrained(int64_t k) const {
    sae::TrainOptions options;
    options.latents = joint_.group();
    options.k = std::clamp<int64_t>(k / joint_.sources, 1, joint_.group());
    options.batch = std::min<int64_t>(4096, job_.inputs[0]->rows());
    options.seed_init = options_.seed;
    std::vector<std::unique_ptr<sae::StoreBatches>> parts;
    const auto join = [&](const Stores& stores) {
      std::vector<const sae::BatchSource*> each;
      for (const store::Store* store : stores)
        each.push_back(parts.emplace_back(std::make_unique<sae::StoreBatches>(*store)).get());
      return std::make_unique<sae::JoinedBatches>(each);
    };
    const auto ports = [](const Stores& stores, const sae::JoinedBatches& rows) {
      std::vector<sae::Port> all;
      for (const store::Store* store : stores)
        all.push_back({store->site(), store->model_name(), store->model_hash(), store->d(),
                       rows.scale(static_cast<int64_t>(all.size()))});
      return all;
    };
    const auto input = join(job_.inputs);
    std::unique_ptr<sae::JoinedBatches> target;
    sae::TrainData data;
    data.input = input.get(), data.inputs = ports(job_.inputs, *input);
    if (cross_layer_) {
      target = join(job_.targets);
      data.target = target.get(), data.targets = ports(job_.targets, *target);
    }
    const int64_t width = joint_.part();
    return sae::untrained_joint(sae::resolve(options, width, width), data);
  }

  OrderedJson sharing(const std::vector<int64_t>& fired) {
    OrderedJson list = OrderedJson::array();
    list.push_back(sharing_json(job_.name, "features that fired in these rows", joint_,
                                sharing_of(sae::output_norms(joint_), fired)));
    if (start_) {
      const std::vector<int64_t> all(static_cast<size_t>(start_->sae.F()), 1);
      list.push_back(sharing_json("untrained", "as training starts: every feature writes all sites",
                                  *start_, sharing_of(sae::output_norms(*start_), all)));
    }
    if (job_.control != nullptr) {
      const sae::Joint& other = *job_.control;
      check_ports(other.inputs, job_.control_inputs, "--shuffled-sae", "--shuffled-activations");
      std::vector<Sample> parts;
      for (const store::Store* store : job_.control_inputs)
        parts.push_back(Sample::of_store(*store, split_));
      const Joined x(parts, other.part());
      const JointReconstructor whole(other);
      const Fidelity f = measure_fidelity(OneOutput(whole, 0, parts[0].d()), x.sample(), parts[0],
                                          moments_of(parts[0]), fidelity_, progress_);
      OrderedJson entry =
          sharing_json("control", "a crosscoder of sites that share nothing learned", other,
                       sharing_of(sae::output_norms(other), f.fired));
      entry["fvu_of_first"] = io::to_json(f.fvu);
      list.push_back(entry);
    }
    return list;
  }

  const JointJob& job_;
  const sae::Joint& joint_;
  bool cross_layer_;
  const EvalOptions& options_;
  Progress& progress_;
  store::Split split_;
  Stores outputs_;
  FidelityOptions fidelity_;
  std::unique_ptr<sae::Joint> start_;
  std::unique_ptr<JointReconstructor> start_rebuilds_;
  std::unique_ptr<Pca> pca_;
};

std::string share(const OrderedJson& entry, int64_t count) {
  const auto alive = entry.at("alive").get<int64_t>();
  return alive > 0 ? fmt::format("{} ({:.1f} %)", count,
                                 100.0 * static_cast<double>(count) / static_cast<double>(alive))
                   : "-";
}

}  // namespace

OrderedJson evaluate_joint(const JointJob& job, const EvalOptions& options, Progress& progress) {
  OTO_ASSERT(job.joint != nullptr);
  return JointEvaluation(job, options, progress).run();
}

std::vector<std::vector<std::string>> joint_table(const OrderedJson& eval) {
  std::vector<std::vector<std::string>> rows{{"", "FVU [95 %]", "L0", "dead"}};
  for (const OrderedJson& output : eval.at("outputs")) {
    rows.push_back({output.at("site").get<std::string>(), "", "", ""});
    for (const OrderedJson& row : output.at("table")) {
      const OrderedJson& f = row.at("fidelity");
      const bool sparse = f.at("features").get<int64_t>() > 0;
      std::string name = "  " + row.at("name").get<std::string>();
      if (name.size() > 32) name.resize(31), name += '~';
      rows.push_back({name, io::with_interval(f.at("fvu"), 3),
                      fmt::format("{:.1f}", f.at("l0").at("value").get<double>()),
                      sparse ? fmt::format("{:.1f} %", 100 * f.at("dead").get<double>()) : "-"});
    }
  }
  return rows;
}

std::vector<std::vector<std::string>> sharing_table(const OrderedJson& eval) {
  if (!eval.contains("sharing")) return {};
  std::vector<std::vector<std::string>> rows{{"features", "alive", "shared", "partly"}};
  for (const OrderedJson& alone : eval.at("sharing").at(0).at("alone"))
    rows[0].push_back("alone: site " + std::to_string(rows[0].size() - 3) +
                      (alone.at("model").get<std::string>().empty()
                           ? ""
                           : " (" + alone.at("model").get<std::string>() + ")"));
  for (const OrderedJson& entry : eval.at("sharing")) {
    std::vector<std::string> cells{entry.at("name").get<std::string>(),
                                   std::to_string(entry.at("alive").get<int64_t>()),
                                   share(entry, entry.at("shared").get<int64_t>()),
                                   share(entry, entry.at("partly").get<int64_t>())};
    for (const OrderedJson& alone : entry.at("alone"))
      cells.push_back(share(entry, alone.at("features").get<int64_t>()));
    while (cells.size() < rows[0].size()) cells.emplace_back();
    rows.push_back(std::move(cells));
  }
  return rows;
}

}  // namespace otoscope::eval
