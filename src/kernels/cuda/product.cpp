#include "kernels/cuda/product.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <map>
#include <mutex>

#include "otoscope/core/errors.h"

namespace otoscope::kernels::cuda {
namespace {

constexpr size_t kWorkspace = size_t{32} << 20;  // what cuBLAS asks for on the newest devices

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  throw UserError("--device cuda", std::string(what) + " failed: " + cudaGetErrorString(status),
                  "use --device cpu");
}

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw UserError("--device cuda",
                  std::string(what) + " failed: " + cublasLtGetStatusString(status),
                  "use --device cpu");
}

/// Device memory that grows and is reused.
class Buffer {
 public:
  void* of(size_t bytes) {
    if (bytes <= size_) return data_;
    cudaFree(data_);  // free before the larger one is asked for
    data_ = nullptr, size_ = 0;
    check(cudaMalloc(&data_, bytes), "allocating memory of the device");
    size_ = bytes;
    return data_;
  }

 private:
  void* data_ = nullptr;  // lives as long as the process, whose end frees it
  size_t size_ = 0;
};

/// Descriptors of one product, and the algorithm that cuBLAS chose for it.
struct Plan {
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t left = nullptr, right = nullptr, result = nullptr;
  cublasLtMatmulAlgo_t algorithm{};

  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    if (result) cublasLtMatrixLayoutDestroy(result);
    if (right) cublasLtMatrixLayoutDestroy(right);
    if (left) cublasLtMatrixLayoutDestroy(left);
    if (product) cublasLtMatmulDescDestroy(product);
  }
};

struct State {
  std::mutex mutex;
  bool ready = false;
  std::string name;
  cublasLtHandle_t handle = nullptr;
  cudaStream_t stream = nullptr;
  Buffer a, b, bias, c, workspace;
  std::map<detail::Product, std::unique_ptr<Plan>> plans;
};

State& state() {
  static auto* own = new State;  // never destroyed: the driver may be gone before it
  return *own;
}

int64_t copies(const detail::Product& p) { return p.batch == 0 ? 1 : p.batch; }
size_t width(const detail::Product& p) { return p.bf16 ? 2 : 4; }

/// cuBLAS counts by columns, we by rows: a matrix of ours is its transpose there. So C^T = op(B)^T
/// op(A)^T is asked for, with our B on its left.
void lay_out(cublasLtMatrixLayout_t& layout, cudaDataType_t type, int64_t rows, int64_t columns,
             const detail::Product& p) {
  check(cublasLtMatrixLayoutCreate(&layout, type, static_cast<uint64_t>(rows),
                                   static_cast<uint64_t>(columns), rows),
        "describing a matrix");
  const auto count = static_cast<int32_t>(copies(p));
  const int64_t stride = rows * columns;
  check(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count,
                                         sizeof count),
        "describing a matrix");
  check(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                         &stride, sizeof stride),
        "describing a matrix");
}

template <class T>
void set(Plan& plan, cublasLtMatmulDescAttributes_t attribute, const T& value) {
  check(cublasLtMatmulDescSetAttribute(plan.product, attribute, &value, sizeof value),
        "describing a product");
}

void point_at_bias(State& own, Plan& plan, int64_t N) {
  const void* at = own.bias.of(static_cast<size_t>(N) * 4);
  set(plan, CUBLASLT_MATMUL_DESC_BIAS_POINTER, at);
}

