#pragma once
/// Do two words sound alike? By the classes of their consonants, so that "conference" and
/// "conferenza" do: a feature of both may hear a sound where it seems to hear a meaning.

#include <string>
#include <string_view>

namespace otoscope::features {

/// Consonants of IPA as classes, vowels dropped (after Dolgopolsky 1964): labials P, dental and
/// retroflex stops T, sibilants and affricates S, velars and further back K, m M, other nasals and
/// nasal vowels N, liquids and r of any kind R; glides and h count as vowels.
std::string sound_skeleton(std::string_view ipa);

/// At most half of the longer skeleton has to be edited. Words without consonants are alike; so
/// are many short ones: it errs towards alike.
bool sound_alike(std::string_view skeleton_a, std::string_view skeleton_b);

}  // namespace otoscope::features
