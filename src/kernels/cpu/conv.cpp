#include <dnnl.hpp>

#include <map>
#include <mutex>
#include <utility>

#include "kernels/cpu/product.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::kernels {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

dnnl::stream& stream() {
  thread_local dnnl::stream own(engine());
  return own;
}

/// One direction at one (B, T), with the weight in the layout that oneDNN chose for it.
struct Compiled {
  dnnl::primitive code;
  memory::desc source, result, scratchpad;
  std::shared_ptr<memory> weight;
};

}  // namespace

struct Conv1d::Impl {
  Tensor<float> W, b;  // W rounded to bfloat16 where products are
  int stride = 1;
  Precision precision = Precision::f32;
  bool native = false;

  mutable std::mutex mutex;
  mutable std::map<std::tuple<bool, int64_t, int64_t, int>, Compiled> known;

  int64_t in() const { return W.shape()[1]; }
  int64_t out() const { return W.shape()[0]; }
  int64_t frames_out(int64_t T) const { return (T + stride - 1) / stride; }

  memory::data_type type() const {
    return native ? memory::data_type::bf16 : memory::data_type::f32;
  }

  std::shared_ptr<memory> packed(const memory::desc& layout) const {
    for (const auto& [key, other] : known)
      if (other.weight->get_desc() == layout) return other.weight;
    memory from({{out(), in(), 3}, memory::data_type::f32, Tag::abc}, engine(),
                const_cast<float*>(W.data()));
    auto to = std::make_shared<memory>(layout, engine());
    dnnl::reorder(from, *to).execute(stream(), from, *to);
    stream().wait();
    return to;
  }

  Compiled compile(bool backward, int64_t B, int64_t T) const {
    const memory::desc x({B, in(), T}, backward ? memory::data_type::f32 : type(), Tag::nwc);
    const memory::desc y({B, out(), frames_out(T)}, backward ? type() : memory::data_type::f32,
                         Tag::nwc);
    const memory::desc w({out(), in(), 3}, type(), Tag::any);
    const memory::desc bias({out()}, memory::data_type::f32, Tag::a);
    // The right padding makes the last window end where frames_out says.
    const int64_t right = (frames_out(T) - 1) * stride + 3 - T - 1;
    const memory::dims strides{stride}, before{1}, after{right};
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const dnnl::convolution_forward::desc forward(dnnl::prop_kind::forward_inference,
                                                  dnnl::algorithm::convolution_direct, x, w, bias,
                                                  y, strides, before, after);
    if (!backward) {
      const dnnl::convolution_forward::primitive_desc layout(forward, attributes, engine());
      return {dnnl::convolution_forward(layout), layout.src_desc(), layout.dst_desc(),
              layout.scratchpad_desc(), packed(layout.weights_desc())};
    }
    const memory::desc same_x({B, in(), T}, type(), Tag::nwc);
    const dnnl::convolution_forward::desc hint(dnnl::prop_kind::forward_training,
                                               dnnl::algorithm::convolution_direct, same_x, w, y,
                                               strides, before, after);
    const dnnl::convolution_forward::primitive_desc hint_layout(hint, engine());
    const dnnl::convolution_backward_data::desc wish(dnnl::algorithm::convolution_direct, x, w, y,
                                                     strides, before, after);
    const dnnl::convolution_backward_data::primitive_desc layout(wish, attributes, engine(),
                                                                 hint_layout);
    return {dnnl::convolution_backward_data(layout), layout.diff_dst_desc(), layout.diff_src_desc(),
            layout.scratchpad_desc(), packed(layout.weights_desc())};
  }

  Compiled ready(bool backward, int64_t B, int64_t T) const {
    const std::lock_guard lock(mutex);
    const auto key = std::make_tuple(backward, B, T, threads());
    const auto found = known.find(key);
    if (found != known.end()) return found->second;
    return known[key] = compile(backward, B, T);
  }

  void run(bool backward, int64_t B, int64_t T, View<const float> from, View<float> to) const {
    detail::assert_not_parallel();
    const void* source = precision == Precision::f32
                             ? from.data
                             : detail::rounded(from.data, from.size(), native, 1);
    const Compiled it = ready(backward, B, T);
    std::unordered_map<int, memory> arguments{
        {backward ? DNNL_ARG_DIFF_DST : DNNL_ARG_SRC,
         memory(it.source, engine(), const_cast<void*>(source))},
        {DNNL_ARG_WEIGHTS, *it.weight},
        {backward ? DNNL_ARG_DIFF_SRC : DNNL_ARG_DST, memory(it.result, engine(), to.data)}};
    if (!backward)
      arguments.emplace(DNNL_ARG_BIAS, memory({{out()}, memory::data_type::f32, Tag::a}, engine(),
                                              const_cast<float*>(b.data())));
    if (const auto bytes = static_cast<int64_t>(it.scratchpad.get_size()); bytes > 0)
      arguments.emplace(DNNL_ARG_SCRATCHPAD,
                        memory(it.scratchpad, engine(), detail::scratch(0, bytes)));
    it.code.execute(stream(), arguments);
    stream().wait();
  }
};

Conv1d::Conv1d(View<const float> W, View<const float> b, int stride, Precision p)
    : impl_(std::make_unique<Impl>()) {
  OTO_ASSERT(W.shape.rank() == 3 && W.shape[2] == 3 && b.size() == W.shape[0] && stride >= 1);
  impl_->W = Tensor<float>::copy_of(W);
  impl_->b = Tensor<float>::copy_of(b);
  impl_->stride = stride;
  impl_->precision = p;
  impl_->native = p == Precision::bf16 && detail::native_bf16();
  if (p == Precision::bf16) detail::round_to_bf16(W.data, impl_->W.data(), W.size());
}
Conv1d::Conv1d() = default;
Conv1d::~Conv1d() = default;
Conv1d::Conv1d(Conv1d&&) noexcept = default;
Conv1d& Conv1d::operator=(Conv1d&&) noexcept = default;

void Conv1d::forward(View<const float> x, View<float> y) const {
  OTO_ASSERT(x.shape.rank() == 3 && x.shape[2] == impl_->in());
  const int64_t B = x.shape[0], T = x.shape[1];
  OTO_ASSERT((y.shape == Shape{B, impl_->frames_out(T), impl_->out()}));
  if (B > 0 && T > 0) impl_->run(false, B, T, x, y);
}

void Conv1d::vjp(View<const float> dy, View<float> dx) const {
  OTO_ASSERT(dx.shape.rank() == 3 && dx.shape[2] == impl_->in());
  const int64_t B = dx.shape[0], T = dx.shape[1];
  OTO_ASSERT((dy.shape == Shape{B, impl_->frames_out(T), impl_->out()}));
  if (B > 0 && T > 0) impl_->run(true, B, T, dy, dx);
}

}  // namespace otoscope::kernels
