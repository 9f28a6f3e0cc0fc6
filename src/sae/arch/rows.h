#pragma once
/// The two sparse loops of a TopK step, fused so that a gathered row is used while it is in cache.
/// Plain pointers: rows_avx2.cpp and rows_avx512.cpp are compiled for their instruction set.

#include <cstdint>

namespace otoscope::sae::rows {

/// Per row b: residuals of every prefix, their suffix sums, and the gradient of each code.
///   r_q = b_dec - y_b + sum_{e in blocks <= q} value_e W[index_e]
///   G_q = sum_{p >= q} scale_p r_p          g_out[q] = G_q, (blocks, B, d)
///   dvalue_e = <G_q(e), W[index_e]>
/// A feature of source s writes from column s * part on; before it its row is not read.
struct Decode {
  const int64_t* indptr;
  const int32_t* indices;
  const float* values;
  const float* W;            // (F, d)
  const float* b_dec;        // (d)
  const float* y;            // (B, d)
  const int64_t* block_end;  // (blocks): features [block_end[q-1], block_end[q])
  const float* scale;        // (blocks): 2 w_q / B
  float* g;                  // (blocks, B, d)
  float* dvalue;             // nnz
  double* squared;           // (blocks, B): ||r_q||^2
  int64_t blocks, B, d;
  int64_t group, part;  // features of a source; columns of an output
};
void decode(const Decode& job, int64_t row_begin, int64_t row_end);

/// Per feature f: both weight gradients from its entries, rows ascending.
///   dW_dec[f] = sum value_e G_{q(f)}[row_e]     dW_enc[f] = sum delta_e xc[row_e]
///   db_enc[f] = sum delta_e.                    Features without entries are left alone.
/// Source s reads plane s of xc; what it does not write gets the gradient 0.
struct Outer {
  const int64_t* indptr;  // (F + 1)
  const int32_t* rows;
  const int64_t* entry;
  const float* values;  // by entry
  const float* deltas;  // by entry
  const float* g;       // (blocks, B, d_out)
  const float* xc;      // (sources, B, d)
  const int64_t* block_end;
  float* dW_dec;  // (F, d_out)
  float* dW_enc;  // (F, d)
  float* db_enc;  // (F)
  int64_t blocks, B, d_out, d;
  int64_t group, part;  // as above
};
void outer(const Outer& job, int64_t feature_begin, int64_t feature_end);

#define OTO_SAE_ROWS(isa)                       \
  namespace isa {                               \
  void decode(const Decode&, int64_t, int64_t); \
  void outer(const Outer&, int64_t, int64_t);   \
  }
OTO_SAE_ROWS(scalar)
OTO_SAE_ROWS(avx2)
OTO_SAE_ROWS(avx512)
#undef OTO_SAE_ROWS

}  // namespace otoscope::sae::rows
