#include "otoscope/audit/history.h"

#include <doctest/doctest.h>

#include "audit/made_record.h"
#include "otoscope/io/json.h"
#include "support/errors.h"

namespace otoscope::audit {
namespace {

/// n clips of n / 2 clusters; the first k fail. Ids begin with `prefix`.
std::string cases(int64_t k, int64_t n, const std::string& prefix = "") {
  std::string lines;
  for (int64_t i = 0; i < n; ++i)
    lines += io::OrderedJson{{"id", prefix + std::to_string(i)},
                             {"cluster", prefix + std::to_string(i / 2)},
                             {"answer", i < k ? "fails" : "passes"}}
                 .dump() +
             "\n";
  return lines;
}
Audited version(const std::string& name, int64_t k, int64_t n, const std::string& some = "") {
  return {name, testing::record(k, n).dump(), some};
}
io::OrderedJson of(std::vector<Audited> audits) { return history(audits, 0, 500); }

}  // namespace

TEST_CASE("the same clips are paired, and an equal result has no difference") {
  const auto json =
      of({version("a", 40, 100, cases(40, 100)), version("b", 60, 100, cases(60, 100)),
          version("c", 60, 100, cases(60, 100))});
  const auto& b = json.at("versions").at(1).at("difference");
  CHECK(b.at("value") == doctest::Approx(.2));
  CHECK(b.at("low").get<double>() > 0);
  CHECK(b.at("method").get<std::string>().find("the same clips") == 0);
  CHECK(b.at("n") == 100);
  CHECK(json.at("last").at("difference").at("value") == doctest::Approx(0));
  CHECK(json.at("last").at("difference").at("high") == doctest::Approx(0));
  CHECK(json.at("last").at("since_first").at("value") == doctest::Approx(.2));
  CHECK(json.at("first").at("k") == 40);
}

TEST_CASE("other clips widen the interval, and without cases it comes from the stored ones") {
  const auto low = [](const io::OrderedJson& json) {
    return json.at("last").at("difference").at("low").get<double>();
  };
  const auto same =
                 of({version("a", 40, 100, cases(40, 100)), version("b", 60, 100, cases(60, 100))}),
             other = of({version("a", 40, 100, cases(40, 100, "x")),
                         version("b", 60, 100, cases(60, 100, "y"))}),
             none = of({version("a", 40, 100), version("b", 60, 100)});
  CHECK(low(other) < low(same));
  CHECK(other.at("last").at("difference").at("method").get<std::string>().find("other clips") == 0);
  CHECK(none.at("last").at("difference").at("method").get<std::string>().find("stored") !=
        std::string::npos);
  // 60 of 100 less 40 of 100, Newcombe's interval.
  CHECK(none.at("last").at("difference").at("low") == doctest::Approx(.0610).epsilon(.02));
  CHECK(none.at("last").at("difference").at("high") == doctest::Approx(.3260).epsilon(.02));
}

TEST_CASE("what is not one history is refused") {
  const auto refused = [](std::vector<Audited> audits) {
    return otoscope::testing::error_of([&] { of(std::move(audits)); });
  };
  CHECK(refused({version("a", 40, 100)}).find("at least two") != std::string::npos);
  CHECK(refused({version("a", 40, 100), version("few", 4, 10)}).find("[few] has no rate") !=
        std::string::npos);
  testing::Json other = testing::record(40, 100);
  other["failure_mode"]["predicate_sha256"] = std::string(64, '0');
  CHECK(refused({version("a", 40, 100), {"b", other.dump(), ""}}).find("another predicate") !=
        std::string::npos);
  testing::Json bare = testing::record(40, 100);
  bare["rate"]["clips"]["estimate"]["low"] = nullptr;
  CHECK(refused({version("a", 40, 100), {"b", bare.dump(), ""}}).find("without an interval") !=
        std::string::npos);
  other["version"] = 3;
  CHECK(refused({version("a", 40, 100), {"b", other.dump(), ""}}).find("audit record, version 1") !=
        std::string::npos);
  CHECK(refused({version("a", 40, 100, "{\"id\": 1}"), version("b", 40, 100)}).find("case 1") !=
        std::string::npos);
  // Not told is not passed; and cases must be the record's own.
  std::string unknown = cases(40, 100);
  unknown.replace(unknown.rfind("passes"), 6, "unsure");
  CHECK(refused({version("a", 40, 100, unknown), version("b", 40, 100)})
            .find("[a, case 100] expected fails, passes or error at answer, got unsure") == 0);
  CHECK(refused({version("a", 40, 100, cases(41, 100)), version("b", 40, 100)})
            .find("[a] expected cases of which 40 of 100 fail, got 41 of 100") == 0);
}

}  // namespace otoscope::audit
