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

FeatureEdit::FeatureEdit(const model::Site& site, const sae::Sae& sae, Function edit)
    : site_(site), encoder_(sae), d_(sae.d()), edit_(std::move(edit)) {
  check_row_site(site);
  if (sae.d() != sae.d_out())
    throw UserError(model::site_name(site), "expected an SAE of one site, got a transcoder");
}

model::Want FeatureEdit::ask(const model::Site& site) {
  return site == site_ ? model::Want::replace : model::Want::none;
}

void FeatureEdit::replace(const model::Site&, const model::Rows& rows, View<float> x) {
  OTO_ASSERT(x.width() == d_);
  SparseRows codes;
  for_each_entry(x, valid_of(rows), [&](View<float> entry) {
    encoder_.encode(entry, codes);
    SparseRows before, after;  // of the rows that change
    std::vector<int64_t> changed;
    for (int64_t t = 0; t < entry.rows(); ++t) {
      Codes row;
      for (int64_t e = codes.indptr[static_cast<size_t>(t)];
           e < codes.indptr[static_cast<size_t>(t) + 1]; ++e)
        row.emplace_back(codes.indices[static_cast<size_t>(e)],
                         codes.values[static_cast<size_t>(e)]);
      Codes edited = row;
      edit_(edited);
      if (edited == row) continue;
      changed.push_back(t);
      for (auto [target, source] : {std::pair(&before, &row), std::pair(&after, &edited)}) {
        for (const auto& [index, value] : *source) {
          target->indices.push_back(index);
          target->values.push_back(value);
        }
        target->indptr.push_back(target->nnz());
      }
    }
    if (changed.empty()) return;
    const auto n = static_cast<int64_t>(changed.size());
    Tensor<float> rows_in(Shape{n, d_}), old_xhat(Shape{n, d_}), new_xhat(Shape{n, d_});
    for (int64_t i = 0; i < n; ++i)
      std::copy_n(entry.row(changed[static_cast<size_t>(i)]), d_, rows_in.view().row(i));
    encoder_.decode(before, rows_in, old_xhat);
    encoder_.decode(after, rows_in, new_xhat);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < d_; ++j)
        entry.at(changed[static_cast<size_t>(i)], j) += new_xhat.at(i, j) - old_xhat.at(i, j);
  });
}

FeatureEdit::Function ablate_features(std::vector<int32_t> features) {
  std::sort(features.begin(), features.end());
  return [features = std::move(features)](FeatureEdit::Codes& codes) {
    std::erase_if(codes, [&](const auto& code) {
      return std::binary_search(features.begin(), features.end(), code.first);
    });
  };
}

}  // namespace otoscope::eval
