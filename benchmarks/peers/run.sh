#!/usr/bin/env bash
# The Python peers beside otoscope's own benchmarks, on the same machine in the same run: two threads each.
# Installs the peers into a virtual environment of their own (several GB), never used by otoscope itself.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=${OTOSCOPE_PEERS:-build-peers}
if [ ! -x "$venv/bin/python" ]; then
  echo "installing the peers into $venv (several GB)"
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q -r tests/golden/requirements.txt
  "$venv/bin/pip" install -q --no-deps dictionary-learning
  "$venv/bin/pip" install -q --no-deps silero-vad  # vad.py; its torch is the one above
fi
[ -f build-bench/build.ninja ] || cmake --preset release -B build-bench -DOTOSCOPE_BENCH=ON -DOTOSCOPE_TESTS=OFF >/dev/null
ninja -C build-bench otoscope >/dev/null
build-bench/bin/otoscope models get whisper-base >/dev/null 2>&1
rows=build-bench/peers-rows.safetensors
"$venv/bin/python" benchmarks/peers/sae_step.py --write-data "$rows"
echo "== SAE step: peers"
"$venv/bin/python" benchmarks/peers/sae_step.py --data "$rows" --threads 2
echo "== SAE step: otoscope"
OTOSCOPE_BENCH_ROWS=$rows build-bench/bin/otoscope bench --threads 2 --only 'sae/step/topk/4096'
echo "== whisper-base encoder: peers"
"$venv/bin/python" benchmarks/peers/whisper_encoder.py "${OTOSCOPE_HOME:-$HOME/.cache/otoscope}/models/whisper-base" --threads 2
echo "== whisper-base encoder: otoscope"
build-bench/bin/otoscope bench --threads 2 --only '^encoder|no_listener'
