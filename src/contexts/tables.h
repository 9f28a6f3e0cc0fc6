#pragma once
/// Numbers and lines as terminals of 80 columns show them.

#include <string>
#include <vector>

#include "otoscope/contexts/compare.h"
#include "otoscope/io/json.h"

namespace otoscope::contexts {

/// Without a leading zero: ".85", "-" for null.
std::string number(const io::OrderedJson& json, int digits);
std::string p_text(const io::OrderedJson& json);
/// ".85 [.80, .90]"; `times` 100 for percentages.
std::string estimate(const io::OrderedJson& e, int digits = 2, double times = 1);
/// Lines of at most 80 columns, all but the first set in.
std::string wrapped(const std::string& text, size_t indent = 0);
std::string shortened(std::string text, size_t most);

std::vector<TextTable> factorial_tables(const io::OrderedJson& factorial);

}  // namespace otoscope::contexts
