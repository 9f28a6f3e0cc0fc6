// Any bytes as options stored in JSON (a record's, for running it again): values of their kind and
// in range, or a UserError.
#include <nlohmann/json.hpp>

#include "fuzz/folder.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/options.h"
#include "otoscope/io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  bool flag = false;
  int small = 5;
  uint64_t seed = 0;
  double rate = .5;
  std::string choice = "a";
  std::vector<std::string> names;
  std::vector<float> doses;
  const std::vector<OptionRef> options = {{"flag", &flag, "yes or no", {}, {}},
                                          {"small", &small, "a number", {1, 10}, {}},
                                          {"seed", &seed, "any", {}, {}},
                                          {"rate", &rate, "a share", {0, 1}, {}},
                                          {"choice", &choice, "one of two", {}, {"a", "b"}},
                                          {"names", &names, "any", {}, {}},
                                          {"doses", &doses, "any", {}, {}}};
  try {
    io::options_from_json(options, io::parse_json(fuzzing::text_of(data, size), "x"), "x");
  } catch (const UserError&) {
  }
  if (small < 1 || small > 10 || !(rate >= 0 && rate <= 1) || (choice != "a" && choice != "b"))
    __builtin_trap();
  // What was taken is written and read again.
  io::options_from_json(options, io::Json::parse(io::options_to_json(options).dump()), "again");
  return 0;
}
