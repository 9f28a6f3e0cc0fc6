#include "otoscope/steer/hook.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/kernels/elementwise.h"
#include "steer/edit_row.h"
#include "steer/feature_codes.h"

namespace otoscope::steer {
namespace {

using model::Pass;
using model::Point;
using model::Rows;
using model::Site;
using model::Stack;

double squared(const float* x, int64_t d) { return kernels::squared_norm({x, {d}}); }

/// How many positions of entry b carry audio or text.
int64_t valid_of(const Rows& rows, const Site& site, int64_t b, int64_t T) {
  // In cached decoding rows.valid counts the prompt; a step's own positions all count.
  if (rows.pass == Pass::decoder_cached || rows.valid.empty()) return T;
  const bool twice = site.point == Point::mel || site.point == Point::conv1;
  return std::clamp<int64_t>(int64_t{rows.valid[static_cast<size_t>(b)]} * (twice ? 2 : 1), 0, T);
}

}  // namespace

struct SteerHook::Impl {
  Site site;
  int64_t d;
  std::optional<Site> source;  // what a transcoder reads; its rows of this call are in `seen`
  Tensor<float> seen;
  std::vector<Operator> operators;
  std::vector<std::vector<size_t>> places;  // of each operator's features among the codes
  SteerOptions options;
  std::optional<FeatureCodes> codes;
  Dose dose;

  // Scratch of one entry.
  Tensor<float> before, after;
  std::vector<float> change, moved;

  Impl(const model::Dims& dims, const Site& where, std::vector<Operator> given, const sae::Sae* sae,
       SteerOptions how)
      : site(where), operators(std::move(given)), options(std::move(how)) {
    const std::string name = model::site_name(site);
    if (!model::is_row_site(site))
      throw UserError(name, "expected a site with one row per position",
                      "choose a residual stream, an attention or MLP output");
    d = model::site_width(dims, site);
    if (sae != nullptr) {
      find_source(dims, *sae, name);
      if (sae->d_out() != d)
        throw UserError(name, fmt::format("expected an SAE of width {}, got {}", d, sae->d_out()),
                        "the SAE belongs to another site or model");
    }
    for (const Operator& op : operators) check_operator(name, op, d, sae != nullptr ? sae->F() : 0);
    if (!options.redirect.empty()) set_redirect(name);
    if (!std::isfinite(options.gain)) throw UserError(name, "expected a gain that is finite");
    find_features(sae);
  }

  void find_source(const model::Dims& dims, const sae::Sae& sae, const std::string& name) {
    if (sae.target_site.empty() || sae.target_site == sae.site) {
      if (sae.d() != sae.d_out() || !sae.W_skip.empty())
        throw UserError(name, "expected a transcoder that names its target site");
      return;
    }
    if (!(model::find_site(dims, sae.target_site) == site))
      throw UserError(name, "expected the site that the transcoder rebuilds, " + sae.target_site);
    source = model::find_site(dims, sae.site);
    if (!model::is_row_site(*source) || model::site_width(dims, *source) != sae.d())
      throw UserError(sae.site, fmt::format("expected a site with rows of width {}", sae.d()));
  }

  void set_redirect(const std::string& name) {
    if (options.form == Form::splice)
      throw UserError(name, "expected the preserving form with a direction of its own");
    if (static_cast<int64_t>(options.redirect.size()) != d)
      throw UserError(name, fmt::format("expected a direction of width {}, got {}", d,
                                        options.redirect.size()));
    const double norm = std::sqrt(squared(options.redirect.data(), d));
    if (!(norm > 0) || !std::isfinite(norm))
      throw UserError(name, "expected a direction with a norm over 0");
    for (float& v : options.redirect) v = static_cast<float>(static_cast<double>(v) / norm);
  }

