"""make_recipe.py MODEL_HASH OUT: a recipe that weights can hold, strong enough to change what whisper-base says: one random
direction added to what the encoder gives, another removed from it."""

import json
import sys

import numpy as np

rng = np.random.default_rng(5)


def unit():
    v = rng.normal(size=512)
    return (v / np.linalg.norm(v)).astype(np.float32).tolist()


everywhere = {"padding": True}
json.dump({
    "schema": "otoscope.recipe", "version": 1, "name": "folded into weights",
    "model": {"name": "whisper-base", "hash": sys.argv[1]}, "site": "encoder.out",
    "operators": [
        {"action": "add_direction", "strength": 1.0, "unit": 8.0, "directions": [unit()], "where": everywhere},
        {"action": "remove_direction", "strength": 1.0, "directions": [unit()], "where": everywhere},
    ]}, open(sys.argv[2], "w"))
