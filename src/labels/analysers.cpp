#include "otoscope/labels/analysers.h"

#include <algorithm>

#include <fmt/format.h>

#include "labels/apertium_run.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/private_folder.h"
#include "otoscope/io/process.h"

namespace otoscope::labels {
namespace {

namespace fs = std::filesystem;

struct Analyser {
  std::string_view language, own_code, package;
  std::string_view automaton, grammar, tagger;  // files; grammar and tagger may be missing
  bool restore_accents;  // many texts are written without them, which no dictionary knows
};

// Russian's tagger of this package ends apertium-tagger by a failed assertion, so its words keep
// what the grammar leaves.
constexpr Analyser kAnalysers[] = {
    {"en", "eng", "apertium-eng-spa", "eng-spa.automorf.bin", "", "eng-spa.prob", false},
    {"es", "spa", "apertium-eng-spa", "spa-eng.automorf.bin", "", "spa-eng.prob", true},
    {"fr", "fra", "apertium-fra-cat", "fra-cat.automorf.bin", "fra-cat.rlx.bin", "fra-cat.prob",
     true},
    {"it", "ita", "apertium-cat-ita", "ita-cat.automorf.bin", "ita-cat.rlx.bin", "ita-cat.prob",
     true},
    {"ru", "rus", "apertium-bel-rus", "rus-bel.automorf.bin", "rus-bel.rlx.bin", "", false}};

constexpr std::string_view kAccents = R"(<?xml version="1.0" encoding="UTF-8"?>
<restore-chars>
<char value="a"><restore-char value="á"/><restore-char value="à"/><restore-char value="â"/></char>
<char value="c"><restore-char value="ç"/></char>
<char value="e"><restore-char value="é"/><restore-char value="è"/><restore-char value="ê"/></char>
<char value="i"><restore-char value="í"/><restore-char value="ì"/><restore-char value="î"/></char>
<char value="n"><restore-char value="ñ"/></char>
<char value="o"><restore-char value="ó"/><restore-char value="ò"/><restore-char value="ô"/></char>
<char value="u"><restore-char value="ú"/><restore-char value="ù"/><restore-char value="û"/></char>
</restore-chars>
)";

const Analyser* analyser_of(std::string_view language) {
  const auto* const found =
      std::find_if(std::begin(kAnalysers), std::end(kAnalysers),
                   [&](const Analyser& one) { return one.language == language; });
  return found == std::end(kAnalysers) ? nullptr : found;
}

fs::path folder_of(const Analyser& analyser) { return apertium_folder(analyser.package); }

/// One line, without the characters that mean something in the stream, and closed: no multiword
/// reaches into the next text.
std::string plain_line(std::string_view text) {
  std::string line(text);
  for (char& c : line)
    if (std::string_view("\\[]{}^$/<>@\n\r\t").find(c) != std::string_view::npos || c == '\0')
      c = ' ';
  return line + " .\n";
}

}  // namespace

std::string analyser_package(std::string_view language) {
  const Analyser* const analyser = analyser_of(language);
  return analyser == nullptr ? "" : std::string(analyser->package);
}

std::string analyser_missing(std::string_view language) {
  const Analyser* const analyser = analyser_of(language);
  if (analyser == nullptr)
    return fmt::format("no analyser of \"{}\" is known (en, es, fr, it, ru are)", language);
  std::error_code error;
  bool there = fs::exists(folder_of(*analyser) / analyser->automaton, error);
  for (const char* program : {"lt-proc", "cg-proc", "apertium-tagger"})
    there = there && (std::string_view(program) != "cg-proc" || !analyser->grammar.empty()
                          ? !io::find_program(program).empty()
                          : true);
  return there ? ""
               : fmt::format("words of \"{}\" are not analysed: apt-get install {}", language,
                             analyser->package);
}

std::string analyser_source(std::string_view language) {
  const Analyser* const analyser = analyser_of(language);
  OTO_ASSERT(analyser != nullptr);
  return fmt::format("apertium {}{}", analyser->own_code,
                     analyser->tagger.empty() ? "" : " + tagger");
}

std::vector<std::vector<Token>> analyse(std::string_view language,
                                        std::span<const std::string> texts) {
  if (const std::string missing = analyser_missing(language); !missing.empty())
    throw UserError("apertium", missing);
  const Analyser& analyser = *analyser_of(language);
  const fs::path folder = folder_of(analyser);
  const io::PrivateFolder aside("analyse");
  std::string input;
  for (const std::string& text : texts) input += plain_line(text);
  io::write_file(aside / "texts", input);

  std::vector<std::string> analysis = {"lt-proc", "-w"};
  if (analyser.restore_accents) {
    io::write_file(aside / "accents.rcx", kAccents);
    analysis.insert(analysis.end(), {"-r", (aside / "accents.rcx").string()});
  }
  analysis.insert(analysis.end(), {(folder / analyser.automaton).string(),
                                   (aside / "texts").string(), (aside / "analysed").string()});
  io::run_process_checked(analysis);
  fs::path last = aside / "analysed";
  if (!analyser.grammar.empty()) {
    io::run_process_checked({"cg-proc", "-w", (folder / analyser.grammar).string(), last.string(),
                             (aside / "narrowed").string()});
    last = aside / "narrowed";
  }
  if (!analyser.tagger.empty()) {
    io::run_process_checked({"apertium-tagger", "-p", "-g", (folder / analyser.tagger).string(),
                             last.string(), (aside / "tagged").string()});
    last = aside / "tagged";
  }

  auto tokens = read_stream(last);
  if (tokens.size() != texts.size())
    throw UserError("apertium",
                    fmt::format("expected {} lines from it, got {}", texts.size(), tokens.size()));
  return tokens;
}

}  // namespace otoscope::labels
