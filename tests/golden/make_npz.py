"""Writes npz/: the same rows and columns by numpy.savez and numpy.savez_compressed, and a file of big-endian numbers."""

import pathlib

import numpy as np

here = pathlib.Path(__file__).parent / "npz"
here.mkdir(exist_ok=True)
x = (np.arange(60, dtype="<f4").reshape(12, 5) - 7) / 4
columns = {
    "item": np.repeat(np.array([4, 2, 9], dtype="<i4"), [5, 4, 3]),
    "frame": np.concatenate([np.arange(10, 15), np.arange(4), np.arange(3)]).astype("<i8"),
    "split": np.repeat(np.array([0, 2, 1], dtype="i1"), [5, 4, 3]),
    "mask": np.ones(12, dtype=bool),
}
np.savez(here / "stored.npz", activations=x, **columns)
np.savez_compressed(here / "deflated.npz", activations=x.astype("<f2"), **columns)
np.savez(here / "swapped.npz", activations=x.astype(">f4"))
