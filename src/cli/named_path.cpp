#include "cli/named_path.h"

#include "otoscope/core/errors.h"

namespace otoscope::cli {

std::pair<std::string, std::string> named_path(const std::string& option,
                                               const std::string& given) {
  const size_t equals = given.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == given.size())
    throw UserError(option, "expected NAME=PATH, got " + given);
  return {given.substr(0, equals), given.substr(equals + 1)};
}

}  // namespace otoscope::cli
