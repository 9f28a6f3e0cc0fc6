#include <map>

#include "otoscope/eval/sample.h"

namespace otoscope::eval {

Sample Sample::of_store(const store::Store& store, store::Split split, int64_t limit) {
  std::vector<int64_t> rows = store.rows_of(split);
  if (limit > 0 && static_cast<int64_t>(rows.size()) > limit) {
    const auto all = static_cast<int64_t>(rows.size());
    for (int64_t i = 0; i < limit; ++i)
      rows[static_cast<size_t>(i)] = rows[static_cast<size_t>(i * all / limit)];
    rows.resize(static_cast<size_t>(limit));
  }

  Sample sample;
  sample.d_ = store.d();
  std::map<std::string, int32_t> cluster_index;
  std::vector<int32_t> cluster_of_item(store.items().size(), -1);
  sample.cluster_.reserve(rows.size());
  for (const int64_t row : rows) {
    const auto item = static_cast<size_t>(store.origin(row).item);
    if (cluster_of_item[item] < 0) {
      const store::Item& named = store.items()[item];
      const std::string& name = named.cluster.empty() ? named.id : named.cluster;
      const auto next = static_cast<int32_t>(cluster_index.size());
      cluster_of_item[item] = cluster_index.try_emplace(name, next).first->second;
      ++sample.items_;
    }
    sample.cluster_.push_back(cluster_of_item[item]);
  }
  sample.clusters_ = static_cast<int64_t>(cluster_index.size());
  sample.gather_ = [&store, rows = std::move(rows)](const std::vector<int64_t>& wanted,
                                                    View<float> out) {
    std::vector<int64_t> of_store;
    of_store.reserve(wanted.size());
    for (const int64_t i : wanted) of_store.push_back(rows[static_cast<size_t>(i)]);
    store.gather(of_store, out);
  };
  return sample;
}

}  // namespace otoscope::eval
