#include <nlohmann/json.hpp>
#include <type_traits>

#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

namespace otoscope::io {
namespace {

[[noreturn]] void wrong_kind(const OptionRef& option, const char* expected, const Json& got,
                             std::string_view where) {
  throw UserError(where,
                  std::string("expected ") + expected + " at " + option.name + ", got " +
                      got.dump().substr(0, 60),
                  option.sentence);
}

/// Numbers go through set_option, so that range and choices are checked in one place. A float is
/// handed over with all its digits.
template <class T>
std::string text_of(const OptionRef& option, const Json& value, std::string_view where) {
  if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_boolean()) wrong_kind(option, "true or false", value, where);
    return value.get<bool>() ? "true" : "false";
  } else if constexpr (std::is_integral_v<T>) {
    if (!value.is_number_integer()) wrong_kind(option, "a whole number", value, where);
    return value.dump();
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!value.is_number()) wrong_kind(option, "a number", value, where);
    return value.dump();
  } else {
    if (!value.is_string()) wrong_kind(option, "a text", value, where);
    return value.get<std::string>();
  }
}

struct Reader {
  const OptionRef& option;
  const Json& value;
  std::string_view where;

  template <class T>
  void operator()(T*) const {
    set_option(option, text_of<T>(option, value, where));
  }
  template <class T>
  void operator()(std::vector<T>* target) const {
    if (!value.is_array()) wrong_kind(option, "a list", value, where);
    clear_list(option);
    for (const Json& entry : value) {
      // One entry at a time through a scalar option: a text may contain the comma that separates.
      T parsed{};
      set_option({option.name, &parsed, option.sentence, option.range, option.choices},
                 text_of<T>(option, entry, where));
      target->push_back(std::move(parsed));
    }
  }
};

}  // namespace

OrderedJson options_to_json(const std::vector<OptionRef>& options) {
  OrderedJson json = OrderedJson::object();
  for (const OptionRef& option : options)
    std::visit([&](const auto* target) { json[option.name] = *target; }, option.target);
  return json;
}

void options_from_json(const std::vector<OptionRef>& options, const Json& json,
                       std::string_view where) {
  if (!json.is_object())
    throw UserError(where, std::string("expected an object of options, got ") + json.type_name());
  for (auto it = json.begin(); it != json.end(); ++it) {
    const OptionRef& option = find_option(options, it.key());
    std::visit(Reader{option, it.value(), where}, option.target);
  }
}

}  // namespace otoscope::io
