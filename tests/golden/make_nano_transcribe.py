"""Writes whisper_nano_transcribe.json and whisper_nano_long.safetensors: whisper.transcribe itself on whisper-nano, over several of
its 2 s windows. See README.md."""

import numpy as np
import torch
import whisper

import nano
from common import HERE, Margins, chirp, save_json_list, save_safetensors, versions
from make_nano import SUPPRESS

torch.set_num_threads(1)
FIRST = nano.ID["<|0.00|>"]
# nano would emit times up to 30 s; only those inside its window are allowed
SUPPRESSED = SUPPRESS[:23] + list(range(FIRST + 101, FIRST + 1501))

FEW = 305  # of 316 text ids


def main():
    nano.adapt_openai_whisper()
    model = nano.with_alignment_heads(nano.build())
    pcm = {
        "long": np.concatenate([chirp(21, 1.3), chirp(22, 2.9), chirp(23, 1.7) // 30, chirp(24, 2.11)]),
        "short": chirp(25, 0.83),
        "exact": chirp(26, 4.0),
    }
    variants = {
        "plain": dict(language="en"),
        "detect": dict(),
        "words": dict(language="en", word_timestamps=True),
        "previous_text": dict(language="en", condition_on_previous_text=True),
        "initial_prompt": dict(language="en", initial_prompt="the and"),
        "translate": dict(language="de", task="translate"),
        "no_timestamps": dict(language="en", without_timestamps=True),
        "strict": dict(language="en", logprob_threshold=-0.9, no_speech_threshold=1e-5),  # windows are skipped
        "beam": dict(language="en", beam_size=3),
        # few words are left, so that timestamps win more often: several segments a window
        "sparse": dict(language="en", suppress_text=FEW),
        "sparse_words": dict(language="en", suppress_text=FEW, word_timestamps=True),
    }
    items = []
    for clip, x in pcm.items():
        for name, options in variants.items():
            if clip != "long" and name not in ("plain", "words"):
                continue
            margins, decode = [], nano.Nano.decode

            def watched(segment, decoding_options):
                with Margins() as m:
                    out = decode(model, segment, decoding_options)
                margins.append(min(m.seen[:len(out.tokens) + 1], default=None))
                return out

            model.decode = watched
            call = {"temperature": 0, "condition_on_previous_text": False, **options}
            suppressed = SUPPRESSED + list(range(call.pop("suppress_text", 0)))
            result = whisper.transcribe(model, x.astype(np.float32) / 32768, fp16=False, suppress_tokens=suppressed, **call)
            del model.decode
            segments = []
            for s in result["segments"]:
                segments.append({"seek": s["seek"], "start": round(s["start"], 3), "end": round(s["end"], 3), "tokens": s["tokens"],
                                 "avg_logprob": round(s["avg_logprob"], 5), "no_speech_prob": float(f"{s['no_speech_prob']:.5g}"),
                                 "compression_ratio": round(s["compression_ratio"], 5)})
                if "words" in s:
                    segments[-1]["words"] = [[w["word"], round(float(w["start"]), 3), round(float(w["end"]), 3), float(f"{w['probability']:.4g}")]
                                             for w in s["words"]]
            items.append({"clip": clip, "variant": name, "options": options, "language": result["language"], "text": result["text"],
                          "window_min_margins": margins, "segments": segments})
            print(clip, name, result["language"], len(margins), [(s["seek"], s["start"], s["end"], len(s["tokens"])) for s in segments],
                  min((m for m in margins if m is not None), default=None))
    save_safetensors(HERE / "whisper_nano_long.safetensors", {name: torch.from_numpy(x) for name, x in pcm.items()})
    save_json_list(HERE / "whisper_nano_transcribe.json", {
        "made_by": "make_nano_transcribe.py", "versions": versions("openai-whisper", "torch"),
        "call": "whisper.transcribe(x, temperature=0, condition_on_previous_text=False, fp16=False, suppress_tokens=…, **options) with windows of 2 s",
        "suppress_tokens": f"{SUPPRESS[:23]} and every timestamp over 2.00 s (ids {FIRST + 101}..{FIRST + 1500}), besides the usual specials"}, "items", items)


if __name__ == "__main__":
    main()
