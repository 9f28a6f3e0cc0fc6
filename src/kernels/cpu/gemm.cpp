#include "otoscope/kernels/gemm.h"

#include <dnnl.hpp>

#include <map>
#include <mutex>
#include <tuple>

#include "kernels/cpu/product.h"
#include "kernels/cuda/product.h"
#include "otoscope/core/isa.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/device.h"

namespace otoscope::kernels {
namespace {

using dnnl::memory;

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

dnnl::stream& stream() {
  thread_local dnnl::stream own(engine());
  return own;
}

memory::data_type type_of(bool bf16) {
  return bf16 ? memory::data_type::bf16 : memory::data_type::f32;
}

memory::desc plain(int64_t batch, int64_t rows, int64_t columns, bool transposed,
                   memory::data_type type) {
  using Tag = memory::format_tag;
  if (batch == 0) return {{rows, columns}, type, transposed ? Tag::ba : Tag::ab};
  return {{batch, rows, columns}, type, transposed ? Tag::acb : Tag::abc};
}

/// The layout that oneDNN likes best for a (K, N) right-hand side. Asked for one middling M; it is
/// the same for the others, and one layout must serve all of them.
memory::desc packed_layout(int64_t K, int64_t N, bool bf16) {
  static std::mutex mutex;
  static std::map<std::tuple<int64_t, int64_t, bool>, memory::desc> known;
  const std::lock_guard lock(mutex);
  auto [found, is_new] = known.try_emplace({K, N, bf16});
  if (is_new) {
    const int64_t M = 256;
    const dnnl::matmul::desc wish(plain(0, M, K, false, type_of(bf16)),
                                  memory::desc({K, N}, type_of(bf16), memory::format_tag::any),
                                  plain(0, M, N, false, memory::data_type::f32));
    found->second = dnnl::matmul::primitive_desc(wish, engine()).weights_desc();
  }
  return found->second;
}

struct Compiled {
  dnnl::matmul::primitive_desc layout;
  dnnl::matmul code;
};

std::shared_ptr<const Compiled> compile(const detail::Product& p) {
  const auto type = type_of(p.bf16);
  const auto a = plain(p.batch, p.M, p.K, p.a_transposed, type);
  const auto b =
      p.b_packed ? packed_layout(p.K, p.N, p.bf16) : plain(p.batch, p.K, p.N, p.b_transposed, type);
  const auto c = plain(p.batch, p.M, p.N, false, memory::data_type::f32);
  const auto bias = plain(p.batch == 0 ? 0 : 1, 1, p.N, false, memory::data_type::f32);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (p.alpha != 1.0f) attributes.set_output_scales(0, {p.alpha});
  if (p.accumulate) {
    dnnl::post_ops add;
    add.append_sum(1.0f);
    attributes.set_post_ops(add);
  }
  const auto wish = p.bias ? dnnl::matmul::desc(a, b, bias, c) : dnnl::matmul::desc(a, b, c);
  dnnl::matmul::primitive_desc layout(wish, attributes, engine());
  dnnl::matmul code(layout);
  return std::make_shared<const Compiled>(Compiled{std::move(layout), std::move(code)});
}

std::shared_ptr<const Compiled> compiled(const detail::Product& p) {
  static std::mutex mutex;
  static std::map<detail::Product, std::shared_ptr<const Compiled>> known;
  constexpr size_t kMost = 4096;  // decoding meets a new length at every step
  const std::lock_guard lock(mutex);
  const auto found = known.find(p);
  if (found != known.end()) return found->second;
  if (known.size() >= kMost) known.clear();
  return known[p] = compile(p);
}

}  // namespace

namespace detail {

namespace {

void run_here(const Product& product, const void* a, const void* b, const float* bias, float* c) {
  Product p = product;
  p.threads = threads();  // oneDNN fixes the number of threads when it compiles
  const auto ready = compiled(p);
  const auto bound = [](const memory::desc& layout, const void* data) {
    return memory(layout, engine(), const_cast<void*>(data));
  };
  const auto& layout = ready->layout;
  std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, bound(layout.src_desc(), a)},
                                            {DNNL_ARG_WEIGHTS, bound(layout.weights_desc(), b)},
                                            {DNNL_ARG_DST, bound(layout.dst_desc(), c)}};
  if (p.bias) arguments.emplace(DNNL_ARG_BIAS, bound(layout.bias_desc(), bias));
  const auto scratchpad = layout.scratchpad_desc();
  if (const auto bytes = static_cast<int64_t>(scratchpad.get_size()); bytes > 0)
    arguments.emplace(DNNL_ARG_SCRATCHPAD, bound(scratchpad, scratch(0, bytes)));
  ready->code.execute(stream(), arguments);
  stream().wait();
}

}  // namespace

void run(const Product& product, const void* a, const void* b, const float* bias, float* c) {
  if (worth_sending(product)) return cuda::run(product, a, b, nullptr, bias, c);
  run_here(product, a, b, bias, c);
}

void run_alone(const Product& product, const void* a, const PackedMatrix& b, const float* bias,
               float* c) {
  const OneThread alone;
  run_here(product, a, b.data(), bias, c);
}

