#pragma once
/// An option is declared once, in a `visit` of its struct; the command line, JSON, help and docs
/// come from that line.
///
///   struct TopKOptions {
///     int k = 32;
///     template <class Self, class Visit> static void visit(Self& o, Visit&& v) {
///       v("k", o.k, "features kept per frame", Range{1, 65536});
///     }
///   };

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace otoscope {

/// Inclusive limits of a number.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

/// The values that a text option may have.
struct Choices {
  std::vector<std::string> names;
};

/// One option of a live struct: name without dashes, where its value is, and what may be put there.
struct OptionRef {
  using Target = std::variant<bool*, int*, int64_t*, uint64_t*, float*, double*, std::string*,
                              std::vector<std::string>*, std::vector<int>*, std::vector<float>*>;
  std::string name;
  Target target;
  std::string sentence;
  Range range;
  std::vector<std::string> choices;
};

namespace detail {
struct OptionCollector {
  std::vector<OptionRef>& refs;
  template <class T>
  void operator()(const char* name, T& value, const char* sentence) const {
    refs.push_back({name, &value, sentence, {}, {}});
  }
  template <class T>
  void operator()(const char* name, T& value, const char* sentence, Range range) const {
    refs.push_back({name, &value, sentence, range, {}});
  }
  template <class T>
  void operator()(const char* name, T& value, const char* sentence, const Choices& choices) const {
    refs.push_back({name, &value, sentence, {}, choices.names});
  }
};
}  // namespace detail

/// All options of a struct, in the order of its `visit`. The references live as long as the struct.
template <class Struct>
std::vector<OptionRef> options_of(Struct& o) {
  std::vector<OptionRef> refs;
  Struct::visit(o, detail::OptionCollector{refs});
  return refs;
}

/// True for a flag: it takes no value on the command line.
bool is_flag(const OptionRef& option);
/// Parses `text` into the option; lists take comma-separated values and grow. Throws
/// UserError("--name", …).
void set_option(const OptionRef& option, std::string_view text);
/// Empties a list, whose default would else stay before what set_option adds; nothing for others.
void clear_list(const OptionRef& option);
/// The value as set_option would read it.
std::string option_text(const OptionRef& option);
/// The option called `name`, or a UserError with the nearest names.
const OptionRef& find_option(const std::vector<OptionRef>& options, std::string_view name);

}  // namespace otoscope
