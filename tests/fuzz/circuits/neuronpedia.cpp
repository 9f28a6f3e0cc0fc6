// Any JSON as a graph in Neuronpedia's format: it holds, or a UserError says what does not.
#include <nlohmann/json.hpp>

#include "fuzz/folder.h"
#include "otoscope/circuits/export.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  try {
    circuits::check_neuronpedia(io::parse_json(fuzzing::text_of(data, size), "graph"), "graph");
  } catch (const UserError&) {
  }
  return 0;
}
