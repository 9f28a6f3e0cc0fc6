#pragma once
/// The one thread pool of the process (OpenMP). No nested parallel regions; schedules are static,
/// so results of own kernels do not depend on the number of threads.

#include <cstdint>
#include <exception>
#include <mutex>
#include <type_traits>

namespace otoscope {

/// Threads used by parallel_ranges and by oneDNN. Set once, at the start. 0 = all cores.
void set_threads(int n);
int threads();

/// Keeps the first exception thrown inside a parallel region, to be thrown again after the join.
class ErrorSlot {
 public:
  template <class F>
  void guard(F&& work) noexcept {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!first_) first_ = std::current_exception();
    }
  }
  void rethrow() {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

namespace detail {
using RangeFunction = void (*)(void* context, int64_t chunk, int64_t begin, int64_t end);
void run_ranges(int64_t n, int64_t grain, RangeFunction function, void* context);
}  // namespace detail

/// Calls work(begin, end) or work(chunk, begin, end) for [0, n) cut into pieces of `grain` (the
/// last one shorter). The pieces do not depend on the thread count, so a reduction kept per chunk
/// and then summed in chunk order gives the same bits on any number of threads. Exceptions are
/// thrown on the caller.
template <class Work>
void parallel_ranges(int64_t n, int64_t grain, Work&& work) {
  using Pure = std::remove_reference_t<Work>;
  detail::run_ranges(
      n, grain,
      [](void* context, int64_t chunk, int64_t begin, int64_t end) {
        auto& call = *static_cast<Pure*>(context);
        if constexpr (std::is_invocable_v<Pure&, int64_t, int64_t, int64_t>)
          call(chunk, begin, end);
        else
          call(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(&work)));
}

}  // namespace otoscope
