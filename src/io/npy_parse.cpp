#include <cctype>
#include <cstring>

#include "otoscope/core/errors.h"
#include "otoscope/io/npy.h"

namespace otoscope::io {
namespace {

/// The header is a Python dict: 'text' keys; values are texts, True, False or a tuple of ints.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, size_t offset, std::string_view where)
      : text_(text), offset_(offset), where_(where) {}

  void run() {
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !has_descr_) {
        blanks();
        if (peek() == '[')
          refuse("expected plain numbers, got records (a list as descr)",
                 "save one field of them as an array of its own");
        descr = quoted();
        has_descr_ = true;
      } else if (key == "fortran_order" && !has_order_) {
        fortran = boolean();
        has_order_ = true;
      } else if (key == "shape" && !has_shape_) {
        tuple();
        has_shape_ = true;
      } else {
        refuse("expected the keys descr, fortran_order and shape once each, got " +
               key.substr(0, 40));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    blanks();
    if (at_ != text_.size()) refuse("expected the end of the header");
    if (!has_descr_ || !has_order_ || !has_shape_)
      refuse("expected the keys descr, fortran_order and shape");
  }

  std::string descr;
  bool fortran = false;
  Shape shape;

 private:
  [[noreturn]] void refuse(const std::string& problem, const char* hint = "") const {
    throw UserError(where_, problem + " (at byte " + std::to_string(offset_ + at_) + ")", hint);
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void blanks() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\t' || peek() == '\r') ++at_;
  }
  bool accept(char c) {
    blanks();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) refuse(std::string("expected ").append(1, c).append(" in the header"));
  }
  std::string quoted() {
    blanks();
    const char quote = peek();
    if (quote != '\'' && quote != '"') refuse("expected a quoted text in the header");
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) refuse("expected a closing quote in the header");
    std::string value(text_.substr(at_ + 1, end - at_ - 1));
    if (value.find('\\') != std::string::npos) refuse("expected a text without escapes");
    at_ = end + 1;
    return value;
  }
  bool boolean() {
    blanks();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    refuse("expected True or False at fortran_order");
  }
  void tuple() {
    expect('(');
    while (!accept(')')) {
      blanks();
      if (std::isdigit(static_cast<unsigned char>(peek())) == 0)
        refuse("expected whole numbers in the shape");
      int64_t size = 0;
      while (std::isdigit(static_cast<unsigned char>(peek())) != 0) {
        if (__builtin_mul_overflow(size, int64_t{10}, &size) ||
            __builtin_add_overflow(size, int64_t{text_[at_] - '0'}, &size))
          refuse("expected a shape that fits memory");
        ++at_;
      }
      if (peek() == 'L') ++at_;  // Python 2 wrote 3L
      if (shape.rank() == Shape::kMaxRank)
        refuse("expected at most " + std::to_string(Shape::kMaxRank) + " dimensions");
      shape.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string_view text_;
  size_t offset_, at_ = 0;
  std::string_view where_;
  bool has_descr_ = false, has_order_ = false, has_shape_ = false;
};

void read_descr(const std::string& descr, std::string_view where, NpyInfo& info) {
  const auto refuse = [&](const char* hint) {
    throw UserError(
        where, "expected numbers of 1, 2, 4 or 8 bytes, got descr '" + descr.substr(0, 40) + "'",
        hint);
  };
  if (descr.size() < 2 || std::strchr("<>|=", descr[0]) == nullptr) refuse("");
  const std::string kind = descr.substr(1);
  if (kind == "V2") refuse("bf16 has no name in npy: save as float32, or as safetensors");
  if (kind[0] == 'O') refuse("objects are Python pickles and are never read");
  static constexpr struct {
    const char* kind;
    Dtype dtype;
  } kKinds[] = {{"f2", Dtype::f16}, {"f4", Dtype::f32}, {"f8", Dtype::f64}, {"i1", Dtype::i8},
                {"i2", Dtype::i16}, {"i4", Dtype::i32}, {"i8", Dtype::i64}, {"u1", Dtype::u8},
                {"u2", Dtype::u16}, {"u4", Dtype::u32}, {"u8", Dtype::u64}, {"b1", Dtype::boolean}};
  for (const auto& known : kKinds) {
    if (kind != known.kind) continue;
    info.dtype = known.dtype;
    info.swapped = descr[0] == '>' && dtype_bytes(known.dtype) > 1;
    return;
  }
  refuse("");
}

}  // namespace

NpyInfo parse_npy(Bytes file, std::string_view where) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (!text.starts_with("\x93NUMPY") || text.size() < 10)
    throw UserError(where, "expected a .npy file (\\x93NUMPY at byte 0)",
                    text.starts_with("PK\x03\x04") ? "this is a zip (.npz): save its array with "
                                                     "numpy.save"
                                                   : "");
  const int major = static_cast<unsigned char>(text[6]);
  if (major < 1 || major > 3)
    throw UserError(
        where, "expected .npy version 1, 2 or 3, got " + std::to_string(major) + " (at byte 6)");
  const size_t begin = major == 1 ? 10 : 12;
  uint32_t length = 0;
  if (text.size() >= begin) std::memcpy(&length, text.data() + 8, begin - 8);
  if (text.size() < begin || length > text.size() - begin)
    throw UserError(where,
                    "expected " + std::to_string(length) + " bytes of header, got " +
                        std::to_string(text.size() - std::min(begin, text.size())),
                    "the file is cut short");
  HeaderParser header(text.substr(begin, length), begin, where);
  header.run();

  NpyInfo info;
  read_descr(header.descr, where, info);
  info.shape = header.shape;
  info.fortran = header.fortran;
  int64_t size = dtype_bytes(info.dtype);
  for (int i = 0; i < info.shape.rank(); ++i) size = checked_product(size, info.shape[i], "shape");
  info.bytes = file.subspan(begin + length);
  if (static_cast<uint64_t>(size) != info.bytes.size())
    throw UserError(where,
                    "expected " + std::to_string(size) + " bytes of data for shape " +
                        info.shape.str() + ", got " + std::to_string(info.bytes.size()),
                    "the file is cut short or was appended to");
  return info;
}

}  // namespace otoscope::io
