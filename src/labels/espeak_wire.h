#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "otoscope/core/errors.h"

namespace otoscope::labels {

/// Numbers and texts between a child and its parent: the same program, so the same byte order.
class WireWriter {
 public:
  void number(int64_t value) { out_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void text(std::string_view value) {
    number(static_cast<int64_t>(value.size()));
    out_.append(value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// A child may die half way: what does not fit is a UserError.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }
  int64_t number() {
    int64_t value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view text() {
    const int64_t size = number();
    return take(size < 0 ? SIZE_MAX : static_cast<size_t>(size));
  }

 private:
  std::string_view take(size_t size) {
    if (size > rest_.size())
      throw UserError("espeak-ng", "expected speech, got a part of it",
                      "try again; the text may be one that its library cannot speak");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view rest_;
};

}  // namespace otoscope::labels
