#include "model/export/fold.h"

#include <algorithm>
#include <string>

#include "otoscope/core/errors.h"
#include "otoscope/core/threads.h"
#include "otoscope/model/site.h"

namespace otoscope::model {
namespace {

using Steps = std::vector<EditStep>;

/// W <- W - s V^T (V W): what a product writes loses the directions. v: (r, out).
void remove_from_outputs(View<float> W, const EditStep& step) {
  const int64_t out = W.shape[0], in = W.shape[1];
  const auto r = static_cast<int64_t>(step.remove.size()) / out;
  parallel_ranges(in, 64, [&](int64_t begin, int64_t end) {
    std::vector<double> along(static_cast<size_t>(r));
    for (int64_t j = begin; j < end; ++j) {
      for (int64_t k = 0; k < r; ++k) {
        double sum = 0;
        for (int64_t i = 0; i < out; ++i)
          sum += static_cast<double>(step.remove[static_cast<size_t>(k * out + i)]) * W.at(i, j);
        along[static_cast<size_t>(k)] = step.strength * sum;
      }
      for (int64_t i = 0; i < out; ++i) {
        double value = W.at(i, j);
        for (int64_t k = 0; k < r; ++k)
          value -= along[static_cast<size_t>(k)] * step.remove[static_cast<size_t>(k * out + i)];
        W.at(i, j) = static_cast<float>(value);
      }
    }
  });
}

/// A row loses the directions: x <- x - s (x V^T) V. Of a bias, and of each row of W where a
/// product reads the site: W <- W - s (W V^T) V.
void remove_from_rows(View<float> rows, const EditStep& step) {
  const int64_t d = rows.width();
  const auto r = static_cast<int64_t>(step.remove.size()) / d;
  parallel_ranges(rows.rows(), 16, [&](int64_t begin, int64_t end) {
    std::vector<double> along(static_cast<size_t>(r));
    for (int64_t i = begin; i < end; ++i) {
      float* row = rows.row(i);
      for (int64_t k = 0; k < r; ++k) {
        double sum = 0;
        for (int64_t j = 0; j < d; ++j)
          sum += static_cast<double>(row[j]) * step.remove[static_cast<size_t>(k * d + j)];
        along[static_cast<size_t>(k)] = step.strength * sum;
      }
      for (int64_t j = 0; j < d; ++j) {
        double value = row[j];
        for (int64_t k = 0; k < r; ++k)
          value -= along[static_cast<size_t>(k)] * step.remove[static_cast<size_t>(k * d + j)];
        row[j] = static_cast<float>(value);
      }
    }
  });
}

void add_to_rows(View<float> rows, const std::vector<float>& shift) {
  for (int64_t i = 0; i < rows.rows(); ++i)
    for (int64_t j = 0; j < rows.width(); ++j) rows.at(i, j) += shift[static_cast<size_t>(j)];
}

bool only_adds(const Steps& steps) {
  return std::all_of(steps.begin(), steps.end(),
                     [](const EditStep& s) { return s.remove.empty(); });
}

/// All steps at one site.
class SiteFold {
 public:
  SiteFold(Checkpoint& checkpoint, const Site& site, const Steps& steps, const std::string& where)
      : checkpoint_(checkpoint), site_(site), steps_(steps), where_(where) {}

  void run() {
    const bool encoder = site_.stack == Stack::encoder;
    const std::string stack = encoder ? "encoder." : "decoder.";
    const std::string block = stack + "blocks." + std::to_string(site_.block) + ".";
    switch (site_.point) {
      case Point::embed:
        return add(stack + "positional_embedding");
      case Point::resid_pre:
        if (site_.block == 0) return add(stack + "positional_embedding");
        return add(stack + "blocks." + std::to_string(site_.block - 1) + ".mlp.2.bias");
      case Point::resid_mid:
        return add(block + "attn.out.bias");
      case Point::resid_cross:
        return add(block + "cross_attn.out.bias");
      case Point::resid_post:
        return add(block + "mlp.2.bias");
      case Point::attn_out:
        return after(block + "attn.out");
      case Point::cross_attn_out:
        return after(block + "cross_attn.out");
      case Point::mlp_pre:
        return after(block + "mlp.0");
      case Point::mlp_out:
        return after(block + "mlp.2");
      case Point::mlp_post:
        return before({block + "mlp.2"});
      case Point::ln1:
        if (only_adds(steps_)) return add(block + "attn_ln.bias");
        return before({block + "attn.query", block + "attn.key", block + "attn.value"});
      case Point::ln_cross:
        if (only_adds(steps_)) return add(block + "cross_attn_ln.bias");
        return before({block + "cross_attn.query"});
      case Point::ln2:
        if (only_adds(steps_)) return add(block + "mlp_ln.bias");
        return before({block + "mlp.0"});
      case Point::out:
        if (!encoder) return add("decoder.ln.bias");
        if (only_adds(steps_)) return add("encoder.ln_post.bias");
        return before(readers_of_audio());
      default:
        throw UserError(
            where_,
            "expected a site that a bias or a product writes or reads, got " + site_name(site_),
            "keep it as a recipe: transcribe --recipe applies it");
    }
  }

