#include "otoscope/audio/labels.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support/errors.h"

using namespace otoscope;
using audio::LabelKind;
using testing::error_of;

namespace {

audio::ClipLabels clip(LabelKind kind, std::vector<audio::Label> labels) {
  audio::ClipLabels made{"c", 1, {}};
  made.tracks.push_back({kind, "hand", 1, 0, 1, std::move(labels)});
  return made;
}
std::string refusal(LabelKind kind, std::vector<audio::Label> labels) {
  auto made = clip(kind, std::move(labels));
  return error_of([&] { audio::check_labels("x", made); });
}

}  // namespace

TEST_CASE("a kind of label has one spelling, and a wrong one is answered with the nearest") {
  for (int k = 0; k < audio::kLabelKinds; ++k) {
    const auto kind = static_cast<LabelKind>(k);
    CHECK(audio::label_kind_named("x", audio::label_kind_name(kind)) == kind);
  }
  CHECK(error_of([] { audio::label_kind_named("--kinds", "phones"); }) ==
        "[--kinds] expected a kind of label, got \"phones\". Hint: nearest: phone, phone_class, "
        "word.");
}

TEST_CASE("labels that cannot be are refused with the label and what is wrong with it") {
  CHECK(refusal(LabelKind::word, {{.5, .4, "a"}}) ==
        "[x] word \"a\" from 0.500 to 0.400 s ends before it starts. Hint: mend the label file.");
  CHECK(refusal(LabelKind::word, {{0, .5, "a"}, {.4, .6, "b"}}) ==
        "[x] word \"b\" from 0.400 to 0.600 s overlaps the one before it, which ends at 0.500 s. "
        "Hint: mend the label file.");
  CHECK(refusal(LabelKind::meaning, {{.5, .6, "a"}, {.4, .6, "b"}}) ==
        "[x] meaning \"b\" from 0.400 to 0.600 s starts before the one before it (0.500 s). Hint: "
        "mend the label file.");
  CHECK(refusal(LabelKind::word, {{.5, 1.05, "a"}}) ==
        "[x] word \"a\" from 0.500 to 1.050 s ends past the clip (1.000 s). Hint: mend the label "
        "file.");
  CHECK(refusal(LabelKind::word, {{-.1, .5, "a"}}).find("is not inside the clip") !=
        std::string::npos);
  CHECK(refusal(LabelKind::word, {{0, NAN, "a"}}).find("is not inside the clip") !=
        std::string::npos);
  for (const double quality : {-0.1, 1.1, static_cast<double>(NAN)}) {
    auto made = clip(LabelKind::word, {});
    made.tracks[0].quality = quality;
    CHECK(error_of([&] {
            audio::check_labels("x", made);
          }).find("expected a quality from 0 to 1") != std::string::npos);
  }
  auto made = clip(LabelKind::word, {});
  made.tracks[0].known_from = .6, made.tracks[0].known_to = .5;
  CHECK(error_of([&] {
          audio::check_labels("x", made);
        }).find("to be known from a time to a later") != std::string::npos);
}

TEST_CASE("labels that hold at once may overlap, and what ends a frame late is cut") {
  auto made = clip(LabelKind::phone_class, {{0, .5, "vowel"}, {0, .5, "voiced"}, {.9, 1.019, "x"}});
  made.tracks[0].known_to = 1.5;
  audio::check_labels("x", made);
  CHECK(made.tracks[0].labels.back().end == 1.0);
  CHECK(made.tracks[0].known_to == 1.0);
  CHECK(made.find(LabelKind::phone_class) == &made.tracks[0]);
  CHECK(made.find(LabelKind::phone) == nullptr);
}
