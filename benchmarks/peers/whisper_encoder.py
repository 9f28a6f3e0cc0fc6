"""Encoder of a real Whisper, one 30 s window, by the peers.

    whisper_encoder.py CT2_FOLDER [--threads 2] [--repeats 15] [--only NAME…]

Peers: torch-fp32, torch-bf16 (autocast), openai-whisper-fp32 (its own modules), ctranslate2-fp32, ctranslate2-int8.
One JSON line each. Run with the virtual environment of tests/golden/requirements.txt, on an otherwise idle machine."""

import argparse
import pathlib
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"))
import peer_whisper  # noqa: E402
from common import chirp  # noqa: E402
from timing import measure, report  # noqa: E402
from whisper.audio import log_mel_spectrogram, pad_or_trim  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--only", nargs="*")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    torch.set_grad_enabled(False)
    model = peer_whisper.load(o.folder)
    audio = torch.from_numpy(peer_whisper.audio_of(chirp(5, 30.0)))
    mel = log_mel_spectrogram(pad_or_trim(audio), model.dims.n_mels)[None]
    sizes = {"frames": 1500, "d": model.dims.n_audio_state, "layers": model.dims.n_audio_layer, "heads": model.dims.n_audio_head}
    exact = model.encoder(mel)

    def error(value):
        return float(f"{((value.float() - exact).norm() / exact.norm()).item():.3g}")

    def run(name, work, output):
        if o.only and name not in o.only:
            return
        report(f"whisper_encoder/{name}", sizes, o.threads, measure(work, o.repeats), relative_difference=error(output()))

    # PyTorch with fused attention is what openai-whisper does by default since 20240930: the same modules
    run("torch-fp32", lambda: model.encoder(mel), lambda: model.encoder(mel))

    def bf16():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return model.encoder(mel)

    run("torch-bf16", bf16, bf16)
    import whisper.model

    def unfused():
        with whisper.model.disable_sdpa():
            return model.encoder(mel)

    run("torch-fp32-unfused-attention", unfused, unfused)
    import ctranslate2

    array = ctranslate2.StorageView.from_array(np.ascontiguousarray(mel.numpy()))
    for kind in ("float32", "int8", "bfloat16"):
        name = {"float32": "ctranslate2-fp32", "int8": "ctranslate2-int8", "bfloat16": "ctranslate2-bf16"}[kind]
        if o.only and name not in o.only:
            continue
        try:
            peer = ctranslate2.models.Whisper(o.folder, device="cpu", compute_type=kind, intra_threads=o.threads, inter_threads=1)
        except ValueError as e:  # a type that this CPU does not have
            print(f"{name}: {e}", file=sys.stderr)
            continue
        run(name, lambda: peer.encode(array), lambda: torch.from_numpy(np.array(peer.encode(array).to(ctranslate2.DataType.float32))))


if __name__ == "__main__":
    main()
