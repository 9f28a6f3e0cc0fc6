#include "otoscope/core/errors.h"

#include <cstdio>
#include <cstdlib>

namespace otoscope {
namespace {

std::string message_of(std::string_view where, std::string_view problem, std::string_view hint) {
  std::string text = "[" + std::string(where) + "] " + std::string(problem);
  if (!hint.empty()) {
    if (text.back() != '.') text += '.';
    text += " Hint: " + std::string(hint);
  }
  if (text.back() != '.') text += '.';
  return text;
}

}  // namespace

UserError::UserError(std::string_view where, std::string_view problem, std::string_view hint)
    : std::runtime_error(message_of(where, problem, hint)), where_(where), problem_(problem) {}

namespace detail {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "otoscope: internal error: %s does not hold (%s:%d); please report it\n",
               expression, file, line);
  std::abort();
}

}  // namespace detail
}  // namespace otoscope
