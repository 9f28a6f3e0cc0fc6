#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "otoscope/audit/report.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::Json;

std::string number(const Json& x, int digits = 3) {
  return x.is_number() ? fmt::format("{:.{}f}", x.get<double>(), digits) : "–";
}
std::string estimate(const Json& e, int digits = 3) {
  return e.is_object() ? io::with_interval(io::OrderedJson(e), digits) : "–";
}
std::string text(const Json& json, const char* key) { return json.at(key).get<std::string>(); }

/// Text from elsewhere in a table or a line: no markup, no line breaks.
std::string plain(const std::string& foreign) {
  std::string out;
  for (const char c : foreign) {
    if (std::string_view("|`*_<>[]#\\").find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

class Writer {
 public:
  explicit Writer(const Json& record) : r_(record) {}

  std::string run() {
    line("# " + plain(text(r_, "claim_id")) + "\n");
    line("> " + plain(text(r_, "text")) + "\n");
    const Json& verdict = r_.at("verdict");
    line(fmt::format("Verdict: **{}** (\"{}\"); {}.\n", text(verdict, "status"),
                     text(verdict, "wording"), plain(text(verdict, "why"))));
    tests(verdict.at("tests"));
    rate();
    groups();
    search();
    predictive();
    causal();
    circuit();
    contexts();
    multiverse();
    list("What was not tested", r_.at("not_tested"));
    list("Limits", r_.at("limits"));
    surfaces_table();
    provenance();
    return std::move(out_);
  }

 private:
  void line(const std::string& text) { out_ += text + "\n"; }
  void head(const std::string& title) { line("## " + title + "\n"); }
  void row(const std::vector<std::string>& cells) {
    out_ += "|";
    for (const std::string& cell : cells) out_ += " " + cell + " |";
    out_ += "\n";
  }
  void table(const std::vector<std::string>& heads) {
    row(heads);
    row(std::vector<std::string>(heads.size(), "---"));
  }
  void end() { line(""); }

  /// False, and why, where a part was not measured.
  bool measured(const Json& part, const std::string& title) {
    head(title);
    if (part.at("measured").get<bool>()) return true;
    line("Not measured: " + plain(text(part, "why")) + ".\n");
    return false;
  }
  void tests(const Json& tests) {
    for (const Json& test : tests)
      line(fmt::format("- {} {}: {}", test.at("passed").get<bool>() ? "passed" : "**failed**",
                       plain(text(test, "name")), plain(text(test, "says"))));
    if (!tests.empty()) end();
  }
  void rate_row(const std::string& name, const Json& rate) {
    row({plain(name), rate.at("k").dump(), rate.at("n").dump(), rate.at("errors").dump(),
         rate.at("clusters").dump(), estimate(rate.at("estimate")), estimate(rate.at("wilson")),
         rate.contains("why_not") ? plain(text(rate, "why_not")) : ""});
  }

  void rate() {
    head("Rate");
    const Json& rate = r_.at("rate");
    table({"", "fail", "of", "errors", "clusters", "rate, clusters resampled",
           "Wilson, as if independent", ""});
    rate_row("all", rate.at("clips"));
    for (const Json& one : rate.at("per_severity")) rate_row(text(one, "severity"), one.at("rate"));
    end();
    line("With errors counted as failures: " + estimate(rate.at("clips").at("errors_as_failures")) +
         ".\n");
    for (const Json& error : rate.value("errors", Json::array()))
      line(fmt::format("- {} could not be judged: {}", error.at("n").dump(),
                       plain(text(error, "why"))));
    if (const Json& often = rate.value("frequent_texts", Json::array()); !often.empty()) {
      out_ += "What it wrote most often where it failed: ";
      for (size_t i = 0; i < often.size(); ++i)
        out_ += fmt::format("{}\"{}\" {}", i > 0 ? ", " : "", plain(text(often[i], "text")),
                            often[i].at("windows").dump());
      line(".\n");
    }
    const Json& precision = r_.at("failure_mode").at("precision");
    line(precision.at("measured").get<bool>()
             ? fmt::format("People agreed with {} of {} flagged and {} of {} unflagged cases.\n",
                           precision.at("flagged").at("agreed").dump(),
                           precision.at("flagged").at("asked").dump(),
                           precision.at("unflagged").at("agreed").dump(),
                           precision.at("unflagged").at("asked").dump())
             : "The predicate: " + plain(text(precision, "why")) + ".\n");
  }

  void groups() {
    for (const Json& group : r_.at("groups")) {
      head("By " + plain(text(group, "by")));
      table({"", "fail", "of", "rate", "less the others", "p, adjusted", ""});
      for (const Json& cell : group.at("cells"))
        row({plain(text(cell, "value")), cell.at("rate").at("k").dump(),
             cell.at("rate").at("n").dump(), estimate(cell.at("rate").at("estimate")),
             cell.contains("difference") ? estimate(cell["difference"]) : "–",
             cell.contains("p_adjusted") ? number(cell["p_adjusted"]) : "–",
             cell.contains("not_compared") ? plain(text(cell, "not_compared")) : ""});
      end();
    }
  }

  void predictive() {
    const Json& p = r_.at("predictive");
    if (!measured(p, "Do features foretell it?")) return;
    line(fmt::format("Prevalence {}; a detector that always says yes has F1 {}, MCC {}.\n",
                     estimate(p.at("prevalence")), number(p.at("all_positive").at("f1")),
                     number(p.at("all_positive").at("mcc"))));
    table({"", "numbers", "AUROC", "AP", "MCC"});
    for (const Json& score : p.at("scores"))
      row({plain(text(score, "name")), score.at("numbers").dump(), estimate(score.at("auroc")),
           estimate(score.at("ap")), estimate(score.at("mcc"))});
    row({fmt::format("{} sets of like features, 95th percentile",
                     p.at("random_features").at("n").dump()),
         "", number(p.at("random_features").at("p95")), "", ""});
    end();
  }

  void search() {
    if (!r_.contains("search")) return;  // version 1
    const Json& s = r_.at("search");
    if (!measured(s, "Where was the mechanism looked for?")) return;
    line(fmt::format("{}: {} clips of dev, {} of speech; chosen by {}.\n", plain(text(s, "part")),
                     s.at("windows").dump(), s.at("speech").dump(), plain(text(s, "chosen_by"))));
    table({"", "set", "AUROC on dev", "dose", "rate on dev", "fall", "speech emptied", "score"});
    for (size_t i = 0; i < s.at("tried").size(); ++i) {
      const Json& one = s["tried"][i];
      const Json& arm = one.at("arm");
      row({i == s.at("chosen").get<size_t>() ? "chosen"
           : one.at("choosable").get<bool>() ? ""
                                             : "another seed",
           fmt::format("{} features of {}: {}", one.at("features").size(), plain(text(one, "site")),
                       plain(text(one, "from"))),
           number(one.at("auroc")), number(arm.at("dose")), estimate(arm.at("rate")),
           estimate(arm.at("difference")), number(one.at("speech_emptied")),
           number(one.at("score"))});
    }
    end();
    if (s.at("sites").empty()) return;
    line("What a whole site does, on failing clips of train (the number) and on dev:\n");
    table({"", "as it is", "without its features", "without the SAE's error", "dose",
           "fall, all features to zero", "speech emptied"});
    for (const Json& one : s.at("sites"))
      row({plain(text(one, "site")), number(one.at("whole")), number(one.at("without_features")),
           number(one.at("without_error")), number(one.at("all_features").at("dose")),
           estimate(one.at("all_features").at("difference")), number(one.at("speech_emptied"))});
    end();
  }

  void arm(const Json& arm) {
    row({plain(text(arm, "name")), number(arm.at("dose")), estimate(arm.at("rate")),
         estimate(arm.at("difference"))});
  }
  /// What its features are called, where they have names.
  void labels() {
    bool any = false;
    for (const Json& feature : r_.at("features"))
      if (feature.contains("label")) {
        line(fmt::format("- feature {} {}", feature.at("index").get<int64_t>(),
                         plain(text(feature, "label"))));
        any = true;
      }
    if (any) end();
  }
  void causal() {
    const Json& c = r_.at("causal");
    if (!measured(c, "Does taking the features away take the failure away?")) return;
    line(fmt::format("Edited: {}, at {}.\n", plain(text(c, "set")), plain(text(c, "site"))));
    labels();
    table({"", "dose", "rate", "fall"});
    row({"as it is", "0", estimate(c.at("rate_before")), "–"});
    arm(c.at("ablated"));
    arm(c.at("mean_ablated"));
    for (const Json& dose : c.at("dose")) arm(dose);
    end();
    const Json& controls = c.at("controls");
    line(fmt::format("{} controls ({}): 95 % move the rate by at most {}, p {}.\n",
                     controls.at("n").dump(), plain(text(controls, "kind")),
                     number(controls.at("p95")), number(controls.at("p"))));
    if (!c.at("mediation").is_null())
      line("Share of the rate that goes: " + number(c["mediation"]) + ".\n");
    const Json& enough = c.at("sufficiency");
    if (enough.at("measured").get<bool>()) {
      table({"where it does not fail", "dose", "rate", "fall"});
      arm(enough.at("arm"));
      if (enough.contains("control")) arm(enough["control"]);
      end();
    } else {
      line("Sufficiency was not measured: " + plain(text(enough, "why")) + ".\n");
    }
    const Json& guard = c.at("guard");
    line(guard.at("measured").get<bool>()
             ? fmt::format("On speech ({} clips, {} words): word error rate {} before, rise {}, "
                           "emptied {}; no harm {}.\n",
                           guard.at("clips").dump(), guard.at("words").dump(),
                           estimate(guard.at("clean_wer")), estimate(guard.at("rise"), 4),
                           estimate(guard.at("emptied")),
                           guard.at("shown").get<bool>() ? "is shown" : "is not shown")
             : "The guard was not measured: " + plain(text(guard, "why")) + ".\n");
  }

  void circuit() {
    const Json& c = r_.at("circuit");
    if (!measured(c, "Circuit")) return;
    line(fmt::format("{} features of {}; {}. Asked: {}.\n", c.at("members").size(),
                     plain(text(c, "site")), plain(text(c, "kind")), plain(text(c, "metric"))));
    tests(c.at("tests"));
    table({"feature", "effect", "mean size", "fires in clips"});
    for (const Json& f : c.at("top"))
      row({f.at("index").dump(), estimate(f.at("effect")), estimate(f.at("magnitude")),
           f.at("clips").dump()});
    end();
  }

  void contexts() {
    const Json& c = r_.at("contexts");
    if (!measured(c, "Contexts")) return;
    for (const Json& one : c.at("comparisons")) line("- " + plain(text(one, "sentence")));
    end();
  }

  void multiverse() {
    const Json& m = r_.at("multiverse");
    if (!measured(m, "Analysis choices varied")) return;
    line(fmt::format("The verdict \"{}\" holds in a share of {} of {} analyses ({} computable).\n",
                     plain(text(m, "verdict_of_primary")), number(m.at("share_supporting"), 2),
                     m.at("n_specs").dump(),
                     m.contains("computable") ? m["computable"].dump() : "an unknown number"));
    for (const Json& axis : m.at("axes")) {
      out_ += "- " + plain(text(axis, "name")) + ":";
      for (size_t i = 0; i < axis.at("values").size(); ++i)
        out_ += (i > 0 ? "; " : " ") + plain(axis["values"][i].get<std::string>());
      end();
    }
    end();
  }

  void list(const std::string& title, const Json& items) {
    head(title);
    for (const Json& item : items) line("- " + plain(item.get<std::string>()));
    end();
  }

  void surfaces_table() {
    head("Where such fields are asked for");
    line(std::string(kSurfacesNote) + "\n");
    table({"field", "says", "could feed"});
    for (const Surface& one : surfaces())
      row({plain(one.field), plain(one.gives), plain(one.feeds)});
    end();
  }

  void provenance() {
    head("Made of");
    const Json& p = r_.at("provenance");
    table({"file", "SHA-256"});
    const auto files = [&](const Json& some) {
      for (const Json& file : some) row({plain(text(file, "name")), text(file, "sha256")});
    };
    files(p.at("model").at("files"));
    for (const Json& sae : p.at("saes")) files(sae.at("files"));
    files(p.at("data"));
    end();
    line(fmt::format("{} {}, seed {}, {} threads, {}, begun {}, {} s.", plain(text(p, "tool")),
                     plain(text(p.at("code"), "version")), p.at("seeds").at("all").dump(),
                     p.at("threads").dump(), plain(text(p.at("machine"), "cpu")),
                     plain(text(p, "started")), number(p.at("wall_s"), 0)));
  }

  const Json& r_;
  std::string out_;
};

}  // namespace

std::string markdown(const Json& record) { return Writer(record).run(); }

}  // namespace otoscope::audit
