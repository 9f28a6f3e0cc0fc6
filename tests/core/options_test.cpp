#include "otoscope/core/options.h"

#include <doctest/doctest.h>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "support/errors.h"

namespace otoscope {
namespace {

struct Sample {
  int k = 32;
  double lr = 1e-3;
  bool pack = false;
  std::string arch = "batchtopk";
  std::vector<std::string> site;
  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("k", o.k, "features kept per frame", Range{1, 4096});
    v("lr", o.lr, "learning rate");
    v("pack", o.pack, "several clips in a window");
    v("arch", o.arch, "architecture", Choices{{"batchtopk", "topk"}});
    v("site", o.site, "where to listen");
  }
};

}  // namespace

TEST_CASE("options are set by name, checked, and refused with a reason") {
  Sample sample;
  const auto options = options_of(sample);
  set_option(find_option(options, "k"), "45");
  set_option(find_option(options, "site"), "encoder.out,logits");
  CHECK(sample.k == 45);
  CHECK(sample.site == std::vector<std::string>{"encoder.out", "logits"});
  CHECK(testing::error_of([&] { set_option(find_option(options, "k"), "0"); }) ==
        "[--k] expected a whole number in [1, 4096], got 0. Hint: features kept per frame.");
  CHECK(testing::error_of([&] {
          set_option(find_option(options, "lr"), "nan");
        }).find("[--lr] expected") == 0);
  CHECK(testing::error_of([&] {
          set_option(find_option(options, "arch"), "topj");
        }).find("did you mean topk") != std::string::npos);
  CHECK(testing::error_of([&] { find_option(options, "pakc"); }).find("--pack") !=
        std::string::npos);
}

TEST_CASE("a list is emptied before it takes other values, and nothing else is") {
  Sample sample;
  sample.site = {"logits"};
  for (const OptionRef& option : options_of(sample)) clear_list(option);
  CHECK(sample.site.empty());
  CHECK(sample.k == 32);
  CHECK(sample.arch == "batchtopk");
}

TEST_CASE("durations and sizes read as people write them") {
  CHECK(human_seconds(7384) == "2 h 03 min");
  CHECK(human_bytes(145217532) == "145.2 MB");
  CHECK(edit_distance("resid_pots", "resid_post") == 2);
}

}  // namespace otoscope
