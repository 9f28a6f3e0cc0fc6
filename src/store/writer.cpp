#include "otoscope/store/writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/half.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"
#include "store/opened.h"
#include "store/statistics.h"

namespace otoscope::store {
namespace fs = std::filesystem;
namespace {

/// Everything that fixes the bytes of a store, one "name=value" a line.
std::vector<std::string> conditions_of(const Header& header) {
  std::vector<std::string> lines = {
      "site=" + header.site,
      "model=" + header.model_hash,
      "unit=" + header.unit,
      "d=" + std::to_string(header.d),
      "store=" + header.dtype,
      "precision=" + header.precision,
      std::string("pack=") + (header.packed ? "true" : "false"),
      "padding=" + header.padding,
  };
  if (!header.context.empty()) lines.push_back("context=" + header.context);
  lines.insert(lines.end(), header.plan.begin(), header.plan.end());
  return lines;
}

std::vector<std::string> conditions_of(const Header& header, const std::vector<Item>& items) {
  std::vector<std::string> lines = conditions_of(header);
  Index only_items;
  only_items.items = items;
  lines.push_back("items=" + io::sha256(index_text(only_items)));
  return lines;
}

/// A store or journal made otherwise: names the first condition that differs.
void refuse_if_different(const fs::path& folder, const std::vector<std::string>& ours,
                         const std::vector<std::string>& theirs) {
  for (size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
    const std::string a = i < ours.size() ? ours[i] : "nothing";
    const std::string b = i < theirs.size() ? theirs[i] : "nothing";
    if (a != b)
      throw UserError(folder.string(), "expected a store with " + a + ", got one with " + b,
                      "choose another --out, or remove this folder");
  }
}

Index read_index(const fs::path& path) {
  return parse_index(io::read_file(path, int64_t{2} << 30), path.string());
}

}  // namespace

bool finished_store(const fs::path& folder, const Header& header, const std::string& unasked) {
  if (!fs::exists(folder / kIndexName)) return false;
  auto theirs = conditions_of(read_index(folder / kIndexName).header);
  if (!unasked.empty())
    std::erase_if(theirs, [&](const std::string& line) { return line.starts_with(unasked); });
  refuse_if_different(folder, conditions_of(header), theirs);
  return true;
}

struct Writer::Impl {
  fs::path folder;
  Header header;
  std::vector<Item> items;
  std::vector<std::string> conditions;
  std::vector<Shard> shards;
  int64_t rows_done = 0, total = 0;
  bool finished = false;

  // the present shard
  std::vector<RowOrigin> origins;
  std::vector<f16> half;
  std::vector<float> full;

  fs::path journal() const { return folder / "journal.json"; }

  void write_journal() const {
    io::OrderedJson json = {{"schema", "otoscope.store.journal"},
                            {"version", 1},
                            {"conditions", conditions},
                            {"shards", io::OrderedJson::array()}};
    for (const Shard& shard : shards)
      json["shards"].push_back(
          {{"file", shard.file}, {"rows", shard.rows}, {"sha256", shard.sha256}});
    io::write_json(journal(), json);
  }

  /// Shards that the journal names and that are what it says; the first that is not ends the list.
  void read_journal() {
    const std::string where = journal().string();
    const io::Json json = io::read_json(journal());
    std::vector<std::string> theirs;
    for (const io::Json& line : io::member_at(json, "conditions", where))
      theirs.push_back(line.is_string() ? line.get<std::string>() : "nothing");
    refuse_if_different(folder, conditions, theirs);
    for (const io::Json& entry : io::member_at(json, "shards", where)) {
      Shard shard;
      shard.file = shard_name(static_cast<int64_t>(shards.size()));
      shard.rows = io::integer_at(entry, "rows", where);
      shard.sha256 = io::string_at(entry, "sha256", where);
      shard.first_row = rows_done;
      const fs::path path = folder / shard.file;
      if (!fs::exists(path) || io::sha256_file(path) != shard.sha256) break;
      rows_done += shard.rows;
      shards.push_back(std::move(shard));
    }
  }

  /// What a killed run may have left: files being written aside.
  void sweep() const {
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().filename().string().find(".tmp-") != std::string::npos)
        fs::remove(entry.path());
  }

  [[noreturn]] void refuse(const RowOrigin& origin, float value) const {
    const std::string item = origin.item >= 0 && static_cast<size_t>(origin.item) < items.size()
                                 ? items[static_cast<size_t>(origin.item)].id
                                 : std::to_string(origin.item);
    const std::string place = header.unit + " " + std::to_string(origin.frame) + " of " + item;
    if (!(value - value == 0))
      throw UserError(header.site,
                      "expected finite activations, got " +
                          std::string(value != value ? "NaN" : "infinity") + " at " + place,
                      "check the model's weights and that file");
    throw UserError(
        header.site,
        "expected activations within f16 (65504), got " + std::to_string(value) + " at " + place,
        "use --store f32");
  }
};

