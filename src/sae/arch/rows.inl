// Included by rows.cpp, rows_avx2.cpp and rows_avx512.cpp, each with its own `Vec` in an anonymous
// namespace: kWidth, load, store, zero, fma(a, b, c) = a b + c, set, sum.

namespace otoscope::sae::rows {
namespace {

constexpr int64_t kSpan = 8 * kWidth;  // columns kept in registers at once

inline void prefetch(const float* row, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) __builtin_prefetch(row + i);
}

/// out[0, kSpan) += sum_n coefficient(n) row(n)[0, kSpan)
template <class Coefficient, class Row>
inline void sum_span(int64_t n, Coefficient coefficient, Row row, float* out) {
  Vec s[8];
  for (int v = 0; v < 8; ++v) s[v] = load(out + v * kWidth);
  for (int64_t i = 0; i < n; ++i) {
    const Vec c = set(coefficient(i));
    const float* w = row(i);
    for (int v = 0; v < 8; ++v) s[v] = fma(c, load(w + v * kWidth), s[v]);
  }
  for (int v = 0; v < 8; ++v) store(out + v * kWidth, s[v]);
}

/// out[0, d) += sum_n coefficient(n) row(n)[0, d)
template <class Coefficient, class Row>
inline void weighted_sum(int64_t n, int64_t d, Coefficient coefficient, Row row, float* out) {
  int64_t i = 0;
  for (; i + kSpan <= d; i += kSpan)
    sum_span(
        n, coefficient, [&](int64_t e) { return row(e) + i; }, out + i);
  if (i == d) return;
  for (int64_t e = 0; e < n; ++e) {
    const float c = coefficient(e);
    const float* w = row(e);
    for (int64_t j = i; j < d; ++j) out[j] += c * w[j];
  }
}

inline float dot(const float* a, const float* b, int64_t n) {
  Vec s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
  int64_t i = 0;
  for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
    s0 = fma(load(a + i), load(b + i), s0);
    s1 = fma(load(a + i + kWidth), load(b + i + kWidth), s1);
    s2 = fma(load(a + i + 2 * kWidth), load(b + i + 2 * kWidth), s2);
    s3 = fma(load(a + i + 3 * kWidth), load(b + i + 3 * kWidth), s3);
  }
  float total = (sum(s0) + sum(s1)) + (sum(s2) + sum(s3));
  for (; i < n; ++i) total += a[i] * b[i];
  return total;
}

inline double squares(const float* a, int64_t n) {
  double total = 0;  // by pieces, so that the sum keeps its digits
  for (int64_t i = 0; i < n; i += 256) total += dot(a + i, a + i, n - i < 256 ? n - i : 256);
  return total;
}

}  // namespace

namespace ISA {

void decode(const Decode& job, int64_t row_begin, int64_t row_end) {
  const int64_t d = job.d, plane = job.B * d, last = job.indptr[job.B];
  for (int64_t b = row_begin; b < row_end; ++b) {
    float* r = job.g + b * d;
    for (int64_t i = 0; i < d; ++i) r[i] = job.b_dec[i] - job.y[b * d + i];
    int64_t e = job.indptr[b];
    const int64_t end = job.indptr[b + 1];
    for (int64_t q = 0; q < job.blocks; ++q) {
      const int64_t first = e;
      while (e < end && job.indices[e] < job.block_end[q]) ++e;
      if (q > 0) {
        const float* narrower = job.g + (q - 1) * plane + b * d;
        r = job.g + q * plane + b * d;
        for (int64_t i = 0; i < d; ++i) r[i] = narrower[i];
      }
      for (int64_t at = first, next = first; at < e; at = next) {
        const int64_t source = job.indices[at] / job.group, from = source * job.part;
        while (next < e && job.indices[next] < (source + 1) * job.group) ++next;
        weighted_sum(
            next - at, d - from, [&](int64_t n) { return job.values[at + n]; },
            [&](int64_t n) { return job.W + job.indices[at + n] * d + from; }, r + from);
      }
      job.squared[q * job.B + b] = squares(r, d);
    }
    // The rows of the next code are on their way while this row's gradients are formed.
    const int64_t next_end = end + (end - job.indptr[b]);
    for (int64_t q = job.blocks - 1; q >= 0; --q) {
      float* g = job.g + q * plane + b * d;
      const float scale = job.scale[q];
      if (q == job.blocks - 1)
        for (int64_t i = 0; i < d; ++i) g[i] *= scale;
      else
        for (int64_t i = 0; i < d; ++i) g[i] = scale * g[i] + g[i + plane];
    }
    int64_t q = 0;
    for (e = job.indptr[b]; e < end; ++e) {
      while (job.indices[e] >= job.block_end[q]) ++q;
      const int64_t ahead = end + (e - job.indptr[b]);
      if (ahead < next_end && ahead < last) prefetch(job.W + job.indices[ahead] * d, d);
      const int64_t from = job.indices[e] / job.group * job.part;
      job.dvalue[e] =
          dot(job.g + q * plane + b * d + from, job.W + job.indices[e] * d + from, d - from);
    }
  }
}

void outer(const Outer& job, int64_t feature_begin, int64_t feature_end) {
  int64_t q = 0;
  for (int64_t f = feature_begin; f < feature_end; ++f) {
    const int64_t first = job.indptr[f], n = job.indptr[f + 1] - first;
    if (n == 0) continue;
    while (f >= job.block_end[q]) ++q;
    const float* g = job.g + q * job.B * job.d_out;
    float* dW_dec = job.dW_dec + f * job.d_out;
    float* dW_enc = job.dW_enc + f * job.d;
    const int64_t source = f / job.group, from = source * job.part;
    const float* xc = job.xc + source * job.B * job.d;
    for (int64_t i = 0; i < job.d_out; ++i) dW_dec[i] = 0.0f;
    for (int64_t i = 0; i < job.d; ++i) dW_enc[i] = 0.0f;
    float bias = 0.0f;
    for (int64_t e = 0; e < n; ++e) bias += job.deltas[job.entry[first + e]];
    job.db_enc[f] = bias;
    weighted_sum(
        n, job.d_out - from, [&](int64_t e) { return job.values[job.entry[first + e]]; },
        [&](int64_t e) { return g + job.rows[first + e] * job.d_out + from; }, dW_dec + from);
    weighted_sum(
        n, job.d, [&](int64_t e) { return job.deltas[job.entry[first + e]]; },
        [&](int64_t e) { return xc + job.rows[first + e] * job.d; }, dW_enc);
  }
}

}  // namespace ISA
}  // namespace otoscope::sae::rows
