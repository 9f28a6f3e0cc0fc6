#include <cstring>

#include "otoscope/core/errors.h"
#include "otoscope/io/ctranslate2.h"

namespace otoscope::io {
namespace {

class Cursor {
 public:
  Cursor(Bytes file, std::string_view where) : file_(file), where_(where) {}

  [[noreturn]] void refuse(const std::string& problem, const char* hint = "") const {
    throw UserError(where_, problem + " (at byte " + std::to_string(at_) + ")", hint);
  }
  Bytes take(uint64_t count, const char* what) {
    if (count > left())
      refuse("expected " + std::to_string(count) + " bytes of " + what + ", got " +
                 std::to_string(left()),
             "the file is cut short or is not a CTranslate2 model");
    const Bytes bytes = file_.subspan(at_, count);
    at_ += count;
    return bytes;
  }
  template <class T>
  T number(const char* what) {
    T value;
    std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
    return value;
  }
  /// u16 length that counts the final NUL, the bytes, the NUL.
  std::string text(const char* what) {
    const auto length = number<uint16_t>(what);
    const Bytes bytes = take(length, what);
    std::string value(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (value.empty() || value.find('\0') != value.size() - 1)
      refuse(std::string("expected a text that ends in NUL as ") + what);
    value.pop_back();
    return value;
  }
  uint64_t left() const { return file_.size() - at_; }

 private:
  Bytes file_;
  std::string where_;
  size_t at_ = 0;
};

Dtype dtype_of(Cursor& cursor, uint8_t code, const std::string& name) {
  constexpr Dtype kCodes[] = {Dtype::f32, Dtype::i8,  Dtype::i16,
                              Dtype::i32, Dtype::f16, Dtype::bf16};
  if (code >= std::size(kCodes))
    cursor.refuse("expected a dtype in [0, 5] at variable " + name + ", got " +
                  std::to_string(code));
  return kCodes[code];
}

/// Before version 4 the byte is the size of an item.
Dtype dtype_of_size(Cursor& cursor, uint8_t size, const std::string& name) {
  if (size == 1) return Dtype::i8;
  if (size == 2) return Dtype::i16;
  if (size == 4) return Dtype::f32;
  cursor.refuse("expected items of 1, 2 or 4 bytes at variable " + name + ", got " +
                std::to_string(size));
}

TensorInfo variable(Cursor& cursor, uint32_t version, const std::string& name) {
  TensorInfo info;
  const auto rank = cursor.number<uint8_t>("rank");
  if (rank > Shape::kMaxRank)
    cursor.refuse("expected at most " + std::to_string(Shape::kMaxRank) +
                  " dimensions at variable " + name + ", got " + std::to_string(rank));
  uint64_t count = 1;
  for (int i = 0; i < rank; ++i) {
    const auto size = cursor.number<uint32_t>("dimensions");
    info.shape.push_back(size);
    if (__builtin_mul_overflow(count, uint64_t{size}, &count) || count > uint64_t{1} << 40)
      cursor.refuse("expected a shape that fits memory at variable " + name);
  }
  const auto code = cursor.number<uint8_t>("dtype");
  info.dtype = version >= 4 ? dtype_of(cursor, code, name) : dtype_of_size(cursor, code, name);
  const auto width = static_cast<uint64_t>(dtype_bytes(info.dtype));
  uint64_t bytes = cursor.number<uint32_t>("size");
  if (version < 4) bytes *= width;
  if (bytes != count * width)
    cursor.refuse("expected " + std::to_string(count * width) + " bytes for shape " +
                  info.shape.str() + " at variable " + name + ", got " + std::to_string(bytes));
  info.bytes = cursor.take(bytes, name.c_str());
  return info;
}

}  // namespace

Ct2Contents parse_ctranslate2(Bytes file, std::string_view where) {
  Cursor cursor(file, where);
  Ct2Contents contents;
  contents.version = cursor.number<uint32_t>("version");
  if (contents.version < 1 || contents.version > 6)
    cursor.refuse("expected a CTranslate2 binary version in [1, 6], got " +
                  std::to_string(contents.version));
  if (contents.version >= 2) {
    contents.spec = cursor.text("spec name");
    contents.revision = cursor.number<uint32_t>("revision");
  }
  const auto n_variables = cursor.number<uint32_t>("number of variables");
  for (uint32_t i = 0; i < n_variables; ++i) {
    const std::string name = cursor.text("variable name");
    if (!contents.variables.emplace(name, variable(cursor, contents.version, name)).second)
      cursor.refuse("expected each variable once, got " + name + " twice");
  }
  const uint32_t n_aliases =
      contents.version >= 3 ? cursor.number<uint32_t>("number of aliases") : 0;
  for (uint32_t i = 0; i < n_aliases; ++i) {
    const std::string alias = cursor.text("alias"), target = cursor.text("aliased variable");
    if (contents.variables.count(target) == 0)
      cursor.refuse("expected alias " + alias + " to name a variable, got " + target);
    if (contents.variables.count(alias) > 0 || !contents.aliases.emplace(alias, target).second)
      cursor.refuse("expected each name once, got " + alias + " twice");
  }
  if (cursor.left() > 0)
    cursor.refuse("expected the end of the file, got " + std::to_string(cursor.left()) +
                  " more bytes");
  return contents;
}

}  // namespace otoscope::io