Writer::Writer(fs::path folder, Header header, std::vector<Item> items)
    : impl_(std::make_unique<Impl>()) {
  Impl& w = *impl_;
  OTO_ASSERT(header.d > 0 && (header.dtype == "f16" || header.dtype == "f32"));
  w.folder = std::move(folder);
  w.header = std::move(header);
  w.items = std::move(items);
  for (const Item& item : w.items) {
    OTO_ASSERT(item.first_row == w.total && item.n_rows >= 0);
    w.total += item.n_rows;
  }
  w.conditions = conditions_of(w.header, w.items);
  io::make_folder(w.folder);
  w.sweep();
  const fs::path index = w.folder / kIndexName;
  if (fs::exists(index)) {
    const Index there = read_index(index);
    refuse_if_different(w.folder, w.conditions, conditions_of(there.header, there.items));
    w.shards = there.shards;
    w.rows_done = there.rows;
    w.finished = true;
    fs::remove(w.journal());
  } else if (fs::exists(w.journal())) {
    w.read_journal();
  } else {
    w.write_journal();
  }
}
Writer::~Writer() = default;
Writer::Writer(Writer&&) noexcept = default;

bool Writer::finished() const { return impl_->finished; }
int64_t Writer::rows_done() const { return impl_->rows_done; }

void Writer::append(std::span<const RowOrigin> origins, View<const float> x) {
  Impl& w = *impl_;
  OTO_ASSERT(!w.finished && x.shape.rank() == 2 && x.width() == w.header.d);
  OTO_ASSERT(x.rows() == static_cast<int64_t>(origins.size()));
  const size_t before = w.origins.size();
  const int64_t d = w.header.d;
  if (w.header.dtype == "f16") {
    w.half.resize(w.half.size() + static_cast<size_t>(x.size()));
    f16* to = w.half.data() + static_cast<int64_t>(before) * d;
    const int64_t bad = to_f16_checked(x, View<f16>(to, x.shape));
    if (bad >= 0) {
      w.half.resize(before * static_cast<size_t>(d));
      w.refuse(origins[static_cast<size_t>(bad / d)], x.data[bad]);
    }
  } else {
    for (int64_t i = 0; i < x.size(); ++i)
      if (!(x.data[i] - x.data[i] == 0)) w.refuse(origins[static_cast<size_t>(i / d)], x.data[i]);
    w.full.insert(w.full.end(), x.data, x.data + x.size());
  }
  w.origins.insert(w.origins.end(), origins.begin(), origins.end());
}

void Writer::end_shard() {
  Impl& w = *impl_;
  const size_t n = w.origins.size();
  if (n == 0) return;
  const auto rows = static_cast<int64_t>(n);
  std::vector<int32_t> item(n), frame(n), window(n), token(n);
  std::vector<int16_t> position(n);
  for (size_t i = 0; i < n; ++i) {
    item[i] = w.origins[i].item;
    frame[i] = w.origins[i].frame;
    window[i] = w.origins[i].window;
    token[i] = w.origins[i].token;
    position[i] = w.origins[i].position;
  }
  const auto column = [rows](const char* name, const std::vector<int32_t>& values) {
    return io::named(name, View<const int32_t>(values.data(), {rows}));
  };
  std::vector<io::NamedTensor> tensors = {column("item", item)};
  if (w.header.unit == "token") {
    tensors.push_back(column("step", frame));
    tensors.push_back(column("token", token));
  } else {
    tensors.push_back(column("frame", frame));
    tensors.push_back(column("window", window));
    tensors.push_back(io::named("position", View<const int16_t>(position.data(), {rows})));
  }
  const Shape shape{rows, w.header.d};
  if (w.header.dtype == "f16")
    tensors.push_back(io::named_f16("activations", shape, &w.half.data()->bits));
  else
    tensors.push_back(io::named("activations", View<const float>(w.full.data(), shape)));

  Shard shard;
  shard.file = shard_name(static_cast<int64_t>(w.shards.size()));
  shard.rows = rows;
  shard.first_row = w.rows_done;
  shard.sha256 = io::write_safetensors(w.folder / shard.file, std::move(tensors),
                                       {{"otoscope.site", w.header.site}});
  w.shards.push_back(std::move(shard));
  w.write_journal();
  w.rows_done += rows;
  w.origins.clear();
  w.half.clear();
  w.full.clear();
}

void Writer::finish() {
  Impl& w = *impl_;
  if (w.finished) return;
  end_shard();
  OTO_ASSERT(w.rows_done == w.total);
  std::vector<io::MappedFile> files;
  std::vector<RowBlock> blocks;
  for (const Shard& shard : w.shards) {
    files.emplace_back(w.folder / shard.file);
    blocks.push_back(shard_block(files.back(), w.header, shard));
  }
  Index index;
  index.header = w.header;
  index.rows = w.rows_done;
  index.shards = w.shards;
  index.items = w.items;
  index.statistics = gather_statistics(RowSource(w.header.d, std::move(blocks)), w.items);
  io::write_file(w.folder / kIndexName, index_text(index));
  fs::remove(w.journal());
  w.finished = true;
}

void write_store(const fs::path& folder, const Header& header, const std::vector<Item>& items,
                 std::span<const RowOrigin> origins, View<const float> x, int64_t shard_rows) {
  Writer writer(folder, header, items);
  if (writer.finished()) return;
  for (int64_t row = writer.rows_done(); row < x.rows(); row += shard_rows) {
    const int64_t end = std::min(x.rows(), row + shard_rows);
    writer.append(origins.subspan(static_cast<size_t>(row), static_cast<size_t>(end - row)),
                  x.slice(row, end));
    writer.end_shard();
  }
  writer.finish();
}

}  // namespace otoscope::store
