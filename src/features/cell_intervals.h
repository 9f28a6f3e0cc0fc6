#pragma once
/// Cluster-bootstrap intervals of precision, recall and F1 of every kept cell, on test.

#include "otoscope/features/association.h"

namespace otoscope::features {

void add_intervals(const Postings& postings, const LabelledRows& rows,
                   const AssociationOptions& options, Associations& associations,
                   Progress& progress);

}  // namespace otoscope::features
