#include "serve/heard_sounds.h"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "serve/bound_table.h"
#include "serve/example.h"

namespace otoscope::serve {
namespace {

constexpr size_t kSilenced = 8, kLeftOver = 4, kSpeech = 4;

void write_said(Html& html, const char* when, const std::string& text) {
  html.open("span", {{"class", "said"}}).text(when);
  if (text.empty())
    html.leaf("span", "nothing", {{"class", "none"}});
  else
    html.leaf("span", "“" + text + "”", {{"class", "words"}});
  html.close();
}

void write_window(Html& html, const Document& result, const std::string& pointer,
                  Progress& progress) {
  const io::Json& window = result.json->at(io::Json::json_pointer(pointer));
  html.open("figure", {{"class", "example"}});
  write_sound(html,
              {text_at(window, "path"), window.at("offset_s").get<double>(),
               window.at("duration_s").get<double>()},
              progress);
  html.open("figcaption");
  if (window.contains("reference")) write_said(html, "said: ", text_at(window, "reference"));
  write_said(html, "without the recipe: ", text_at(window, "before"));
  write_said(html, "with it: ", text_at(window, "after"));
  html.open("span", {{"class", "said soft"}}).text(text_at(window, "kind"));
  html.text(text_at(window, "kind").empty() ? "no-speech token " : " · no-speech token ")
      .raw(bound(result, pointer + "/no_speech", "fixed2"));
  html.text(" · " + text_at(window, "id"));
  if (!text_at(window, "licence").empty()) html.text(" · " + text_at(window, "licence"));
  html.close().close().close();
}

void write_group(Html& html, const Document& result, const std::string& title,
                 const std::vector<std::string>& pointers, Progress& progress) {
  if (pointers.empty()) return;
  html.leaf("h4", title).open("div", {{"class", "examples"}});
  for (const std::string& pointer : pointers) write_window(html, result, pointer, progress);
  html.close();
}

}  // namespace

void write_heard_sounds(Html& html, const Document& result, Progress& progress) {
  if (!result.json->contains("heard")) return;
  const io::Json& heard = result.json->at("heard");
  // Each text once first: "you" a hundred times teaches less than a hundred texts.
  std::vector<std::string> silenced, left, speech;
  for (const bool again : {false, true}) {
    std::set<std::string> texts;
    for (size_t i = 0; i < heard.at("sounds").size(); ++i) {
      const io::Json& window = heard["sounds"][i];
      if (!window.at("wrote").get<bool>()) continue;
      if (texts.insert(text_at(window, "before")).second == again) continue;
      std::vector<std::string>& group = window.at("writes").get<bool>() ? left : silenced;
      if (group.size() < (&group == &left ? kLeftOver : kSilenced))
        group.push_back("/heard/sounds/" + std::to_string(i));
    }
  }
  const size_t changed = heard.at("speech_changed").size();
  for (size_t i = 0; i < std::min(kSpeech, changed); ++i)
    speech.push_back("/heard/speech_changed/" + std::to_string(i));
  write_group(html, result, "Sounds that get text, silenced by the recipe", silenced, progress);
  write_group(html, result, "Sounds that keep text under the recipe", left, progress);
  write_group(html, result, "Speech that the recipe changed", speech, progress);
  if (changed == 0)
    html.open("p")
        .text("The recipe changed no text of the ")
        .raw(bound(result, "/speech/test/windows", "count"))
        .text(" test clips of speech.")
        .close();
}

}  // namespace otoscope::serve
