#include "serve/example.h"

#include <algorithm>

#include "otoscope/audio/time.h"
#include "otoscope/audit/base64.h"
#include "otoscope/core/errors.h"
#include "serve/media.h"

namespace otoscope::serve {
namespace {

/// Punctuation that stands directly after the word before it.
bool closes(const std::string& word) {
  return word.find_first_not_of(".,;:!?)]%\"") == std::string::npos;
}

/// The clip's text; words that overlap the firing around the peak are marked.
void write_text(Html& html, const Example& example, const std::vector<TimedWord>* words) {
  html.open("span", {{"class", "words"}});
  if (words == nullptr || words->empty()) {
    html.text(example.text.empty() ? "(no text)" : example.text);
  } else {
    const double peak = audio::seconds_of({example.frame});
    bool first = true;
    for (const TimedWord& word : *words) {
      if (!first && !closes(word.word)) html.text(" ");
      first = false;
      const bool under = word.start_s <= peak + 0.5 * audio::kFrameSeconds &&
                         peak - 0.5 * audio::kFrameSeconds <= word.end_s;
      if (under)
        html.leaf("mark", word.word);
      else
        html.text(word.word);
    }
  }
  html.close();
}

/// Picture (with what lies over it) and player.
void write_media(Html& html, const Media& media, const std::string& overlay) {
  html.open("div", {{"class", "picture"}, {"title", "click to play"}});
  html.single("img", {{"alt", "spectrogram"},
                      {"loading", "lazy"},
                      {"src", "data:image/png;base64," + audit::to_base64(media.spectrogram)}});
  html.raw(overlay);
  html.leaf("span", "", {{"class", "cursor"}});
  html.close();
  html.open("audio", {{"controls", ""},
                      {"preload", "none"},
                      {"src", "data:audio/mpeg;base64," + audit::to_base64(media.mp3)}})
      .close();
}

}  // namespace

void write_example(Html& html, const Example& example, const std::vector<TimedWord>* words,
                   const Document& facts, const std::string& pointer) {
  const Media media = media_of(example);
  html.open("figure", {{"class", "example"}});
  write_media(html, media, activation_overlay(example));
  html.open("figcaption");
  write_text(html, example, words);
  html.raw("<br>")
      .text(example.language + " · ")
      .text(example.kind == "top" ? "strongest" : example.kind)
      .text(" · peak ");
  html.raw(bound(facts, pointer + "/value", "short"))
      .text(" at ")
      .raw(bound(facts, pointer + "/peak_s", "fixed2"))
      .text(" s · ");
  html.text(example.name).text(" (" + example.split + ")");
  html.close().close();
}

int64_t players_in(std::string_view page) {
  constexpr std::string_view kPlayer = "<audio ";
  int64_t players = 0;
  for (size_t at = page.find(kPlayer); at != std::string_view::npos;
       at = page.find(kPlayer, at + 1))
    ++players;
  return players;
}

void write_sound(Html& html, const Sound& sound, Progress& progress) {
  try {
    write_media(
        html, media_of(sound.path, sound.offset_s, std::min(sound.duration_s, kLongestSound)), "");
  } catch (const UserError& error) {
    progress.note(std::string("a sound is left out: ") + error.what());
  }
}

}  // namespace otoscope::serve