  void find_features(const sae::Sae* sae) {
    std::vector<int32_t> ids;
    for (const Operator& op : operators)
      ids.insert(ids.end(), op.features.begin(), op.features.end());
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    if (options.form == Form::splice && sae == nullptr)
      throw UserError(model::site_name(site), "expected an SAE to splice, got none");
    if (!ids.empty() || options.form == Form::splice) codes.emplace(*sae, std::move(ids));
    for (const Operator& op : operators) {
      places.emplace_back();
      for (const int32_t id : op.features) places.back().push_back(codes->place_of(id));
    }
  }

  bool holds(const Operator& op, const Rows& rows, int64_t b, int64_t t, bool padding) const {
    if (padding && !op.where.padding) return false;
    if (rows.step >= 0 && (rows.step < op.where.first_step || rows.step >= op.where.end_step))
      return false;
    const int64_t item = rows.item.empty() ? b : rows.item[static_cast<size_t>(b)];
    return op.where.holds(item, rows.position + t);
  }

  /// x: (T, d) of entry b.
  void edit_entry(const Rows& rows, int64_t b, int64_t valid, View<float> x) {
    const int64_t T = x.rows();
    const int64_t item = rows.item.empty() ? b : rows.item[static_cast<size_t>(b)];
    const bool padded = std::any_of(operators.begin(), operators.end(),
                                    [](const Operator& op) { return op.where.padding; });
    const int64_t positions = padded ? T : valid;
    if (positions == 0) return;
    const View<float> part = x.slice(0, positions);
    const View<const float> read = source ? seen.view().sub(b).slice(0, positions) : part;
    if (codes) {
      codes->encode(read, before);
      after = before.clone();
      for (int64_t t = 0; t < positions; ++t)
        for (size_t o = 0; o < operators.size(); ++o)
          if (uses_features(operators[o].action) && holds(operators[o], rows, b, t, t >= valid))
            edit_codes(operators[o], places[o], before.view().row(t), after.view().row(t), item,
                       rows.position + t);
    }
    if (options.form == Form::splice) {
      const Tensor<float> was = Tensor<float>::copy_of(part);
      codes->splice(source ? read : was.view(), after, part);
      for (int64_t t = 0; t < positions; ++t) {
        for (int64_t i = 0; i < d; ++i)
          change[static_cast<size_t>(i)] = part.at(t, i) - was.at(t, i);
        count(t < valid, was.view().row(t), change.data());
      }
    } else {
      for (int64_t t = 0; t < positions; ++t)
        edit_row(rows, b, t, t >= valid, read.row(t), part.row(t));
    }
    if (options.form != Form::splice) return;
    for (int64_t t = 0; t < positions; ++t)  // directions work on what the splice left
      edit_row_by_directions(rows, b, t, t >= valid, part.row(t));
  }

  void edit_row_by_directions(const Rows& rows, int64_t b, int64_t t, bool padding, float* x) {
    bool any = false;
    for (const Operator& op : operators) {
      if (uses_features(op.action) || !holds(op, rows, b, t, padding)) continue;
      if (!any) std::fill(change.begin(), change.end(), 0.0F);
      any = true;
      edit_direction(op, d, x, change.data());
    }
    if (!any) return;
    for (int64_t i = 0; i < d; ++i) x[i] += change[static_cast<size_t>(i)];
    check_finite(rows, b, t, x);
  }

  /// read: the row that the codes are of; x itself unless the SAE is a transcoder.
  void edit_row(const Rows& rows, int64_t b, int64_t t, bool padding, const float* read, float* x) {
    bool any = false;
    std::fill(change.begin(), change.end(), 0.0F);
    if (codes) {
      const float* f0 = before.view().row(t);
      float* f1 = after.view().row(t);
      for (int64_t j = 0; j < codes->size(); ++j) {
        f1[j] -= f0[j];
        any = any || f1[j] != 0;
      }
      if (any) codes->spread(read, f1, change.data());
    }
    for (const Operator& op : operators) {
      if (uses_features(op.action) || !holds(op, rows, b, t, padding)) continue;
      edit_direction(op, d, x, change.data());
      any = true;
    }
    any = any && std::any_of(change.begin(), change.end(), [](float v) { return v != 0; });
    if (any) {
      if (!options.redirect.empty()) {
        const auto norm = static_cast<float>(std::sqrt(squared(change.data(), d)));
        for (size_t i = 0; i < change.size(); ++i) change[i] = norm * options.redirect[i];
      }
      if (options.gain != 1)
        for (float& v : change) v = static_cast<float>(static_cast<double>(v) * options.gain);
    }
    count(!padding, x, change.data());
    if (!any) return;
    for (int64_t i = 0; i < d; ++i) x[i] += change[static_cast<size_t>(i)];
    check_finite(rows, b, t, x);
  }

