#include "otoscope/eval/splice.h"

#include <algorithm>

#include "otoscope/core/errors.h"

namespace otoscope::eval {
namespace {

/// Calls visit(b, positions) for each entry of a batch with how many positions count.
template <class Visit>
void for_each_entry(const Shape& shape, std::span<const int32_t> valid, Visit&& visit) {
  OTO_ASSERT(shape.rank() == 3);
  const int64_t B = shape[0], T = shape[1];
  OTO_ASSERT(valid.empty() || static_cast<int64_t>(valid.size()) == B);
  for (int64_t b = 0; b < B; ++b) {
    const int64_t positions =
        valid.empty() ? T : std::min<int64_t>(valid[static_cast<size_t>(b)], T);
    if (positions > 0) visit(b, positions);
  }
}

/// In cached decoding rows.valid counts the prompt; a step's own positions all count.
std::span<const int32_t> valid_of(const model::Rows& rows) {
  return rows.pass == model::Pass::decoder_cached ? std::span<const int32_t>{} : rows.valid;
}

void check_row_site(const model::Site& site) {
  if (!model::is_row_site(site))
    throw UserError(model::site_name(site), "expected a site with one row per position",
                    "choose a residual stream, an attention or MLP output");
}

}  // namespace

void splice_rows(const Reconstructor& model, View<float> x, std::span<const int32_t> valid) {
  SparseRows codes;
  Tensor<float> xhat;
  for_each_entry(x.shape, valid, [&](int64_t b, int64_t positions) {
    const View<float> rows = x.sub(b).slice(0, positions);
    if (xhat.size() < rows.size()) xhat = Tensor<float>(rows.shape);
    const View<float> out{xhat.data(), rows.shape};
    model.reconstruct(rows, out, codes);
    std::copy_n(out.data, out.size(), rows.data);
  });
}

void splice_rows(const Reconstructor& model, View<const float> x, View<float> y,
                 std::span<const int32_t> valid) {
  OTO_ASSERT(x.shape[0] == y.shape[0] && x.shape[1] == y.shape[1]);
  SparseRows codes;
  for_each_entry(x.shape, valid, [&](int64_t b, int64_t positions) {
    model.reconstruct(x.sub(b).slice(0, positions), y.sub(b).slice(0, positions), codes);
  });
}

Splice::Splice(const model::Site& site, const Reconstructor& reconstructor,
               std::optional<model::Site> source)
    : site_(site), source_(source), reconstructor_(reconstructor) {
  check_row_site(site);
  if (source) check_row_site(*source);
  if (source && *source == site) source_.reset();
}

model::Want Splice::ask(const model::Site& site) {
  if (site == site_) return model::Want::replace;
  return source_ && site == *source_ ? model::Want::observe : model::Want::none;
}

void Splice::observe(const model::Site&, const model::Rows&, View<const float> x) {
  if (seen_.shape() != x.shape) seen_ = Tensor<float>::uninitialized(x.shape);
  std::copy_n(x.data, x.size(), seen_.data());
}

void Splice::replace(const model::Site&, const model::Rows& rows, View<float> x) {
  if (!source_) return splice_rows(reconstructor_, x, valid_of(rows));
  if (seen_.empty() || seen_.shape()[0] != x.shape[0] || seen_.shape()[1] != x.shape[1])
    throw UserError(model::site_name(*source_),
                    "expected the source of a splice before its target " + model::site_name(site_),
                    "a transcoder reads a site that the forward reaches first");
  splice_rows(reconstructor_, seen_, x, valid_of(rows));
}

}  // namespace otoscope::eval
