#include "cli/verb.h"

namespace otoscope::cli {

// One line per verb here, one in verbs(); the body is in the file of its name.
std::unique_ptr<Verb> make_models();
std::unique_ptr<Verb> make_data();
std::unique_ptr<Verb> make_transcribe();
std::unique_ptr<Verb> make_extract();
std::unique_ptr<Verb> make_eval();
std::unique_ptr<Verb> make_label();
std::unique_ptr<Verb> make_train();
std::unique_ptr<Verb> make_encode();
std::unique_ptr<Verb> make_convert();
std::unique_ptr<Verb> make_describe();
std::unique_ptr<Verb> make_stability();
std::unique_ptr<Verb> make_crosslingual();
std::unique_ptr<Verb> make_decompose();
std::unique_ptr<Verb> make_steer();
std::unique_ptr<Verb> make_suppress();
std::unique_ptr<Verb> make_trace();
std::unique_ptr<Verb> make_contexts();
std::unique_ptr<Verb> make_audit();
std::unique_ptr<Verb> make_report();
std::unique_ptr<Verb> make_demo();
std::unique_ptr<Verb> make_bench();
std::unique_ptr<Verb> make_version();

const std::vector<VerbEntry>& verbs() {
  static const std::vector<VerbEntry> all = {
      {"models", "known checkpoints: list, fetch and verify, show their sites", make_models},
      {"data", "corpora that can be fetched, each written as a manifest", make_data},
      {"transcribe", "text, language and word times of audio files", make_transcribe},
      {"extract", "activations of one or many sites, from one pass over a corpus", make_extract},
      {"label", "what is known of each clip over time: phones, words, parts of speech, pitch, ...",
       make_label},
      {"eval", "is an SAE faithful? beside its controls, and in the model's place", make_eval},
      {"train", "one sparse autoencoder, or a grid in one pass over the activations", make_train},
      {"encode", "sparse codes of activations", make_encode},
      {"convert", "an SAE or a model in another format", make_convert},
      {"describe", "what each feature hears, into features.sqlite; --find searches it",
       make_describe},
      {"stability", "do other seeds find the same features? beside chance and controls",
       make_stability},
      {"crosslingual", "what features share between languages, and whether translations look alike",
       make_crosslingual},
      {"decompose", "which features share a neuron or a direction, and how much purer they are",
       make_decompose},
      {"steer", "dose and response of an edit, of a language or of a phone, beside controls",
       make_steer},
      {"suppress", "text where nobody speaks: how often, what foretells it, what stops it",
       make_suppress},
      {"trace", "the exact graph from audio to one output token, through transcoders", make_trace},
      {"contexts", "can two sets of recordings be told apart, by what, and does it matter",
       make_contexts},
      {"audit", "a signed record of how often a model fails, and through which features",
       make_audit},
      {"report", "one HTML file that works without a network", make_report},
      {"demo", "all of it on real speech with a real Whisper, from nothing to a report", make_demo},
      {"bench", "how fast this program is on this machine", make_bench},
      {"version", "version, build and CPU level of this program", make_version},
  };
  return all;
}

}  // namespace otoscope::cli