std::unique_ptr<Plan> planned(State& own, const detail::Product& p) {
  auto plan = std::make_unique<Plan>();
  const auto type = p.bf16 ? CUDA_R_16BF : CUDA_R_32F;
  check(cublasLtMatmulDescCreate(&plan->product, CUBLAS_COMPUTE_32F, CUDA_R_32F),
        "describing a product");
  set(*plan, CUBLASLT_MATMUL_DESC_TRANSA, p.b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(*plan, CUBLASLT_MATMUL_DESC_TRANSB, p.a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  if (p.bias) {
    set(*plan, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    point_at_bias(own, *plan, p.N);
  }
  p.b_transposed ? lay_out(plan->left, type, p.K, p.N, p) : lay_out(plan->left, type, p.N, p.K, p);
  p.a_transposed ? lay_out(plan->right, type, p.M, p.K, p)
                 : lay_out(plan->right, type, p.K, p.M, p);
  lay_out(plan->result, CUDA_R_32F, p.N, p.M, p);

  cublasLtMatmulPreference_t wish = nullptr;
  check(cublasLtMatmulPreferenceCreate(&wish), "choosing an algorithm");
  const std::unique_ptr<cublasLtMatmulPreferenceOpaque_t,
                        decltype(&cublasLtMatmulPreferenceDestroy)>
      owned(wish, &cublasLtMatmulPreferenceDestroy);
  check(cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                             &kWorkspace, sizeof kWorkspace),
        "choosing an algorithm");
  cublasLtMatmulHeuristicResult_t found{};
  int count = 0;
  check(cublasLtMatmulAlgoGetHeuristic(own.handle, plan->product, plan->left, plan->right,
                                       plan->result, plan->result, wish, 1, &found, &count),
        "choosing an algorithm");
  if (count == 0) check(CUBLAS_STATUS_NOT_SUPPORTED, "choosing an algorithm");
  plan->algorithm = found.algo;
  return plan;
}

Plan& plan_of(State& own, const detail::Product& p) {
  constexpr size_t kMost = 4096;  // decoding meets a new length at every step
  if (own.plans.size() >= kMost) own.plans.clear();
  auto& plan = own.plans[p];
  if (!plan) plan = planned(own, p);
  return *plan;
}

void send(State& own, void* to, const void* from, size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, own.stream),
        "sending to the device");
}

const void* sent(State& own, Buffer& buffer, const void* from, size_t bytes) {
  void* to = buffer.of(bytes);
  send(own, to, from, bytes);
  return to;
}

}  // namespace

void start() {
  State& own = state();
  const std::lock_guard lock(own.mutex);
  if (own.ready) return;
  int devices = 0;
  if (const auto status = cudaGetDeviceCount(&devices); status != cudaSuccess || devices == 0)
    throw UserError("--device cuda",
                    std::string("expected a CUDA device, got none (") +
                        cudaGetErrorString(status == cudaSuccess ? cudaErrorNoDevice : status) +
                        ")",
                    "use --device cpu");
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0), "asking the device");
  check(cudaStreamCreate(&own.stream), "opening a stream");
  check(cublasLtCreate(&own.handle), "starting cuBLAS");
  own.workspace.of(kWorkspace);
  own.name = properties.name;
  own.ready = true;
}

std::string name() { return state().name; }

Matrix::Matrix(View<const float> matrix, bool transposed, bool bf16) : transposed_(transposed) {
  State& own = state();
  const std::lock_guard lock(own.mutex);
  const void* from = bf16 ? detail::rounded(matrix.data, matrix.size(), true, 2) : matrix.data;
  const size_t bytes = static_cast<size_t>(matrix.size()) * (bf16 ? 2 : 4);
  void* data = nullptr;
  check(cudaMalloc(&data, bytes), "allocating memory of the device");
  data_.reset(data, [](void* p) { cudaFree(p); });
  send(own, data, from, bytes);
  check(cudaStreamSynchronize(own.stream), "sending to the device");
}

void run(const detail::Product& product, const void* a, const void* b, const Matrix* kept,
         const float* bias, float* c) {
  State& own = state();
  const std::lock_guard lock(own.mutex);
  detail::Product p = product;
  p.b_packed = false;  // a plan does not ask where B lies
  if (kept) p.b_transposed = kept->transposed();
  Plan& plan = plan_of(own, p);
  if (p.bias) {
    point_at_bias(own, plan, p.N);  // a larger one may have moved the memory since
    sent(own, own.bias, bias, static_cast<size_t>(p.N) * 4);
  }
  const auto n = static_cast<size_t>(copies(p));
  const auto size = [&](int64_t rows, int64_t columns) {
    return n * static_cast<size_t>(rows) * static_cast<size_t>(columns);
  };
  const void* right = sent(own, own.a, a, size(p.M, p.K) * width(p));
  const void* left = kept ? kept->data() : sent(own, own.b, b, size(p.K, p.N) * width(p));
  const size_t bytes = size(p.M, p.N) * 4;
  void* result = own.c.of(bytes);
  if (p.accumulate) send(own, result, c, bytes);
  const float beta = p.accumulate ? 1.0f : 0.0f;
  check(cublasLtMatmul(own.handle, plan.product, &p.alpha, left, plan.left, right, plan.right,
                       &beta, result, plan.result, result, plan.result, &plan.algorithm,
                       own.workspace.of(kWorkspace), kWorkspace, own.stream),
        "a product");
  check(cudaMemcpyAsync(c, result, bytes, cudaMemcpyDeviceToHost, own.stream),
        "reading from the device");
  check(cudaStreamSynchronize(own.stream), "a product");
}

}  // namespace otoscope::kernels::cuda
