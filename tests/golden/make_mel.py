"""Writes mel/: generated PCM and openai-whisper's log-mel of it. See README.md."""

import numpy as np
import torch
from whisper.audio import N_SAMPLES, log_mel_spectrogram, pad_or_trim

from common import HERE, chirp, save_json, save_safetensors, versions

torch.set_num_threads(1)
HEAD, TAIL = 350, 5


def clips():
    speechlike = chirp(5, 3.0)
    g = np.random.default_rng(11)
    step = np.concatenate([chirp(6, 1.0), chirp(7, 1.0) // 400])  # loud, then nearly silent: the floor matters
    return {
        "chirp": speechlike,
        "short": chirp(8, 0.05),
        "odd": chirp(9, 0.5)[:7777],  # not a multiple of the hop
        "one": np.array([12345], dtype=np.int16),
        "zeros": np.zeros(4000, dtype=np.int16),
        "step": step.astype(np.int16),
        "clipped": np.where(g.standard_normal(3200) > 0, 32767, -32768).astype(np.int16),
    }


def main():
    tensors, stats = {}, {}
    for name, pcm in clips().items():
        tensors[f"pcm/{name}"] = torch.from_numpy(pcm)
        x = torch.from_numpy(pcm.astype(np.float32) / 32768)
        for mels in (80, 128) if name in ("chirp", "zeros") else (80,):
            kinds = {"window": log_mel_spectrogram(pad_or_trim(x), mels)}
            if len(x) >= 400:  # reflect padding needs more than 200 samples
                kinds["raw"] = log_mel_spectrogram(x, mels)
            if name in ("chirp", "step") and mels == 80:
                # the long-form path: one maximum over file + 30 s of zeros; frames of the file only
                kinds["file"] = log_mel_spectrogram(x, mels, padding=N_SAMPLES)
            for kind, value in kinds.items():
                key = f"{name}/{kind}{mels}"
                head = HEAD if key == "chirp/window80" else 120 if name == "step" else 50
                frames = min(head, value.shape[1], len(x) // 160 + 20)
                tensors[f"{key}/head"] = value[:, :frames].contiguous()
                tensors[f"{key}/tail"] = value[:, -TAIL:].contiguous()
                v = value.double()
                stats[key] = {"frames": value.shape[1], "mean": v.mean().item(), "std": v.std(correction=0).item(),
                              "min": v.min().item(), "max": v.max().item(), "norm": v.norm().item()}
    save_safetensors(HERE / "mel/mel.safetensors", tensors)
    save_json(HERE / "mel/stats.json", {"made_by": "make_mel.py", "versions": versions("openai-whisper", "torch"), "stats": stats}, indent=1)


if __name__ == "__main__":
    main()
