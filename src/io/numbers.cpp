#include "otoscope/io/numbers.h"

#include <cstring>

#include "otoscope/core/errors.h"
#include "otoscope/core/half.h"

namespace otoscope::io {
namespace {

template <class Stored, class Wanted, class Convert>
void copy_each(Bytes bytes, View<Wanted> to, Convert&& convert) {
  const int64_t n = to.size();
  OTO_ASSERT(static_cast<int64_t>(bytes.size()) == n * static_cast<int64_t>(sizeof(Stored)));
  for (int64_t i = 0; i < n; ++i) {
    Stored value;
    std::memcpy(&value, bytes.data() + i * static_cast<int64_t>(sizeof(Stored)), sizeof value);
    to.data[i] = convert(value);
  }
}

template <class Stored>
void copy_signed(Bytes bytes, View<int64_t> to) {
  copy_each<Stored>(bytes, to, [](Stored value) { return static_cast<int64_t>(value); });
}

}  // namespace

bool copy_floats(Dtype dtype, Bytes bytes, View<float> to) {
  if (dtype == Dtype::f32) {
    OTO_ASSERT(bytes.size() == static_cast<size_t>(to.size()) * 4);
    if (!bytes.empty()) std::memcpy(to.data, bytes.data(), bytes.size());
  } else if (dtype == Dtype::f16) {
    copy_each<f16>(bytes, to, [](f16 value) { return to_float(value); });
  } else if (dtype == Dtype::bf16) {
    copy_each<bf16>(bytes, to, [](bf16 value) { return to_float(value); });
  } else if (dtype == Dtype::f64) {
    copy_each<double>(bytes, to, [](double value) { return static_cast<float>(value); });
  } else {
    return false;
  }
  return true;
}

bool copy_integers(Dtype dtype, Bytes bytes, View<int64_t> to) {
  switch (dtype) {
    case Dtype::i64:
      copy_signed<int64_t>(bytes, to);
      return true;
    case Dtype::i32:
      copy_signed<int32_t>(bytes, to);
      return true;
    case Dtype::i16:
      copy_signed<int16_t>(bytes, to);
      return true;
    case Dtype::i8:
      copy_signed<int8_t>(bytes, to);
      return true;
    case Dtype::boolean:
    case Dtype::u8:
      copy_signed<uint8_t>(bytes, to);
      return true;
    case Dtype::u16:
      copy_signed<uint16_t>(bytes, to);
      return true;
    case Dtype::u32:
      copy_signed<uint32_t>(bytes, to);
      return true;
    case Dtype::u64: {
      bool fits = true;
      copy_each<uint64_t>(bytes, to, [&](uint64_t value) {
        fits = fits && value <= static_cast<uint64_t>(INT64_MAX);
        return static_cast<int64_t>(value);
      });
      return fits;
    }
    default:
      return false;
  }
}

}  // namespace otoscope::io