 private:
  Tensor<float>& tensor(const std::string& name) { return checkpoint_.tensors.at(name); }

  void add(const std::string& name) {
    if (!only_adds(steps_))
      throw UserError(where_,
                      "expected only additions at " + site_name(site_) +
                          ", got a direction removed from all that was written before",
                      "remove it at attn_out and mlp_out of the blocks that write it");
    for (const EditStep& step : steps_) add_to_rows(tensor(name), step.add);
  }

  /// What the product writes is edited.
  void after(const std::string& product) {
    Tensor<float>&W = tensor(product + ".weight"), &bias = tensor(product + ".bias");
    for (const EditStep& step : steps_) {
      if (!step.add.empty()) add_to_rows(bias, step.add);
      if (step.remove.empty()) continue;
      remove_from_outputs(W, step);
      remove_from_rows(bias, step);
    }
  }

  /// What the products read is edited: the last step is next to them.
  void before(const std::vector<std::string>& products) {
    for (const std::string& product : products) {
      Tensor<float>& W = tensor(product + ".weight");
      const auto bias = checkpoint_.tensors.find(product + ".bias");
      for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
        if (!step->remove.empty()) remove_from_rows(W, *step);
        // Keys have no bias: a constant in all of them leaves softmax as it was.
        if (step->add.empty() || bias == checkpoint_.tensors.end()) continue;
        for (int64_t i = 0; i < W.shape()[0]; ++i) {
          double sum = bias->second[i];
          for (int64_t j = 0; j < W.shape()[1]; ++j)
            sum += static_cast<double>(W.at(i, j)) * step->add[static_cast<size_t>(j)];
          bias->second[i] = static_cast<float>(sum);
        }
      }
    }
  }

  std::vector<std::string> readers_of_audio() const {
    std::vector<std::string> products;
    for (int l = 0; l < checkpoint_.dims.n_text_layer; ++l)
      for (const char* name : {"key", "value"})
        products.push_back("decoder.blocks." + std::to_string(l) + ".cross_attn." + name);
    return products;
  }

  Checkpoint& checkpoint_;
  Site site_;
  const Steps& steps_;
  const std::string& where_;
};

void check(const WeightEdit& edit, const Site& site, int64_t d) {
  if (site.stack == Stack::encoder && !edit.padding)
    throw UserError(edit.where,
                    "expected an edit of all frames at " + site_name(site) +
                        ", got one of those with audio alone",
                    "weights act on every frame: say \"where\": {\"padding\": true} if that still "
                    "does what it should");
  for (const EditStep& step : edit.steps) {
    const auto width = static_cast<size_t>(d);
    if ((!step.add.empty() && step.add.size() != width) || step.remove.size() % width != 0)
      throw UserError(
          edit.where,
          "expected directions of width " + std::to_string(d) + " at " + site_name(site),
          "they belong to another site or model");
  }
}

}  // namespace

void fold_edits(Checkpoint& checkpoint, const std::vector<WeightEdit>& edits) {
  if (edits.empty()) return;
  const std::vector<Site> order = all_sites(checkpoint.dims);
  struct Group {
    Steps steps;
    std::string where;
  };
  // In the order of a forward: what the stream gains is added after its writer was edited.
  std::map<std::ptrdiff_t, Group> groups;
  for (const WeightEdit& edit : edits) {
    const Site site = find_site(checkpoint.dims, edit.site);
    check(edit, site, site_width(checkpoint.dims, site));
    Group& group = groups[std::find(order.begin(), order.end(), site) - order.begin()];
    group.steps.insert(group.steps.end(), edit.steps.begin(), edit.steps.end());
    group.where = edit.where;
  }
  for (const auto& [place, group] : groups)
    SiteFold(checkpoint, order[static_cast<size_t>(place)], group.steps, group.where).run();
}

}  // namespace otoscope::model
