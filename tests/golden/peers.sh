#!/usr/bin/env bash
# peers.sh OTOSCOPE: trains a small SAE of every architecture and lets sae-lens load and run each
# (tests/golden/check_codes.py); exports checkpoints, one with a recipe folded in, and lets openai-whisper, transformers
# and faster-whisper transcribe with them (tests/golden/check_models.py).
# The peers are installed into a virtual environment of their own (several GB).
set -euo pipefail
otoscope=$(realpath "$1")
cd "$(dirname "$0")/../.."
venv=${OTOSCOPE_PEERS:-build-peers}
if [ ! -x "$venv/bin/python" ]; then
  echo "installing the peers into $venv (several GB)"
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q -r tests/golden/requirements.txt
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$venv/bin/python" -c "
import numpy as np
rng = np.random.default_rng(0)
directions = rng.normal(size=(64, 16)).astype('f4')
codes = rng.random((4096, 64)) * (rng.random((4096, 64)) < .06)
np.save('$work/x.npy', (codes @ directions + 1).astype('f4'))"
"$otoscope" train --activations "$work/x.npy" --out "$work/sae" --arch relu,topk,batchtopk,jumprelu,gated,matryoshka \
  --latents 64 --k 4 --steps 200 --batch 256 >/dev/null
for sae in "$work"/sae/*/; do
  name=$(basename "$sae")
  "$otoscope" encode --sae "$sae" --activations "$work/x.npy" --out "$work/codes/$name" >/dev/null
done
"$venv/bin/python" tests/golden/check_codes.py "$work/x.npy" "$work/sae" "$work/codes"

for model in whisper-tiny.en whisper-base; do "$otoscope" models get $model >/dev/null; done
"$otoscope" data get prompts >/dev/null
home=${OTOSCOPE_HOME:-$HOME/.cache/otoscope}
say() { "$otoscope" transcribe "$@" --window --format json; }
some() { find "$home/data/prompts/$1" -name '*.g722' -size +12k | sort | awk 'NR % 50 == 0' | head -3; }
models=$work/models
mkdir "$models"
say whisper-tiny.en $(some en) >"$models/whisper-tiny.en.json"
{ say whisper-base $(some en) --language en; say whisper-base $(some es) --language es; } |
  python3 -c '
import json, sys
text, items = sys.stdin.read().strip(), []
while text:
    more, end = json.JSONDecoder().raw_decode(text)
    items, text = items + more, text[end:].strip()
print(json.dumps(items))' \
  >"$models/whisper-base.json"
for model in whisper-tiny.en whisper-base; do
  ln -s "$home/models/$model" "$models/$model"
  "$otoscope" convert $model "$models/$model-hf" --to hf --dtype f32
  "$otoscope" convert "$models/$model-hf" "$models/$model-ct2" --to ctranslate2
done
hash=$("$otoscope" models show whisper-base --json | sed -n 's/.*"hash": "\(.*\)".*/\1/p')
"$venv/bin/python" tests/golden/make_recipe.py "$hash" "$models/recipe.json"
say whisper-base $(some en) --language en --recipe "$models/recipe.json" >"$models/edited.json"
"$otoscope" convert whisper-base "$models/edited-hf" --to hf --recipe "$models/recipe.json"
HF_HUB_OFFLINE=1 "$venv/bin/python" tests/golden/check_models.py "$models"

# Labels that we write, read by the programs whose files we read.
"$venv/bin/pip" install -q praat-parselmouth==0.4.7 praatio==6.2.2 TextGrid==1.6.1
head -c 16000 /dev/zero >"$work/a.g722"
printf '{"audio_filepath":"a.g722","speaker":"s","duration":2,"phones_timed":[[0.25,0.5,"hh"],[0.5,1.125,"ʃ"],[1.5,2,"aɪ"]]}\n' >"$work/m.jsonl"
"$otoscope" label --data "$work/m.jsonl" --out "$work/labels" >/dev/null
"$otoscope" label --labels "$work/labels/labels.jsonl" --to textgrid --out "$work/grids" >/dev/null
"$otoscope" label --labels "$work/labels/labels.jsonl" --to rttm --out "$work/rttm" >/dev/null
"$venv/bin/python" tests/golden/check_labels.py "$work"
