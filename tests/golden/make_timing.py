"""Writes timing/: word times of whisper-nano, and the pieces they are made of, by openai-whisper's timing module. See README.md."""

import numpy as np
import torch
from whisper import timing

import nano
from common import HERE, chirp, save_json_list, versions
from whisper.audio import log_mel_spectrogram

torch.set_num_threads(1)


def head():
    return {"made_by": "make_timing.py", "versions": versions("openai-whisper", "torch", "numba")}


def model_and_mels():
    model = nano.with_alignment_heads(nano.build())
    return model, [log_mel_spectrogram(torch.from_numpy(chirp(seed, 2.0).astype(np.float32) / 32768)) for seed in (0, 1)]


def write_words():
    model, mels = model_and_mels()
    tokenizer = nano.tokenizer("en")
    items = []
    for item, text, frames in ((0, " it's the and, you of to.", 200), (1, " señor “100%” (a)!", 200), (0, " the and you of", 121), (1, " 1. 2. 3.", 64)):
        tokens = tokenizer.encode(text)
        words = timing.find_alignment(model, tokenizer, tokens, mels[item], frames)
        raw = [[w.word, w.tokens, float(w.start), float(w.end), float(w.probability)] for w in words]
        segments = [{"seek": 300, "start": 3.0, "end": 5.0, "tokens": tokens}]
        timing.add_word_timestamps(segments=segments, model=model, tokenizer=tokenizer, mel=mels[item], num_frames=frames, last_speech_timestamp=2.5)
        s = segments[0]
        items.append({"mel": item, "text": text, "tokens": tokens, "num_frames": frames, "alignment": raw,
                      "segment": {"start": float(s["start"]), "end": float(s["end"]),
                                  "words": [[w["word"], float(w["start"]), float(w["end"]), float(w["probability"])] for w in s["words"]]}})
    save_json_list(HERE / "timing/nano_words.json", head(), "items", items)


def write_pieces():
    g = np.random.default_rng(3)
    dtw = []
    for n, m in ((1, 1), (1, 6), (5, 1), (3, 7), (7, 3), (6, 12), (10, 10)):
        for kind in range(3):
            x = g.standard_normal((n, m)) if kind == 0 else g.integers(-2, 3, (n, m)).astype(float)  # integers make ties
            text, time = timing.dtw_cpu(x)
            dtw.append({"cost": x.tolist(), "rows": [int(v) for v in text], "columns": [int(v) for v in time]})
    save_json_list(HERE / "timing/dtw.json", head(), "cases", dtw)
    median = []
    for n in (1, 2, 3, 4, 8, 15, 40):
        for width in (3, 7):
            x = torch.from_numpy(g.integers(-9, 10, (2, n)).astype(np.float32))
            median.append({"width": width, "in": x.tolist(), "out": timing.median_filter(x, width).tolist()})
    save_json_list(HERE / "timing/median_filter.json", head(), "cases", median)


if __name__ == "__main__":
    write_words()
    write_pieces()
