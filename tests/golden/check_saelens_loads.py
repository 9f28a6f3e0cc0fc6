"""check_saelens_loads.py FOLDER EXPECTED.safetensors [FOLDER EXPECTED …]

Loads each FOLDER that otoscope wrote with sae-lens's SAE.load_from_disk and compares what it computes from `x` with the
tensors `features` and `reconstruction` that otoscope stored. Exit status 0 if all agree within 1e-5, else 1."""

import sys

import torch
from safetensors.torch import load_file
from sae_lens import SAE

TOLERANCE = 1e-5


def check(folder, expected):
    sae = SAE.load_from_disk(folder)
    want = load_file(expected)
    x = want["x"].float()
    with torch.no_grad():
        got = {"features": sae.encode(x), "reconstruction": sae(x)}
    good = True
    for name, value in got.items():
        reference = want[name].float()
        if value.shape != reference.shape:
            print(f"{folder}: {name} has shape {tuple(reference.shape)}, sae-lens gives {tuple(value.shape)}")
            good = False
            continue
        diff = (value - reference).abs().max().item()
        ok = diff <= TOLERANCE * max(1.0, value.abs().max().item())  # NaN fails
        print(f"{folder}: {sae.cfg.architecture()} {name} differs by {diff:.2e}: {'ok' if ok else 'TOO MUCH'}")
        good = good and ok
    return good


def main():
    arguments = sys.argv[1:]
    if not arguments or len(arguments) % 2:
        print(__doc__)
        return 2
    torch.set_num_threads(1)
    results = [check(*arguments[i:i + 2]) for i in range(0, len(arguments), 2)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
