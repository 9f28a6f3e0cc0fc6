"""Writers shared by the golden scripts."""

import importlib.metadata
import json
import pathlib

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
DTYPES = {
    torch.float64: ("F64", 8), torch.int64: ("I64", 8), torch.float32: ("F32", 4), torch.int32: ("I32", 4),
    torch.float16: ("F16", 2), torch.bfloat16: ("BF16", 2), torch.int16: ("I16", 2), torch.bool: ("BOOL", 1),
}


def versions(*packages):
    return {name: importlib.metadata.version(name) for name in packages}


def save_safetensors(path, tensors, metadata=None):
    """Widest dtype first, then by name, header padded to 8: the same bytes every time."""
    items = sorted(tensors.items(), key=lambda kv: (-DTYPES[kv[1].dtype][1], kv[0]))
    header = {"__metadata__": {"format": "pt", **(metadata or {})}}
    offset, blobs = 0, []
    for name, tensor in items:
        tensor = tensor.detach().contiguous()
        blob = tensor.view(torch.int16).numpy().tobytes() if tensor.dtype == torch.bfloat16 else tensor.numpy().tobytes()
        header[name] = {"dtype": DTYPES[tensor.dtype][0], "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for blob in blobs:
            out.write(blob)


def save_json(path, value, indent=None):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    separators = (",", ":") if indent is None else (",", ": ")
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, allow_nan=False) + "\n",
                    encoding="utf-8")


def save_json_list(path, head, key, items):
    """One item a line, so that a change shows as a line."""
    lines = [json.dumps(item, ensure_ascii=False, separators=(",", ":"), allow_nan=False) for item in items]
    body = json.dumps(head, ensure_ascii=False, separators=(", ", ": "))[1:-1]
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{" + (body + ",\n" if body else "") + f'"{key}": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")


def chirp(seed, seconds, rate=16000):
    """A seeded chirp under a slow tremolo in noise, int16."""
    g = np.random.default_rng(seed)
    n = int(seconds * rate)
    t = np.arange(n) / rate
    f0, f1 = g.uniform(100, 900), g.uniform(300, 6000)
    sweep = np.sin(2 * np.pi * (f0 * t + (f1 - f0) * t * t / (2 * seconds)))
    tremolo = 0.5 + 0.5 * np.sin(2 * np.pi * g.uniform(1, 6) * t)
    noise = g.uniform(0.001, 0.1) * g.standard_normal(n)
    return np.clip(np.round(32768 * (0.3 * sweep * tremolo + noise)), -32768, 32767).astype(np.int16)


class Margins:
    """Top-1 minus top-2 of the filtered logits of each step, as openai-whisper's greedy decoding sees them."""

    def __enter__(self):
        import whisper.decoding

        self.decoder = whisper.decoding.GreedyDecoder
        self.seen, self.old = [], self.decoder.update
        outer = self

        def update(decoder, tokens, logits, sum_logprobs):
            top = logits.topk(2, dim=-1).values
            outer.seen.append(round((top[0, 0] - top[0, 1]).clamp(max=1e4).item(), 4))
            return outer.old(decoder, tokens, logits, sum_logprobs)

        self.decoder.update = update
        return self

    def __exit__(self, *_):
        self.decoder.update = self.old
