#!/usr/bin/env bash
# peers.sh OTOSCOPE: trains a small SAE of every architecture and lets sae-lens load and run each
# (tests/golden/check_codes.py). The peers are installed into a virtual environment of their own (several GB).
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
