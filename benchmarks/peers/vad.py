"""A voice-activity detector in front of the model: silero-vad (ONNX) over the clips of manifests.

    vad.py MANIFEST... --out vad.json [--threshold .5] [--min-speech-ms 250]

One JSON file with the speech that the detector found in each clip, by the clip's id, for `otoscope suppress --vad`.
Run with the virtual environment of run.sh, which installs silero-vad, ONNX Runtime and PyTorch."""

import argparse
import hashlib
import importlib.metadata
import json
import pathlib
import subprocess
import time

import numpy as np
import torch
from silero_vad import get_speech_timestamps, load_silero_vad

RATE = 16000


def samples_of(path, offset, seconds):
    """16 kHz mono as otoscope decodes it; raw G.722 has no header that says so."""
    raw = ["-f", "g722"] if path.suffix == ".g722" else []
    command = ["ffmpeg", "-v", "error", *raw, "-i", str(path), "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"]
    pcm = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, dtype=np.int16)
    first = round(offset * RATE)
    last = len(pcm) if seconds is None else first + round(seconds * RATE)
    return torch.from_numpy(pcm[first:last].astype(np.float32) / 32768)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--min-speech-ms", type=int, default=250)
    o = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    model = load_silero_vad(onnx=True)
    clips, audio_s, busy_s = [], 0.0, 0.0
    manifests = []
    for manifest in o.manifest:
        data = manifest.read_bytes()
        manifests.append(hashlib.sha256(data).hexdigest())
        for line in data.splitlines():
            clip = json.loads(line)
            path = manifest.parent / clip["audio_filepath"]
            pcm = samples_of(path, clip.get("offset", 0.0), clip.get("duration"))
            name = clip.get("id") or str(pathlib.PurePosixPath(clip["audio_filepath"]).with_suffix(""))
            start = time.perf_counter()
            speech = get_speech_timestamps(pcm, model, threshold=o.threshold, min_speech_duration_ms=o.min_speech_ms) if len(pcm) else []
            busy_s += time.perf_counter() - start
            audio_s += len(pcm) / RATE
            clips.append({"id": name, "duration": len(pcm) / RATE,
                          "speech": [[round(s["start"] / RATE, 4), round(s["end"] / RATE, 4)] for s in speech]})
    o.out.write_text(json.dumps({
        "schema": "otoscope.vad", "version": 1, "detector": "silero-vad " + importlib.metadata.version("silero-vad") + ", onnx",
        "threshold": o.threshold, "min_speech_ms": o.min_speech_ms, "manifests": manifests,
        "audio_s": round(audio_s, 1), "busy_s": round(busy_s, 2), "clips": clips}, indent=1) + "\n")
    print(f"{len(clips)} clips, {audio_s / 60:.1f} min of sound in {busy_s:.1f} s of detector, one thread")


if __name__ == "__main__":
    main()
