#include "otoscope/io/json.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "otoscope/core/controls.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"

namespace otoscope::io {
namespace {

constexpr int kMaxDepth = 64;

/// Walks the text and tells how far the parser has come, since SAX events carry no offset.
struct JsonCursor {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  const char** furthest;

  reference operator*() const { return *at; }
  JsonCursor& operator++() {
    *furthest = ++at;
    return *this;
  }
  JsonCursor operator++(int) {
    JsonCursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const JsonCursor& other) const { return at == other.at; }
  bool operator!=(const JsonCursor& other) const { return at != other.at; }
};

/// Builds the document, and refuses what a plain parse accepts: repeated keys (the last would win
/// in silence) and nesting that costs memory without end.
class Builder {
 public:
  Builder(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  Json run() {
    const char *begin = text_.data(), *end = text_.data() + text_.size();
    // nlohmann takes a NUL for the end of the text, whatever follows.
    furthest_ = begin + std::min(text_.find('\0'), text_.size());
    if (furthest_ != end) refuse("a NUL");
    furthest_ = begin;
    Json::sax_parse(JsonCursor{begin, &furthest_}, JsonCursor{end, &furthest_}, this);
    return std::move(root_);
  }

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(Json::number_integer_t value) { return put(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return put(value); }
  bool number_float(Json::number_float_t value, const std::string&) { return put(value); }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(size_t) { return open(Json::object()); }
  bool start_array(size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& value) {
    if (stack_.back()->contains(value)) refuse("key \"" + value.substr(0, 80) + "\" twice");
    key_ = std::move(value);
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error …"
    std::string detail = error.what();
    const size_t column = detail.find(", column ");
    const size_t colon = detail.find(": ", column == std::string::npos ? 0 : column);
    if (colon != std::string::npos) detail = detail.substr(colon + 2);
    detail = without_controls(std::move(detail));
    refuse(detail.size() > 200 ? detail.substr(0, 200) + "…" : detail);
  }

 private:
  [[noreturn]] void refuse(const std::string& got) const {
    throw UserError(where_, "expected JSON, got " + got + " (at byte " +
                                std::to_string(furthest_ - text_.data()) + ")");
  }
  Json* place(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }
  bool put(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (stack_.size() == kMaxDepth)
      refuse("more than " + std::to_string(kMaxDepth) + " levels of nesting");
    stack_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  std::string_view text_, where_;
  const char* furthest_ = nullptr;
  Json root_;
  std::vector<Json*> stack_;
  std::string key_;
};

/// A number that JSON cannot say would be written as null.
template <class AnyJson>
void refuse_non_finite(const AnyJson& json, const std::string& pointer, std::string_view where) {
  if (json.is_number_float() && !std::isfinite(json.template get<double>()))
    throw UserError(where, "expected a finite number at " + (pointer.empty() ? "/" : pointer) +
                               ", got NaN or infinity");
  if (json.is_object())
    for (auto it = json.begin(); it != json.end(); ++it)
      refuse_non_finite(it.value(), pointer + "/" + it.key(), where);
  if (json.is_array())
    for (size_t i = 0; i < json.size(); ++i)
      refuse_non_finite(json[i], pointer + "/" + std::to_string(i), where);
}

template <class AnyJson>
void write_any(const std::filesystem::path& path, const AnyJson& json) {
  refuse_non_finite(json, "", path.string());
  std::string text;
  try {
    text = json.dump(1);
  } catch (const nlohmann::detail::exception& error) {
    throw UserError(path.string(), std::string("cannot be written as JSON: ") + error.what());
  }
  write_file(path, text + "\n");
}

[[noreturn]] void wrong_kind(const Json& value, std::string_view kind, std::string_view key,
                             std::string_view where) {
  throw UserError(where, "expected " + std::string(kind) + " at " + std::string(key) + ", got " +
                             value.type_name());
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where) {
  return Builder(text, where).run();
}

Json read_json(const std::filesystem::path& path, int64_t limit) {
  return parse_json(read_file(path, limit), path.string());
}

void write_json(const std::filesystem::path& path, const Json& json) { write_any(path, json); }
void write_json(const std::filesystem::path& path, const OrderedJson& json) {
  write_any(path, json);
}

const Json& member_at(const Json& json, std::string_view key, std::string_view where) {
  if (!json.is_object())
    throw UserError(where,
                    "expected an object with " + std::string(key) + ", got " + json.type_name());
  const auto found = json.find(std::string(key));
  if (found == json.end())
    throw UserError(where, "expected the key " + std::string(key) + ", got none");
  return *found;
}

int64_t integer_at(const Json& json, std::string_view key, std::string_view where) {
  const Json& value = member_at(json, key, where);
  if (!value.is_number_integer()) wrong_kind(value, "a whole number", key, where);
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    throw UserError(
        where, "expected a number below 2^63 at " + std::string(key) + ", got " + value.dump());
  return value.get<int64_t>();
}

double number_at(const Json& json, std::string_view key, std::string_view where) {
  const Json& value = member_at(json, key, where);
  if (!value.is_number()) wrong_kind(value, "a number", key, where);
  return value.get<double>();
}

std::string string_at(const Json& json, std::string_view key, std::string_view where) {
  const Json& value = member_at(json, key, where);
  if (!value.is_string()) wrong_kind(value, "a text", key, where);
  return value.get<std::string>();
}

bool bool_at(const Json& json, std::string_view key, std::string_view where) {
  const Json& value = member_at(json, key, where);
  if (!value.is_boolean()) wrong_kind(value, "true or false", key, where);
  return value.get<bool>();
}

}  // namespace otoscope::io
