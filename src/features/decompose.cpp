#include "otoscope/features/decompose.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include "features/one_label.h"
#include "features/purity.h"
#include "features/unit_moments.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"
#include "otoscope/eval/pca.h"
#include "otoscope/eval/sample.h"
#include "otoscope/features/directions.h"
#include "otoscope/kernels/gemm.h"
#include "otoscope/kernels/rows.h"

namespace otoscope::features {
namespace {

constexpr int64_t kGroups = 19;         // under 20, so that the bootstrap leaves one out at a time
constexpr int64_t kWidestPca = 1024;    // eigenvectors of wider sites take minutes
constexpr double kIllustratedR2 = 0.2;  // a unit to show has parts that say something of it

/// The rows of one side (learning or test) with their labels and groups.
struct SideRows {
  ChosenRows chosen;
  std::vector<int32_t> label, group;
};

/// Everything of one SAE on both sides.
struct SaeSides {
  const NamedSae* named = nullptr;
  SparseRows learning, test;
};

/// Which rows of a column of signals are above its threshold.
using FiringRows = std::vector<std::vector<int32_t>>;  // (units)

std::vector<size_t> largest(std::span<const double> values, size_t count) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](size_t a, size_t b) {
                      return values[a] > values[b] || (values[a] == values[b] && a < b);
                    });
  order.resize(count);
  return order;
}

class Decomposer {
 public:
  Decomposer(const store::Store& store, const UnitSource& source,
             const std::vector<audio::ClipLabels>& labels, const DecomposeOptions& options,
             Progress& progress)
      : store_(store), source_(source), options_(options), progress_(progress) {
    one_ = one_label(store, labels, options.kind, true);
    learning_ = side(choose_learning_rows(store, options.learning_rows), "train or dev");
    test_ = side(choose_rows(store, store::Split::test), "test");
    rule_.values = static_cast<int64_t>(one_.values.size());
    rule_.least = options.least_firings;
    rule_.most = std::max(options.most_firings, options.least_firings);
    rule_.draws = options.draws;
    rule_.seed = options.seed;
  }

  Decomposition run(const std::vector<NamedSae>& saes, int64_t only) {
    const store::Store& unit_store = source_.neurons == nullptr ? store_ : *source_.neurons;
    if (source_.neurons != nullptr) check_same_rows(store_, unit_store);
    describe_run(saes[0]);
    for (size_t i = 0; i < saes.size(); ++i) {
      check_sae_fits(*saes[i].sae, store_);
      const SaeSides sides{
          &saes[i],
          code_rows(*saes[i].sae, store_, learning_.chosen, "encode " + saes[i].name, progress_),
          code_rows(*saes[i].sae, store_, test_.chosen, "encode " + saes[i].name + ", test",
                    progress_)};
      const UnitGroup units = given_units(*saes[i].sae);
      if (i == 0 && only >= units.units())
        throw UserError("--neuron", "expected a unit below " + std::to_string(units.units()) +
                                        ", got " + std::to_string(only));
      out_.tables.push_back(measure(units, sides, i == 0, only));
      if (i > 0) continue;
      if (options_.random > 0)
        out_.tables.push_back(measure(random_units(units), sides, false, -1));
      if (store_.d() <= kWidestPca && saes[0].sae->d_out() == store_.d())
        out_.tables.push_back(measure(pca_units(), sides, false, -1));
    }
    return std::move(out_);
  }

 private:
  SideRows side(ChosenRows rows, const std::string& name) const {
    if (rows.rows.empty())
      throw UserError(store_.path().string(), "expected " + name + " rows, got none",
                      "extract the store without --split");
    SideRows out;
    const auto groups = std::min<int64_t>(kGroups, static_cast<int64_t>(rows.clusters.size()));
    const std::vector<int32_t> of_cluster =
        cluster_groups(static_cast<int64_t>(rows.clusters.size()), groups, options_.seed);
    for (size_t r = 0; r < rows.rows.size(); ++r) {
      out.label.push_back(one_.of_row[static_cast<size_t>(rows.rows[r])]);
      out.group.push_back(of_cluster[static_cast<size_t>(rows.cluster[r])]);
    }
    if (std::all_of(out.label.begin(), out.label.end(), [](int32_t l) { return l < 0; }))
      throw UserError("--labels",
                      "expected labels of " + options_.kind + " on " + name + " rows, got none",
                      "make labels of the manifest that the store was extracted from");
    out.chosen = std::move(rows);
    return out;
  }

