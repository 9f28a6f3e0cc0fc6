#pragma once
/// Help texts, made from the options' own declarations.

#include <string>

#include "cli/verb.h"

namespace otoscope::cli {

std::string help_of_program();
std::string help_of_verb(const VerbEntry& entry, Verb& verb);

}  // namespace otoscope::cli