  void count(bool valid, const float* x, const float* moved_by) {
    if (!valid) return;
    const double squares = squared(moved_by, d);
    ++dose.rows;
    dose.changed += squares > 0 ? 1 : 0;
    dose.squares += squares;
    dose.sum += std::sqrt(squares);
    dose.norms += std::sqrt(squared(x, d));
  }

  void check_finite(const Rows& rows, int64_t b, int64_t t, const float* x) const {
    if (std::isfinite(squared(x, d))) return;
    const int64_t item = rows.item.empty() ? b : rows.item[static_cast<size_t>(b)];
    throw UserError(model::site_name(site),
                    fmt::format("the edit makes clip {}, place {} infinite or not a number", item,
                                rows.position + t),
                    "use a smaller strength");
  }
};

SteerHook::SteerHook(const model::Dims& dims, const Site& site, std::vector<Operator> operators,
                     const sae::Sae* sae, SteerOptions options)
    : impl_(std::make_unique<Impl>(dims, site, std::move(operators), sae, std::move(options))) {
  impl_->change.resize(static_cast<size_t>(impl_->d));
}
SteerHook::~SteerHook() = default;
SteerHook::SteerHook(SteerHook&&) noexcept = default;

model::Want SteerHook::ask(const Site& site) {
  if (site == impl_->site) return model::Want::replace;
  if (impl_->source && site == *impl_->source) return model::Want::observe;
  return site.point == Point::logits ? model::Want::observe : model::Want::none;
}

void SteerHook::replace(const Site&, const Rows& rows, View<float> x) {
  OTO_ASSERT(x.shape.rank() == 3 && x.width() == impl_->d);
  if (impl_->operators.empty() && impl_->options.form == Form::preserving) return;
  if (impl_->source && (impl_->seen.empty() || impl_->seen.shape()[0] != x.shape[0] ||
                        impl_->seen.shape()[1] != x.shape[1]))
    throw UserError(model::site_name(*impl_->source),
                    "expected the source of a transcoder before its target");
  for (int64_t b = 0; b < x.shape[0]; ++b)
    impl_->edit_entry(rows, b, valid_of(rows, impl_->site, b, x.shape[1]), x.sub(b));
}

void SteerHook::observe(const Site& site, const Rows& rows, View<const float> x) {
  if (impl_->source && site == *impl_->source) {
    impl_->seen = Tensor<float>::copy_of(x);
    return;
  }
  if (std::isfinite(squared(x.data, x.size()))) return;
  throw UserError(model::site_name(impl_->site),
                  fmt::format("the edit makes the {} infinite or not a number from place {} on",
                              model::site_name(site), rows.position),
                  "use a smaller strength");
}

const Site& SteerHook::site() const { return impl_->site; }
const std::vector<Operator>& SteerHook::operators() const { return impl_->operators; }

void SteerHook::set_strengths(std::span<const double> strengths) {
  OTO_ASSERT(strengths.size() == impl_->operators.size());
  for (size_t i = 0; i < strengths.size(); ++i) {
    OTO_ASSERT(std::isfinite(strengths[i]));
    impl_->operators[i].strength = strengths[i];
  }
}

void SteerHook::set_gain(double gain) { impl_->options.gain = gain; }
const Dose& SteerHook::dose() const { return impl_->dose; }
void SteerHook::set_dose(const Dose& dose) { impl_->dose = dose; }

}  // namespace otoscope::steer
