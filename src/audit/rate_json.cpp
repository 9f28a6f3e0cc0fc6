#include "audit/rate_json.h"

#include <nlohmann/json.hpp>

#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {

using io::OrderedJson;

OrderedJson to_json(const Rate& rate) {
  OrderedJson json{{"k", rate.fails},
                   {"n", rate.n},
                   {"errors", rate.errors},
                   {"clusters", rate.clusters},
                   {"estimate", io::to_json(rate.estimate)},
                   {"wilson", io::to_json(rate.wilson)},
                   {"errors_as_failures", io::to_json(rate.errors_as_failures)},
                   {"sufficient", rate.insufficient.empty()}};
  if (!rate.insufficient.empty()) json["why_not"] = rate.insufficient;
  return json;
}

OrderedJson to_json(const Groups& groups, double wer_bound) {
  OrderedJson list = OrderedJson::array();
  for (const GroupTable& table : groups.tables) {
    OrderedJson one{{"by", table.by}, {"cells", OrderedJson::array()}};
    for (const GroupCell& cell : table.cells) {
      OrderedJson row{{"value", cell.value}, {"rate", to_json(cell.rate)}};
      if (cell.compared) {
        row["difference"] = io::to_json(cell.difference);
        row["p"] = cell.p;
        row["p_adjusted"] = cell.p_adjusted;
        row["test"] = cell.test;
        row["differs"] = cell.differs;
      } else {
        row["not_compared"] = "insufficient: it or the rest has too few cases";
      }
      if (cell.has_wer) {
        row["wer"] = io::to_json(cell.wer);
        if (wer_bound > 0) row["wer_over_bound"] = cell.wer.low > wer_bound;
      }
      one["cells"].push_back(std::move(row));
    }
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace otoscope::audit