  void describe_run(const NamedSae& sae) {
    out_.options = options_;
    out_.store_hash = store_.hash();
    out_.sae_hash = sae.sae->hash;
    out_.site = store_.site();
    out_.unit_site = source_.neurons == nullptr ? store_.site() : source_.neurons->site();
    if (source_.neurons != nullptr) out_.neurons_hash = source_.neurons->hash();
    out_.w = source_.neurons != nullptr      ? "W_out[:, i] / ||W_out[:, i]||^2"
             : source_.directions.size() > 0 ? "the direction"
                                             : "the coordinate";
    out_.learning_rows = learning_.chosen.size();
    out_.test_rows = test_.chosen.size();
    out_.clusters = static_cast<int64_t>(test_.chosen.clusters.size());
    out_.labelled_rows =
        std::count_if(test_.label.begin(), test_.label.end(), [](int32_t l) { return l >= 0; });
  }

  /// Each row divided by its squared norm: the read-off of a neuron that writes along it.
  static void invert(Tensor<float>& read) {
    Tensor<float> factor(Shape{read.shape()[0]});
    kernels::row_norms(read, factor);
    for (int64_t u = 0; u < factor.size(); ++u)
      factor[u] = factor[u] > 0 ? 1 / (factor[u] * factor[u]) : 0;
    kernels::scale_rows(read, factor);
  }

  UnitGroup given_units(const sae::Sae& sae) const {
    UnitGroup group;
    if (source_.neurons != nullptr) {
      const View<const float> W = source_.output_weight;
      if (W.shape.rank() != 2 || W.shape[0] != sae.d_out() || W.shape[1] != source_.neurons->d())
        throw UserError(source_.neurons->path().string(),
                        "expected neurons of the model whose output weight is " + W.shape.str() +
                            ", and an SAE of the stream of width " + std::to_string(sae.d_out()),
                        "give the store of encoder.blocks.N.mlp_post of the same model");
      group.name = "neurons";
      group.store = source_.neurons;
      group.read = Tensor<float>(Shape{W.shape[1], W.shape[0]});
      for (int64_t i = 0; i < W.shape[0]; ++i)
        for (int64_t u = 0; u < W.shape[1]; ++u) group.read.at(u, i) = W.at(i, u);
      invert(group.read);
      return group;
    }
    group.store = &store_;
    if (sae.d_out() != store_.d())
      throw UserError(sae.folder.string(),
                      "expected an SAE that rebuilds its own site, got one "
                      "that predicts another",
                      "give the neurons of the site that it predicts from as --neurons");
    if (source_.directions.size() > 0) {
      if (source_.directions.shape()[1] != store_.d())
        throw UserError("--directions", "expected rows of width " + std::to_string(store_.d()) +
                                            ", got " +
                                            std::to_string(source_.directions.shape()[1]));
      group.name = "directions";
      group.mix = source_.directions.clone();
      kernels::normalize_rows(group.mix);
      group.read = group.mix.clone();
      return group;
    }
    group.name = "coordinates";
    group.read = Tensor<float>(Shape{store_.d(), store_.d()});
    for (int64_t u = 0; u < store_.d(); ++u) group.read.at(u, u) = 1;
    return group;
  }

  /// Random unit vectors of the space that the units live in.
  UnitGroup random_units(const UnitGroup& units) const {
    UnitGroup group;
    group.name = units.name == "neurons" ? "random mixtures of neurons" : "random directions";
    group.store = units.store;
    group.mix = random_directions(options_.random, units.store->d(), options_.seed);
    if (units.name == "neurons") {
      group.read = Tensor<float>(Shape{options_.random, source_.output_weight.shape[0]});
      kernels::gemm({group.mix}, kernels::transposed(source_.output_weight), group.read);
      invert(group.read);
    } else {
      group.read = group.mix.clone();
    }
    return group;
  }

  UnitGroup pca_units() const {
    const eval::Pca pca = eval::fit_pca(eval::Sample::of_store(
        store_,
        store_.rows_of(store::Split::train).empty() ? store::Split::dev : store::Split::train,
        32768));
    UnitGroup group;
    group.name = "principal axes";
    group.store = &store_;
    group.mix = pca.components.clone();
    group.read = pca.components.clone();
    return group;
  }

