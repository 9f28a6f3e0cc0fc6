"""openai-whisper's model from a CTranslate2 folder, and Debian's prompts as float audio.

The fp16 weights of the folder are widened to fp32. Tokenizers are openai-whisper's own, so the missing
merge of some published tokenizer.json files plays no part."""

import gzip
import hashlib
import json
import pathlib
import struct
import subprocess

import numpy as np
import torch
from whisper.model import ModelDimensions, Whisper

LANGUAGES = ("en", "es", "fr", "it", "ru")


def read_ct2(path):
    """name -> array for every variable of a CTranslate2 model.bin (version 4 and later, fp16 or fp32)."""
    data = memoryview(pathlib.Path(path).read_bytes())
    at = 0

    def take(fmt):
        nonlocal at
        values = struct.unpack_from("<" + fmt, data, at)
        at += struct.calcsize("<" + fmt)
        return values[0]

    def string():
        nonlocal at
        n = take("H")
        at += n
        return bytes(data[at - n:at - 1]).decode()

    version, spec, _ = take("I"), string(), take("I")
    assert 4 <= version <= 6 and spec == "WhisperSpec", (version, spec)
    kinds = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
    out = {}
    for _ in range(take("I")):
        name = string()
        shape = [take("I") for _ in range(take("B"))]
        kind, size = take("B"), take("I")
        out[name] = np.frombuffer(data[at:at + size], dtype=kinds[kind]).reshape(shape)
        at += size
    for _ in range(take("I")):
        alias = string()
        out[alias] = out[string()]
    assert at == len(data)
    return out


def load(folder):
    folder = pathlib.Path(folder)
    v = read_ct2(folder / "model.bin")
    d, n_vocab = v["encoder/conv1/bias"].shape[0], v["decoder/embeddings/weight"].shape[0]

    def layers(side):
        return len({n.split("/")[1] for n in v if n.startswith(f"{side}/layer_") and not n.startswith(f"{side}/layer_norm/")})

    dims = ModelDimensions(
        n_mels=v["encoder/conv1/weight"].shape[1], n_audio_ctx=v["encoder/position_encodings/encodings"].shape[0],
        n_audio_state=d, n_audio_head=int(v["encoder/num_heads"]), n_audio_layer=layers("encoder"), n_vocab=n_vocab,
        n_text_ctx=v["decoder/position_encodings/encodings"].shape[0], n_text_state=d,
        n_text_head=int(v["decoder/num_heads"]), n_text_layer=layers("decoder"))
    state = {}

    def put(name, array):
        state[name] = torch.from_numpy(array.astype(np.float32))

    def norm(name, source):
        put(name + ".weight", v[source + "/gamma"])
        put(name + ".bias", v[source + "/beta"])

    def linear(names, source):
        for i, name in enumerate(names):
            put(name + ".weight", v[source + "/weight"].reshape(len(names), -1, v[source + "/weight"].shape[1])[i])
            bias = v[source + "/bias"].reshape(len(names), -1)[i]
            if name.endswith("key"):
                assert not bias.any()
            else:
                put(name + ".bias", bias)

    for conv in ("conv1", "conv2"):
        for part in ("weight", "bias"):
            put(f"encoder.{conv}.{part}", v[f"encoder/{conv}/{part}"])
    for side, n in (("encoder", dims.n_audio_layer), ("decoder", dims.n_text_layer)):
        for i in range(n):
            s, t = f"{side}/layer_{i}/", f"{side}.blocks.{i}."
            norm(t + "attn_ln", s + "self_attention/layer_norm")
            linear([t + "attn.query", t + "attn.key", t + "attn.value"], s + "self_attention/linear_0")
            linear([t + "attn.out"], s + "self_attention/linear_1")
            if side == "decoder":
                norm(t + "cross_attn_ln", s + "attention/layer_norm")
                linear([t + "cross_attn.query"], s + "attention/linear_0")
                linear([t + "cross_attn.key", t + "cross_attn.value"], s + "attention/linear_1")
                linear([t + "cross_attn.out"], s + "attention/linear_2")
            norm(t + "mlp_ln", s + "ffn/layer_norm")
            linear([t + "mlp.0"], s + "ffn/linear_0")
            linear([t + "mlp.2"], s + "ffn/linear_1")
    norm("encoder.ln_post", "encoder/layer_norm")
    norm("decoder.ln", "decoder/layer_norm")
    put("encoder.positional_embedding", v["encoder/position_encodings/encodings"])
    put("decoder.positional_embedding", v["decoder/position_encodings/encodings"])
    put("decoder.token_embedding.weight", v["decoder/embeddings/weight"])
    model = Whisper(dims)
    model.load_state_dict(state)
    heads = json.loads((folder / "config.json").read_text())["alignment_heads"]
    mask = torch.zeros(dims.n_text_layer, dims.n_text_head, dtype=torch.bool)
    for layer, head in heads:
        mask[layer, head] = True
    model.register_buffer("alignment_heads", mask.to_sparse(), persistent=False)
    return model.eval()


def prompts(root, language):
    """id -> (g722 file, text) of one language, from the unpacked Debian packages. Speech only: a text that starts with a
    bracket describes a sound, and silence/ holds silence."""
    sounds = next(p for p in sorted(pathlib.Path(root).glob("usr/share/asterisk/sounds/*")) if p.name.startswith(language + "_"))
    texts = pathlib.Path(root) / f"usr/share/doc/asterisk-core-sounds-{language}/core-sounds-{language}.txt.gz"
    out = {}
    for line in gzip.open(texts, "rt", encoding="utf-8"):
        if line.startswith(";") or ":" not in line:
            continue
        name, text = (part.strip() for part in line.split(":", 1))
        file = sounds / f"{name}.g722"
        if not text or text[0] in "[(<" or name.startswith("silence/") or not file.is_file():
            continue
        out[f"{language}/{name}"] = (file, text)
    return out


def chosen(root, language, n):
    """The first n by SHA-256 hex of the id."""
    found = prompts(root, language)
    names = sorted(found, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:n]
    return {name: found[name] for name in names}


def pcm_of(file):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-f", "g722", "-i", str(file), "-ac", "1", "-ar", "16000", "-f", "s16le", "-"],
                         check=True, capture_output=True).stdout
    return np.frombuffer(raw, dtype=np.int16)


def audio_of(pcm):
    return pcm.astype(np.float32) / 32768
