/// Recipes come from other people: any bytes give a recipe or a UserError.
#include <cstdint>
#include <string_view>

#include "otoscope/core/errors.h"
#include "otoscope/steer/recipe.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto recipe = otoscope::steer::parse_recipe(
        std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
    for (const auto& op : recipe.operators) {
      otoscope::steer::describe(op);
      otoscope::steer::check_operator("fuzz", op, 4, 16);
    }
  } catch (const otoscope::UserError&) {
  }
  return 0;
}