  /// Parts of every unit by their share on learning rows.
  std::vector<UnitParts> choose_parts(const sae::Sae& sae, const UnitGroup& group,
                                      const UnitMoments& learning,
                                      const FeaturePostings& postings) const {
    const int64_t F = sae.F(), U = group.units();
    Tensor<float> along(Shape{F, U});
    kernels::gemm({sae.W_dec}, kernels::transposed(group.read), along);
    std::vector<UnitParts> units(static_cast<size_t>(U));
    parallel_ranges(U, 16, [&](int64_t begin, int64_t end) {
      std::vector<double> shares(static_cast<size_t>(F));
      for (int64_t u = begin; u < end; ++u) {
        UnitParts& unit = units[static_cast<size_t>(u)];
        unit.unit = u;
        const double variance = learning.variance[static_cast<size_t>(u)];
        // Only features that raise the unit: one that holds it down in silence shares its variance
        // too, but is nothing that the unit answers to.
        for (int64_t f = 0; f < F; ++f)
          shares[static_cast<size_t>(f)] =
              variance > 0 && postings.count(f) > 0 && along.at(f, u) > 0
                  ? static_cast<double>(along.at(f, u)) * learning.covariance.at(f, u) / variance
                  : 0;
        for (const size_t f : largest(shares, static_cast<size_t>(options_.top)))
          if (shares[f] > 0) {
            Part part;
            part.feature = static_cast<int64_t>(f), part.share = shares[f];
            unit.parts.push_back(part);
          }
      }
    });
    return units;
  }

  void add_test_shares(const sae::Sae& sae, const UnitGroup& group, const UnitMoments& test,
                       std::vector<UnitParts>& units) const {
    for (UnitParts& unit : units)
      for (Part& part : unit.parts) {
        double along = 0;
        const float *d = sae.W_dec.view().row(part.feature), *w = group.read.view().row(unit.unit);
        for (int64_t i = 0; i < sae.d_out(); ++i) along += static_cast<double>(d[i]) * w[i];
        const double variance = test.variance[static_cast<size_t>(unit.unit)];
        part.test_share =
            variance > 0 ? along * test.covariance.at(part.feature, unit.unit) / variance : 0;
        unit.test_share += part.test_share;
      }
  }

  static std::vector<int64_t> features_of(const UnitParts& unit) {
    std::vector<int64_t> features;
    for (const Part& part : unit.parts) features.push_back(part.feature);
    return features;
  }

  /// Above it a unit fires on learning rows as often as its parts do in the mean.
  static float threshold_of(const UnitParts& unit, View<const float> signals,
                            const FeaturePostings& postings) {
    double count = 0;
    for (const Part& part : unit.parts)
      count += static_cast<double>(postings.count(part.feature)) /
               static_cast<double>(unit.parts.size());
    std::vector<float> column(static_cast<size_t>(signals.rows()));
    for (int64_t b = 0; b < signals.rows(); ++b)
      column[static_cast<size_t>(b)] = signals.at(b, unit.unit);
    const auto place = static_cast<std::ptrdiff_t>(
        std::clamp<double>(std::round(count), 1, static_cast<double>(column.size() - 1)));
    std::nth_element(column.begin(), column.begin() + place, column.end(), std::greater<>());
    return column[static_cast<size_t>(place)];
  }

  /// Bits that a unit's labels have more than its parts', weighted by share; fills the parts where
  /// nothing is left out.
  double bits_of(UnitParts& unit, const FiringLabels& own, const std::vector<FiringLabels>& parts,
                 int32_t left_out, bool keep, double* unit_bits, double* part_bits) const {
    double sum = 0, weight = 0, own_sum = 0, part_sum = 0;
    const std::vector<int32_t> mine = own.without(left_out);
    for (size_t i = 0; i < unit.parts.size(); ++i) {
      Part& part = unit.parts[i];
      const EqualCounts c =
          compare_purity(mine, parts[i].without(left_out), rule_,
                         static_cast<uint64_t>(unit.unit) * 64 + static_cast<uint64_t>(i));
      if (c.n == 0) continue;
      sum += part.share * (c.unit_bits - c.part_bits), weight += part.share;
      own_sum += part.share * c.unit_bits, part_sum += part.share * c.part_bits;
      if (!keep) continue;
      part.n = c.n, part.senses = std::exp2(c.part_bits), part.unit_senses = std::exp2(c.unit_bits);
    }
    if (weight == 0) return std::numeric_limits<double>::quiet_NaN();
    if (unit_bits != nullptr) *unit_bits = own_sum / weight, *part_bits = part_sum / weight;
    return sum / weight;
  }

  std::vector<FiringLabels> part_labels(const UnitParts& unit, const FeaturePostings& postings,
                                        const SideRows& rows) const {
    std::vector<FiringLabels> out;
    for (const Part& part : unit.parts)
      out.push_back(labels_under(postings.rows_of(part.feature), rows.label, rows.group));
    return out;
  }

