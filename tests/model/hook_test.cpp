#include <doctest/doctest.h>

#include <cstring>
#include <functional>

#include "model/paths.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::model;
using namespace otoscope::testing;

namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Sees one site; writes down what it was shown.
struct Watcher : Hook {
  explicit Watcher(const Site& watched) : site(watched) {}
  Want ask(const Site& asked) override {
    ++asks;
    return asked == site ? Want::observe : Want::none;
  }
  void observe(const Site& seen, const Rows& rows, View<const float> x) override {
    ok = ok && seen == site && rows.B == x.shape[0] && rows.item.size() == size_t(rows.B) &&
         rows.valid.size() == size_t(rows.B) &&
         (rows.beam.empty() || rows.beam.size() == size_t(rows.B));
    shapes.push_back(x.shape);
    steps.push_back(rows.step);
    positions.push_back(rows.position);
  }
  Site site;
  int64_t asks = 0;
  bool ok = true;
  std::vector<Shape> shapes;
  std::vector<int> steps;
  std::vector<int64_t> positions;
};

void rewrite(View<float> x) {
  const Tensor<float> copy = Tensor<float>::copy_of(x);
  std::fill(x.data, x.data + x.size(), NAN);
  std::copy(copy.data(), copy.data() + copy.size(), x.data);
}

/// Runs `check(path, site, plain)` at every site of every path.
void at_every_site(
    const std::function<void(const Path&, const Site&, const std::vector<float>&)>& check) {
  for (const Path& path : paths()) {
    const std::vector<float> plain = path.run({});
    CAPTURE(path.name);
    REQUIRE(same_bits(path.run({}), plain));
    for (const Site& site : path.sites) {
      CAPTURE(site_name(site));
      check(path, site, plain);
    }
  }
}

}  // namespace

TEST_CASE("observing any site on any path leaves the outputs bit-equal, once per call") {
  at_every_site([](const Path& path, const Site& site, const std::vector<float>& plain) {
    Watcher watcher(site);
    Hook* const hooks[] = {&watcher};
    CHECK(same_bits(path.run(hooks), plain));
    CHECK(watcher.ok);
    REQUIRE(watcher.shapes.size() == size_t(path.calls_at(site)));
    if (path.calls_at(site) != path.calls) return;  // the cache's keys: shape is tested elsewhere
    int64_t before = 0;
    for (size_t call = 0; call < watcher.shapes.size(); ++call) {
      const bool last_only = site.point == Point::logits && path.calls > 1;
      const int64_t T = last_only ? 1 : path.positions[call];
      const bool all_audio = site_name(site).find("cross") != std::string::npos;
      const int64_t S = path.of_encoder() || all_audio ? 100 : before + path.positions[call];
      CHECK(watcher.shapes[call] == site_shape(nano().dims(), site, watcher.shapes[call][0], T, S));
      CHECK(watcher.steps[call] == (path.calls > 1 ? int(call) : -1));
      before += path.positions[call];
      CHECK(watcher.positions[call] == (last_only ? before - 1 : before - path.positions[call]));
    }
  });
}

TEST_CASE("replacing any site by itself on any path leaves the outputs bit-equal") {
  at_every_site([](const Path& path, const Site& site, const std::vector<float>& plain) {
    Edit edit(site, [](const Rows&, View<float> x) { rewrite(x); });
    Hook* const hooks[] = {&edit};
    CHECK(same_bits(path.run(hooks), plain));
  });
}

TEST_CASE("replacing any site by zeros on any path changes the outputs") {
  at_every_site([](const Path& path, const Site& site, const std::vector<float>& plain) {
    Edit edit(site, [](const Rows&, View<float> x) { std::fill(x.data, x.data + x.size(), 0.0f); });
    Hook* const hooks[] = {&edit};
    CHECK(!same_bits(path.run(hooks), plain));
  });
}

