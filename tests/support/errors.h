#pragma once
#include <string>

#include "otoscope/core/errors.h"

namespace otoscope::testing {

/// The message of the UserError that `work` throws, or a text that no message equals.
template <class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const UserError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace otoscope::testing
