/// Groups by hand are written by people: any bytes give groups or a UserError.
#include <cstdint>
#include <string>

#include "otoscope/circuits/group.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const otoscope::circuits::Graph graph = [] {
    otoscope::circuits::Graph made;
    made.nodes.resize(2);
    for (int i = 0; i < 2; ++i) made.nodes[static_cast<size_t>(i)].layer = i;
    for (auto& node : made.nodes) node.feature = 7, node.begin = 3, node.end = 4;
    made.pruned.node = {1, 1};
    return made;
  }();
  try {
    auto copy = graph;
    otoscope::circuits::set_groups(
        copy, otoscope::circuits::group_by_hand(
                  graph, std::string(reinterpret_cast<const char*>(data), size), "groups"));
  } catch (const otoscope::UserError&) {
  }
  return 0;
}
