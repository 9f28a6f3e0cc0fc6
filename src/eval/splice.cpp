#include "otoscope/eval/splice.h"

#include <algorithm>

#include "otoscope/core/errors.h"

namespace otoscope::eval {
namespace {

/// Calls visit(b, positions) for each entry of a batch with the positions that count.
template <class Visit>
void for_each_entry(View<float> x, std::span<const int32_t> valid, Visit&& visit) {
  OTO_ASSERT(x.shape.rank() == 3);
  const int64_t B = x.shape[0], T = x.shape[1];
  OTO_ASSERT(valid.empty() || static_cast<int64_t>(valid.size()) == B);
  for (int64_t b = 0; b < B; ++b) {
    const int64_t positions =
        valid.empty() ? T : std::min<int64_t>(valid[static_cast<size_t>(b)], T);
    if (positions > 0) visit(x.sub(b).slice(0, positions));
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
  for_each_entry(x, valid, [&](View<float> rows) {
    if (xhat.size() < rows.size()) xhat = Tensor<float>(rows.shape);
    const View<float> out{xhat.data(), rows.shape};
    model.reconstruct(rows, out, codes);
    std::copy_n(out.data, out.size(), rows.data);
  });
}

Splice::Splice(const model::Site& site, const Reconstructor& reconstructor)
    : site_(site), reconstructor_(reconstructor) {
  check_row_site(site);
}

model::Want Splice::ask(const model::Site& site) {
  return site == site_ ? model::Want::replace : model::Want::none;
}

void Splice::replace(const model::Site&, const model::Rows& rows, View<float> x) {
  splice_rows(reconstructor_, x, valid_of(rows));
}

}  // namespace otoscope::eval
