#pragma once
/// A number in the report is never typed: it is taken from a JSON document and carries where it
/// comes from, <data value="0.0812" data-file="sae/x/eval.json" data-pointer="/fvu/value"
/// data-format="fixed3">0.081</data>, so that anyone can compare them all (serve/check.h does).

#include <memory>
#include <string>
#include <string_view>

#include "otoscope/io/json.h"

namespace otoscope::serve {

/// How a number is shown. `fixedN`: N decimals. `count`: digits in groups of three. `percentN`:
/// times 100, with a sign for per cent. `signedN`: fixedN with + or -. `short`: three significant
/// digits. `time`: seconds as people say them. `bytes`: MB and GB. `bound`: fixed3, but "-" where
/// the value is null.
std::string formatted(double value, std::string_view format);
/// One of these; formatted() takes no other.
bool known_format(std::string_view format);

/// A JSON file that numbers are bound to, named relative to the report's folder.
struct Document {
  std::string file;
  std::shared_ptr<const io::Json> json;
};

/// The `<data>` element of the number at a JSON pointer. null is shown as a dash. An absent pointer
/// or another type: UserError with file and pointer.
std::string bound(const Document& document, const std::string& pointer, std::string_view format);

/// value [low, high] of an estimate {"value","low","high",…} at `pointer`.
std::string bound_estimate(const Document& document, const std::string& pointer,
                           std::string_view format);

/// True if the document has a number (or an estimate) there.
bool has(const Document& document, const std::string& pointer);
/// The bare number, for charts.
double number(const Document& document, const std::string& pointer);

}  // namespace otoscope::serve
