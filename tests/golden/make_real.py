"""Writes real/: what openai-whisper makes of Debian's prompts with whisper-base and tiny.en. Tokens and samples only.

    make_real.py PROMPTS BASE TINY_EN [PART…]     PART: window transcribe sites

PROMPTS: the packages asterisk-core-sounds-{en,es,fr,it,ru}[-g722] unpacked with dpkg-deb -x into one folder.
BASE, TINY_EN: CTranslate2 folders (`otoscope models get`, or design.md, "Real parts")."""

import hashlib
import sys

import numpy as np
import torch
import whisper
import whisper.decoding

import forward
import peer_whisper
from common import HERE, Margins, save_json, save_json_list, versions
from whisper.audio import log_mel_spectrogram, pad_or_trim

torch.set_num_threads(2)
RULE = ("id = language/path without extension, of prompts whose text is not empty and does not start with [ ( or <, and not under "
        "silence/; the first n of a language by SHA-256 hex of the id; audio = ffmpeg -f g722 -i FILE -ac 1 -ar 16000 -f s16le")


def head(**extra):
    return {"made_by": "make_real.py", "versions": versions("openai-whisper", "torch"), "rule": RULE, **extra}


def sha(pcm):
    return hashlib.sha256(pcm.tobytes()).hexdigest()


def decode_window(model, name, file, text, language):
    pcm = peer_whisper.pcm_of(file)
    mel = log_mel_spectrogram(pad_or_trim(torch.from_numpy(peer_whisper.audio_of(pcm))), model.dims.n_mels)
    with Margins() as margins:
        result = whisper.decode(model, mel, whisper.DecodingOptions(language=language, fp16=False))
    return {"id": name, "language": language, "pcm_sha256": sha(pcm), "samples": len(pcm), "reference": text, "tokens": result.tokens,
            "text": result.text, "avg_logprob": round(result.avg_logprob, 6), "no_speech_prob": float(f"{result.no_speech_prob:.6g}"),
            "compression_ratio": round(result.compression_ratio, 6), "margins": margins.seen[:len(result.tokens) + 1]}


def write_window(root, base, tiny):
    items = []
    for language in peer_whisper.LANGUAGES:
        for name, (file, text) in peer_whisper.chosen(root, language, 20).items():
            items.append(decode_window(base, name, file, text, language))
        print(language, len(items), flush=True)
    options = "whisper.decode(log_mel(pad_or_trim(x)), DecodingOptions(language=language, fp16=False))"
    save_json_list(HERE / "real/window_tokens.json", head(model="whisper-base", n_per_language=20, call=options), "items", items)
    items = [decode_window(tiny, name, file, text, "en") for name, (file, text) in peer_whisper.chosen(root, "en", 10).items()]
    save_json_list(HERE / "real/window_tokens_tiny_en.json", head(model="whisper-tiny.en", n_per_language=10, call=options), "items", items)


def transcribe(model, pcm, words, language=None):
    windows, decode = [], type(model).decode

    def watched(*arguments, **options):
        with Margins() as margins:
            out = decode(model, *arguments, **options)
        windows.append({"tokens": len(out.tokens), "min_margin": min(margins.seen[:len(out.tokens) + 1])})
        return out

    model.decode = watched
    result = whisper.transcribe(model, peer_whisper.audio_of(pcm), temperature=0, condition_on_previous_text=False,
                                word_timestamps=words, fp16=False, language=language)
    del model.decode
    segments = []
    for s in result["segments"]:
        segments.append({"seek": s["seek"], "start": round(s["start"], 3), "end": round(s["end"], 3), "tokens": s["tokens"], "text": s["text"],
                         "avg_logprob": round(s["avg_logprob"], 5), "no_speech_prob": float(f"{s['no_speech_prob']:.5g}"),
                         "compression_ratio": round(s["compression_ratio"], 5)})
        if words:
            segments[-1]["words"] = [[w["word"], round(float(w["start"]), 3), round(float(w["end"]), 3), round(float(w["probability"]), 4)]
                                     for w in s["words"]]
    return {"language": result["language"], "text": result["text"], "windows": windows, "segments": segments}


def write_transcribe(root, base, tiny):
    counts = {"en": 4, "es": 2, "fr": 2, "it": 2, "ru": 2}
    clips = []  # (name, ids, gap in samples)
    by_id = {}
    for language, n in counts.items():
        found = peer_whisper.chosen(root, language, 60)
        by_id.update(found)
        longest = sorted(list(found)[:40], key=lambda name: (-found[name][0].stat().st_size, name))
        clips += [(name, [name], 0) for name in longest[:n]]
    english = list(peer_whisper.chosen(root, "en", 60))
    russian = list(peer_whisper.chosen(root, "ru", 60))
    clips.append(("joined-en", english[:26], 8000))
    clips.append(("joined-en-sparse", english[26:36], 12 * 16000))  # long gaps: windows without speech
    clips.append(("joined-ru", russian[:20], 4000))
    items = []
    for name, ids, gap in clips:
        parts = []
        for i in ids:
            parts += [peer_whisper.pcm_of(by_id[i][0]), np.zeros(gap, np.int16)]
        pcm = np.concatenate(parts[:-1])
        item = {"name": name, "ids": ids, "gap_samples": gap, "pcm_sha256": sha(pcm), "samples": len(pcm),
                "plain": transcribe(base, pcm, False), "words": transcribe(base, pcm, True)}
        if name in ("joined-en", clips[0][0]):
            item["tiny_en_plain"] = transcribe(tiny, pcm, False, "en")
            item["tiny_en_words"] = transcribe(tiny, pcm, True, "en")
        print(name, len(pcm) / 16000, item["plain"]["language"], item["plain"]["text"][:80], flush=True)
        items.append(item)
    save_json_list(HERE / "real/transcribe.json", head(
        model="whisper-base", call="whisper.transcribe(x, temperature=0, condition_on_previous_text=False, word_timestamps=…, fp16=False)",
        words="[word, start, end, probability]", joined="prompts in order with gap_samples of zeros between"), "items", items)