  UnitTable measure(const UnitGroup& group, const SaeSides& sides, bool illustrate, int64_t only) {
    const sae::Sae& sae = *sides.named->sae;
    const FeaturePostings learning_postings(sides.learning, sae.F()),
        test_postings(sides.test, sae.F());
    Tensor<float> kept(Shape{learning_.chosen.size(), group.units()});
    const UnitMoments learning = unit_moments(
        group, learning_.chosen, sides.learning, sae.F(), {},
        [&](int64_t first, View<const float> s) {
          std::copy_n(s.data, s.size(), kept.view().row(first));
        },
        progress_);
    UnitTable table;
    table.name = group.name, table.of = sides.named->name;
    table.units = choose_parts(sae, group, learning, learning_postings);
    parallel_ranges(group.units(), 8, [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) {
        UnitParts& unit = table.units[static_cast<size_t>(u)];
        if (!unit.parts.empty()) unit.threshold = threshold_of(unit, kept, learning_postings);
      }
    });

    FiringRows firing(table.units.size());
    const UnitMoments test = unit_moments(
        group, test_.chosen, sides.test, sae.F(), learning.shift,
        [&](int64_t first, View<const float> s) {
          for (int64_t b = 0; b < s.rows(); ++b)
            for (int64_t u = 0; u < s.width(); ++u)
              if (s.at(b, u) > table.units[static_cast<size_t>(u)].threshold)
                firing[static_cast<size_t>(u)].push_back(static_cast<int32_t>(first + b));
        },
        progress_);
    add_test_shares(sae, group, test, table.units);
    for (UnitParts& unit : table.units) {
      if (unit.parts.empty()) continue;
      const std::vector<int64_t> features = features_of(unit);
      const FewFit fit = fit_few(learning, learning_postings, unit.unit, features);
      unit.r2 = score_few(fit, test, test_postings, unit.unit, features);
    }
    summarise(table, firing, test_postings);
    if (illustrate)
      this->illustrate(table, kept, learning, learning_postings, firing, test_postings, only);
    return table;
  }

  void summarise(UnitTable& table, const FiringRows& firing, const FeaturePostings& postings) {
    const auto U = static_cast<int64_t>(table.units.size());
    const auto groups =
        std::min<int64_t>(kGroups, static_cast<int64_t>(test_.chosen.clusters.size()));
    // Mean bits with nothing, and with each group, left out.
    std::vector<std::vector<double>> bits(static_cast<size_t>(groups + 1),
                                          std::vector<double>(table.units.size()));
    std::vector<double> own(table.units.size(), 0), parts(table.units.size(), 0);
    progress_.start("compare " + table.name + " of " + table.of, U, "units");
    std::atomic<int64_t> done = 0;
    parallel_ranges(U, 16, [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) {
        const auto i = static_cast<size_t>(u);
        UnitParts& unit = table.units[i];
        const FiringLabels mine = labels_under(firing[i], test_.label, test_.group);
        const std::vector<FiringLabels> theirs = part_labels(unit, postings, test_);
        for (int64_t g = 0; g <= groups; ++g)
          bits[static_cast<size_t>(g)][i] =
              bits_of(unit, mine, theirs, static_cast<int32_t>(g) - 1, g == 0,
                      g == 0 ? &own[i] : nullptr, g == 0 ? &parts[i] : nullptr);
        unit.bits = bits[0][i];
      }
      done += end - begin;
    });
    progress_.advance(done);
    progress_.finish();
    throw_if_interrupted();

    const auto mean = [](const std::vector<double>& values) {
      double sum = 0, n = 0;
      for (const double x : values)
        if (std::isfinite(x)) sum += x, n += 1;
      return n == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / n;
    };
    std::vector<double> compared;
    double own_sum = 0, part_sum = 0;
    int64_t purer = 0;
    for (size_t i = 0; i < table.units.size(); ++i) {
      table.r2 += table.units[i].r2 / static_cast<double>(U);
      table.test_share += table.units[i].test_share / static_cast<double>(U);
      if (!std::isfinite(bits[0][i])) continue;
      compared.push_back(bits[0][i]);
      own_sum += own[i], part_sum += parts[i];
      purer += bits[0][i] > 0;
    }
    table.compared = static_cast<int64_t>(compared.size());
    table.bits = cluster_bootstrap(
        groups, table.compared,
        [&](std::span<const int32_t> times) {
          for (size_t g = 0; g < times.size(); ++g)
            if (times[g] == 0) return mean(bits[g + 1]);
          return mean(bits[0]);
        },
        options_.seed);
    table.bits.clusters = static_cast<int64_t>(test_.chosen.clusters.size());
    table.bits.method =
        "t over pseudo-values, one of " + std::to_string(groups) + " groups of clusters left out";
    if (compared.empty()) return;
    table.p = sign_flip_p(compared, options_.seed);
    table.purer = wilson(purer, table.compared);
    table.purer.method = "Wilson, over units";
    const auto n = static_cast<double>(table.compared);
    table.unit_senses = std::exp2(own_sum / n), table.senses = std::exp2(part_sum / n);
  }

  std::vector<LabelShare> label_shares(const FiringLabels& firings) const {
    std::vector<double> counts(one_.values.size(), 0);
    for (const int32_t label : firings.labels) counts[static_cast<size_t>(label)] += 1;
    std::vector<LabelShare> out;
    for (const size_t v : largest(counts, 8))
      if (counts[v] > 0)
        out.push_back({one_.values[v], counts[v] / static_cast<double>(firings.count())});
    return out;
  }

  /// The unit that learning rows recommend: its parts explain it, differ in what they hear, and are
  /// the most purer than it.
  int64_t recommend(const UnitTable& table, View<const float> signals, const UnitMoments& learning,
                    const FeaturePostings& postings) const {
    int64_t best = -1;
    double best_bits = -INFINITY;
    for (const UnitParts& one : table.units) {
      if (one.parts.size() < 2) continue;
      const std::vector<int64_t> features = features_of(one);
      const double r2 = score_few(fit_few(learning, postings, one.unit, features), learning,
                                  postings, one.unit, features);
      if (r2 < kIllustratedR2) continue;
      const std::vector<FiringLabels> theirs = part_labels(one, postings, learning_);
      std::vector<std::string> first;
      for (const FiringLabels& labels : theirs)
        if (labels.count() >= rule_.least) first.push_back(label_shares(labels)[0].label);
      // Parts that fire in pauses are pure, but show nothing of what the unit hears.
      if (std::find(first.begin(), first.end(), one_.values.back()) != first.end()) continue;
      std::sort(first.begin(), first.end());
      if (std::unique(first.begin(), first.end()) - first.begin() < 2) continue;
      std::vector<int32_t> rows;
      for (int64_t b = 0; b < signals.rows(); ++b)
        if (signals.at(b, one.unit) > one.threshold) rows.push_back(static_cast<int32_t>(b));
      UnitParts copy = one;
      const double bits = bits_of(copy, labels_under(rows, learning_.label, learning_.group),
                                  theirs, -1, false, nullptr, nullptr);
      if (std::isfinite(bits) && bits > best_bits) best_bits = bits, best = one.unit;
    }
    return best;
  }

  void illustrate(const UnitTable& table, View<const float> signals, const UnitMoments& learning,
                  const FeaturePostings& learning_postings, const FiringRows& firing,
                  const FeaturePostings& postings, int64_t only) {
    const int64_t unit = only >= 0 ? only : recommend(table, signals, learning, learning_postings);
    if (unit < 0) return;
    Illustration shown;
    shown.unit = unit, shown.chosen = only < 0;
    shown.parts = table.units[static_cast<size_t>(unit)];
    const FiringLabels mine =
        labels_under(firing[static_cast<size_t>(unit)], test_.label, test_.group);
    shown.firings = mine.count();
    shown.labels = label_shares(mine);
    const std::vector<FiringLabels> theirs = part_labels(shown.parts, postings, test_);
    for (size_t i = 0; i < theirs.size(); ++i)
      shown.of_parts.push_back(
          {shown.parts.parts[i].feature, theirs[i].count(), label_shares(theirs[i])});
    out_.illustration = std::move(shown);
  }

  const store::Store& store_;
  const UnitSource& source_;
  const DecomposeOptions& options_;
  Progress& progress_;
  OneLabel one_;
  SideRows learning_, test_;
  EqualCountRule rule_;
  Decomposition out_;
};

}  // namespace

Decomposition decompose(const std::vector<NamedSae>& saes, const store::Store& store,
                        const UnitSource& source, const std::vector<audio::ClipLabels>& labels,
                        int64_t only, const DecomposeOptions& options, Progress& progress) {
  if (saes.empty()) throw UserError("--sae", "expected the folder of an SAE, got none");
  return Decomposer(store, source, labels, options, progress).run(saes, only);
}

}  // namespace otoscope::features
