"""check_codes.py X.npy SAES CODES: sae-lens loads every folder in SAES and must give the codes in CODES/NAME."""

import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import load_file
from sae_lens import SAE

TOLERANCE = 1e-5


def dense(folder, rows, features):
    tensors = load_file(next(pathlib.Path(folder).glob("*.safetensors")))
    codes = torch.zeros(rows, features)
    indptr, indices, values = (tensors[name] for name in ("indptr", "indices", "values"))
    row = torch.repeat_interleave(torch.arange(rows), indptr[1:] - indptr[:-1])
    codes[row, indices.long()] = values
    return codes


def main():
    x = torch.from_numpy(np.load(sys.argv[1]))
    failed = 0
    folders = sorted(path for path in pathlib.Path(sys.argv[2]).iterdir() if (path / "cfg.json").exists())
    for folder in folders:
        sae = SAE.load_from_disk(str(folder))
        with torch.no_grad():
            want = sae.encode(x)
        got = dense(pathlib.Path(sys.argv[3]) / folder.name, *want.shape)
        worst = (got - want).abs().max().item()
        # A pre-activation that lies on its threshold may fall either way in the last bit.
        close = (got - want).abs() <= TOLERANCE * want.abs().max().clamp(min=1.0)
        good = close.float().mean().item() >= 1 - 1e-5
        print(f"{folder.name}: {sae.cfg.architecture()}, largest difference {worst:.1e}, {'ok' if good else 'DIFFERS'}")
        failed += not good
    print(f"{len(folders) - failed} passed, {failed} failed")
    return 1 if failed or not folders else 0


if __name__ == "__main__":
    sys.exit(main())