def sample(value, name, n=16):
    """n coordinates by a seed made of the name, and the finite Frobenius norm and mean of the whole. No batch axis."""
    value = value[0]
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    g = np.random.default_rng(seed)
    at = [[int(g.integers(0, s)) for s in value.shape] for _ in range(n)]
    if name.startswith("decoder.") and name.endswith(".attn_scores") or name.endswith(".attn_pattern") and name.startswith("decoder."):
        at = [[h, max(i, j), min(i, j)] for h, i, j in at]  # below the mask
    finite = value[torch.isfinite(value)]
    return {"shape": list(value.shape), "norm": finite.norm().item(), "mean": finite.mean().item(), "at": at,
            "value": [float(f"{value[tuple(i)].item():.9g}") for i in at]}


def write_sites(root, base):
    torch.manual_seed(0)
    params = forward.params_of(base)
    tokenizer = whisper.tokenizer.get_tokenizer(True, language="en", task="transcribe")
    out = head(model="whisper-base", axes="no batch axis; (T, d), (T), (heads, T, 64), (heads, T, S); encoder.mel (frames, mels)",
               precision="computed in float64 from the fp16 weights")
    items = []
    for name, (file, text) in list(peer_whisper.chosen(root, "en", 2).items()):
        pcm = peer_whisper.pcm_of(file)
        mel = log_mel_spectrogram(pad_or_trim(torch.from_numpy(peer_whisper.audio_of(pcm))))[None]
        tokens = torch.tensor([list(tokenizer.sot_sequence_including_notimestamps) + tokenizer.encode(" " + text.strip())])
        g = np.random.default_rng(len(items))
        item = {"id": name, "pcm_sha256": sha(pcm), "tokens": tokens[0].tolist()}
        with torch.no_grad():
            audio = base.embed_audio(mel)
            logits = base.logits(tokens, audio)
            trace = forward.run(params, base.dims, mel.double(), tokens)
        for key, got in (("encoder.out", audio), ("logits", logits)):
            diff = ((trace[key] - got).norm() / got.norm()).item()
            assert diff < 2e-5, (key, diff)
            item["relative_difference_fp32_" + key] = diff
        item["encoder.out"] = sample(trace["encoder.out"], "20 of encoder.out", 20)
        item["encoder.out"]["std"] = trace["encoder.out"].std(correction=0).item()
        if not items:
            item["sites"] = {site: sample(value, site) for site, value in trace.items()}
            del trace
            item["gradients"] = {}
            n, reads = tokens.shape[1], {}
            reads["logits"] = [[int(g.integers(3, n)), int(g.integers(0, 50257)), round(float(g.standard_normal()), 3)] for _ in range(8)]
            reads["encoder.out"] = [[int(g.integers(0, 200)), int(g.integers(0, 512)), round(float(g.standard_normal()), 3)] for _ in range(8)]
            item["cotangents"] = reads
            for key, read, frozen in (("a", "encoder.out", ()), ("b", "logits", ()), ("c", "logits", ("patterns", "norms", "gates"))):
                trace = forward.run(params, base.dims, mel.double(), tokens if read == "logits" else None, frozen, grad=True)
                sum(c * trace[read][0, i, j] for i, j, c in reads[read]).backward()
                item["gradients"][key] = {site: sample(value.grad, f"{key}/{site}") for site, value in trace.items()
                                          if site != read and value.grad is not None and value.grad.any()}
                del trace
        items.append(item)
        print(name, "done", flush=True)
    save_json_list(HERE / "real/base_sites.json", {**out, "sampled": "at = coordinates, value = values there, norm and mean of the whole (finite) tensor",
                                                   "cotangents": "[position, index, weight] entries; the read scalar is the sum of weight * value",
                                                   "gradients": "a: read encoder.out; b: read logits; c: read logits with patterns, norms and MLP gates frozen"},
                   "items", items)


def main():
    root, base, tiny, *parts = sys.argv[1:]
    base, tiny = peer_whisper.load(base), peer_whisper.load(tiny)
    parts = parts or ["window", "transcribe", "sites"]
    if "window" in parts:
        write_window(root, base, tiny)
    if "transcribe" in parts:
        write_transcribe(root, base, tiny)
    if "sites" in parts:
        write_sites(root, base)


if __name__ == "__main__":
    main()
