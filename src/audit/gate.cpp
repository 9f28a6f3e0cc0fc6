#include "otoscope/audit/gate.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::Json;

constexpr size_t kMostGateBytes = 1000;
constexpr int kMostGateLevels = 32;

class Expression {
 public:
  Expression(std::string_view text, const Json& record) : text_(text), record_(record) {
    if (text.size() > kMostGateBytes) refuse("expected at most 1000 bytes");
  }

  bool run() {
    const bool value = either(0);
    skip();
    if (at_ != text_.size()) refuse("expected an end, got " + rest());
    return value;
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw UserError("--fail-if", problem + " (at byte " + std::to_string(at_) + ")",
                    "such as 'rate.low > 0.05'");
  }
  std::string rest() const {
    return at_ == text_.size() ? "the end" : "\"" + std::string(text_.substr(at_, 20)) + "\"";
  }
  /// Text of a command line need not be UTF-8.
  static std::string shown(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool take(std::string_view word) {
    skip();
    if (!text_.substr(at_).starts_with(word)) return false;
    const size_t end = at_ + word.size();
    if (is_name(word[0]) && end < text_.size() && is_name(text_[end])) return false;
    at_ = end;
    return true;
  }

  // All parts are looked at even where the first decides, so that a misspelt name is always found.
  bool either(int level) {
    bool value = both(level);
    while (take("or")) {
      const bool next = both(level);
      value = value || next;
    }
    return value;
  }
  bool both(int level) {
    bool value = one(level);
    while (take("and")) {
      const bool next = one(level);
      value = value && next;
    }
    return value;
  }
  bool one(int level) {
    if (level > kMostGateLevels) refuse("expected at most 32 levels");
    if (take("not")) return !one(level + 1);
    if (take("(")) {
      const bool value = either(level + 1);
      if (!take(")")) refuse("expected ), got " + rest());
      return value;
    }
    const Json left = value();
    for (const std::string_view sign : {"<=", ">=", "==", "!=", "<", ">"})
      if (take(sign)) return compare(left, sign, value());
    refuse("expected < <= > >= == or !=, got " + rest());
  }

  bool compare(const Json& a, std::string_view sign, const Json& b) const {
    if (a.is_number() != b.is_number() || a.is_string() != b.is_string() ||
        a.is_boolean() != b.is_boolean())
      refuse("expected two values of one kind, got " + shown(a) + " and " + shown(b));
    if (sign == "==") return a == b;
    if (sign == "!=") return a != b;
    if (!a.is_number()) refuse("expected numbers around " + std::string(sign));
    const double x = a.get<double>(), y = b.get<double>();
    return sign == "<" ? x < y : sign == "<=" ? x <= y : sign == ">" ? x > y : x >= y;
  }

  Json value() {
    skip();
    if (at_ == text_.size()) refuse("expected a value, got the end");
    const char c = text_[at_];
    if (c == '\'') {
      const size_t end = text_.find('\'', at_ + 1);
      if (end == std::string_view::npos) refuse("expected a closing '");
      const std::string text(text_.substr(at_ + 1, end - at_ - 1));
      at_ = end + 1;
      return text;
    }
    if ((c >= '0' && c <= '9') || c == '-' || c == '.') {
      double x = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), x);
      if (error != std::errc() || !(x - x == 0)) refuse("expected a number, got " + rest());
      at_ = static_cast<size_t>(end - text_.data());
      return x;
    }
    const size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    if (begin == at_) refuse("expected a value, got " + rest());
    const std::string name(text_.substr(begin, at_ - begin));
    if (name == "true" || name == "false") return name == "true";
    return named(name);
  }

  Json named(const std::string& name) const {
    std::vector<std::string> path = split(name, '.');
    static const std::set<std::string> ends{"value", "low", "high"}, counts{"k", "n", "errors"};
    if (path.size() == 2 && path[0] == "rate") {
      if (ends.contains(path[1])) path = {"rate", "clips", "estimate", path[1]};
      if (counts.contains(path[1])) path = {"rate", "clips", path[1]};
    }
    const Json* here = &record_;
    for (const std::string& key : path) {
      if (!here->is_object() || !here->contains(key))
        refuse("expected a name of the record, got " + name);
      here = &(*here)[key];
    }
    if (here->is_null() || here->is_structured())
      refuse("expected a value at " + name + ", got " +
             (here->is_null() ? "none: it could not be measured" : "more than one"));
    return *here;
  }

  std::string_view text_;
  const Json& record_;
  size_t at_ = 0;
};

}  // namespace

bool holds(std::string_view expression, const Json& record) {
  return Expression(expression, record).run();
}

}  // namespace otoscope::audit
