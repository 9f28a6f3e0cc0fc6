#pragma once
/// What else might be described: raw coordinates, random directions, bands of a spectrum, and
/// linear readouts of the labels, each as codes of the same form as an SAE's, so that one code path
/// measures features and their controls (methods.md §3.8).

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/core/tensor.h"
#include "otoscope/features/labelled_rows.h"
#include "otoscope/features/postings.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

/// Rows of a matrix (rows, d), read in blocks.
struct RowSource {
  int64_t rows = 0, d = 0;
  std::function<void(int64_t first, View<float> out)> read;
};
RowSource rows_of_store(const store::Store& store);
RowSource rows_of_matrix(View<const float> x);

/// `count` firing rates, spread evenly over those of the units that fire on train and dev, in a
/// random order: controls fire as often as what they control.
std::vector<double> matched_rates(const Postings& postings, const LabelledRows& rows, int64_t count,
                                  uint64_t seed);

/// Unit u fires on the share rates[u] of the rows of train and dev where <x, W[u]> is largest; its
/// value is the excess over that threshold. W: (U, d). Thresholds are quantiles of up to 32,768
/// rows at equal distances.
Postings direction_units(const RowSource& x, const LabelledRows& rows, View<const float> W,
                         std::span<const double> rates, std::string_view what, Progress& progress);

/// Each coordinate and its negative: (2 d, d).
Tensor<float> signed_axes(int64_t d);

/// Log-mel power of each row's frame, 80 bands, relative to the loudest of its clip: (rows, 80).
/// Rows whose audio is gone are 0, and noted.
Tensor<float> mel_of_rows(const store::Store& store, Progress& progress);

/// Ridge regression of every label value with at least `least_rows` rows among up to 65,536 rows of
/// train and dev: one direction a value, (values, d), and how often each value holds. What a linear
/// readout with the labels in hand can do: the ceiling.
struct Probe {
  Tensor<float> W;  // (U, d)
  std::vector<double> rates;
  std::vector<int32_t> values;  // (U)
};
Probe fit_probe(const RowSource& x, const LabelledRows& rows, int64_t least_rows,
                Progress& progress);

}  // namespace otoscope::features