void run(const Product& product, const void* a, const PackedMatrix& b, const float* bias,
         float* c) {
  if (b.on_device() && worth_sending(product))
    return cuda::run(product, a, nullptr, b.on_device().get(), bias, c);
  run_here(product, a, b.data(), bias, c);
}

PackedMatrix::PackedMatrix(View<const float> matrix, bool transposed, bool bf16, float scale) {
  OTO_ASSERT(matrix.shape.rank() == 2);
  const int64_t K = matrix.shape[transposed ? 1 : 0], N = matrix.shape[transposed ? 0 : 1];
  if (K == 0 || N == 0) return;
  const auto layout = packed_layout(K, N, bf16);
  bytes_ = Tensor<uint8_t>::uninitialized(Shape{static_cast<int64_t>(layout.get_size())});
  memory from(plain(0, K, N, transposed, memory::data_type::f32), engine(),
              const_cast<float*>(matrix.data));
  memory to(layout, engine(), bytes_.data());
  dnnl::primitive_attr attributes;
  if (scale != 1.0f) attributes.set_output_scales(0, {scale});
  dnnl::reorder(dnnl::reorder::primitive_desc(from, to, attributes)).execute(stream(), from, to);
  stream().wait();
  if (device() == Device::cuda && scale == 1.0f)
    on_device_ = std::make_shared<const cuda::Matrix>(matrix, transposed, bf16);
}

bool native_bf16() {
  static const bool supported = [] {
    const auto isa = dnnl::get_effective_cpu_isa();
    return isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
  }();
  return supported && active_isa() >= Isa::avx512;
}

}  // namespace detail

namespace {

/// The operand as the product wants it: itself, or a rounded copy in memory of this thread.
const void* prepared(View<const float> x, Precision precision, int slot) {
  return precision == Precision::f32
             ? x.data
             : detail::rounded(x.data, x.size(), detail::native_bf16(), slot);
}

void scale_result(View<float> C, float beta) {
  for (int64_t i = 0; i < C.size(); ++i) C.data[i] = beta == 0.0f ? 0.0f : beta * C.data[i];
}

}  // namespace

void gemm(Operand A, Operand B, View<float> C, float beta, Precision precision) {
  detail::assert_not_parallel();
  const auto a = A.matrix.shape, b = B.matrix.shape;
  OTO_ASSERT(a.rank() == 2 && b.rank() == 2 && C.shape.rank() == 2);
  OTO_ASSERT(beta == 0.0f || beta == 1.0f);
  const int64_t M = C.shape[0], N = C.shape[1], K = A.transposed ? a[0] : a[1];
  OTO_ASSERT((A.transposed ? a[1] : a[0]) == M);
  OTO_ASSERT((B.transposed ? b[1] : b[0]) == K && (B.transposed ? b[0] : b[1]) == N);
  if (M == 0 || N == 0) return;
  if (K == 0) return scale_result(C, beta);
  const void* left = prepared(A.matrix, precision, 1);
  const void* right = prepared(B.matrix, precision, 2);
  detail::Product p{.M = M, .K = K, .N = N, .a_transposed = A.transposed};
  p.b_transposed = B.transposed, p.accumulate = beta == 1.0f;
  p.bf16 = precision == Precision::bf16 && detail::native_bf16();
  if (p.bf16 || detail::worth_sending(p)) return detail::run(p, left, right, nullptr, C.data);
  const auto status = dnnl_sgemm(A.transposed ? 'T' : 'N', B.transposed ? 'T' : 'N', M, N, K, 1.0f,
                                 static_cast<const float*>(left), a[1],
                                 static_cast<const float*>(right), b[1], beta, C.data, N);
  OTO_ASSERT(status == dnnl_success);
}

void batched_gemm(Operand A, Operand B, View<float> C, float alpha, float beta,
                  Precision precision) {
  detail::assert_not_parallel();
  const auto a = A.matrix.shape, b = B.matrix.shape;
  OTO_ASSERT(a.rank() == 3 && b.rank() == 3 && C.shape.rank() == 3);
  OTO_ASSERT(beta == 0.0f || beta == 1.0f);
  const int64_t n = C.shape[0], M = C.shape[1], N = C.shape[2], K = A.transposed ? a[1] : a[2];
  OTO_ASSERT(a[0] == n && b[0] == n && (A.transposed ? a[2] : a[1]) == M);
  OTO_ASSERT((B.transposed ? b[2] : b[1]) == K && (B.transposed ? b[1] : b[2]) == N);
  if (n == 0 || M == 0 || N == 0) return;
  if (K == 0) return scale_result(C, beta);
  detail::Product p{.batch = n, .M = M, .K = K, .N = N, .a_transposed = A.transposed};
  p.b_transposed = B.transposed, p.accumulate = beta == 1.0f, p.alpha = alpha;
  p.bf16 = precision == Precision::bf16 && detail::native_bf16();
  const void* left = prepared(A.matrix, precision, 1);
  const void* right = prepared(B.matrix, precision, 2);
  detail::run(p, left, right, nullptr, C.data);
}

}  // namespace otoscope::kernels