TEST_CASE("all sites at once, observed and replaced by themselves, change nothing") {
  struct Everything : Hook {
    Want ask(const Site&) override { return Want::both; }
    void replace(const Site&, const Rows&, View<float> x) override { rewrite(x); }
    void observe(const Site&, const Rows&, View<const float>) override { ++seen; }
    int64_t seen = 0;
  };
  for (const Path& path : paths()) {
    CAPTURE(path.name);
    Everything everything;
    Hook* const hooks[] = {&everything};
    CHECK(same_bits(path.run(hooks), path.run({})));
    CHECK(everything.seen > 0);
  }
}

TEST_CASE("a replacer runs before every observer, in the order of the hooks") {
  const Site site = find_site(nano().dims(), "encoder.blocks.0.resid_post");
  Recorder recorder({site});
  Edit one(site, [](const Rows&, View<float> x) { std::fill(x.data, x.data + x.size(), 1.0f); });
  Edit twice(site, [](const Rows&, View<float> x) {
    for (float& v : x.span()) v *= 2.0f;
  });
  Hook* const hooks[] = {&recorder, &one, &twice};
  nano().encode(nano_input().mel, {}, hooks);
  for (const float v : recorder.last(site).view().span()) REQUIRE(v == 2.0f);
}

TEST_CASE("each hook is asked once about every site, and one that wants none is refused") {
  struct Blind : Hook {
    Want ask(const Site&) override { return Want::none; }
  } blind;
  Watcher watcher(find_site(nano().dims(), "logits"));  // no site of this pass, but of the model
  Hook* const fine[] = {&watcher};
  nano().encode(nano_input().mel, {}, fine);
  CHECK(watcher.asks == int64_t(all_sites(nano().dims()).size()));
  CHECK(watcher.shapes.empty());
  Hook* const refused[] = {&watcher, &blind};
  CHECK(error_of([&] { nano().encode(nano_input().mel, {}, refused); }) ==
        "[hook] expected it to want at least one site of the model, got none. Hint: check its site "
        "names against `models show NAME`.");
}

TEST_CASE("a hook sees the rows that the caller named") {
  struct Looker : Hook {
    Want ask(const Site& site) override {
      return site.point == Point::embed ? Want::observe : Want::none;
    }
    void observe(const Site&, const Rows& rows, View<const float>) override {
      item.assign(rows.item.begin(), rows.item.end());
      valid.assign(rows.valid.begin(), rows.valid.end());
    }
    std::vector<int64_t> item;
    std::vector<int32_t> valid;
  } looker;
  Hook* const hooks[] = {&looker};
  const std::vector<int64_t> item = {7, 12};
  const std::vector<int32_t> valid = {100, 31};
  Rows rows;
  rows.item = item, rows.valid = valid;
  nano().encode(nano_input().mel, rows, hooks);
  CHECK(looker.item == item);
  CHECK(looker.valid == valid);
  nano().encode(nano_input().mel, {}, hooks);
  CHECK(looker.item == std::vector<int64_t>{0, 1});
  CHECK(looker.valid == std::vector<int32_t>{100, 100});
}

TEST_CASE("an edited scale is the one that the norm uses") {
  const Site scale = find_site(nano().dims(), "encoder.blocks.1.ln2.scale");
  const Site norm = find_site(nano().dims(), "encoder.blocks.1.ln2");
  const Site stream = find_site(nano().dims(), "encoder.blocks.1.resid_mid");
  Recorder plain({norm, stream}), edited({norm});
  Hook* const first[] = {&plain};
  nano().encode(nano_input().mel, {}, first);
  Edit half(scale, [](const Rows&, View<float> x) {
    for (float& v : x.span()) v *= 0.5f;
  });
  Hook* const second[] = {&half, &edited};
  nano().encode(nano_input().mel, {}, second);
  // Halving the scale halves what is above the bias: twice edited - plain = bias in every row.
  const Tensor<float>&whole = plain.last(norm), &halved = edited.last(norm);
  for (int64_t i = 0; i < whole.size(); ++i)
    REQUIRE(2 * halved[i] - whole[i] ==
            doctest::Approx(2 * halved[i % 128] - whole[i % 128]).epsilon(1e-4).scale(1.0));
}
