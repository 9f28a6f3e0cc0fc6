"""Label files and pitch as other programs write them: labels/.

    pip install praat-parselmouth==0.4.7 praatio==6.2.2 TextGrid==1.6.1 pyannote.core==6.1.0
    python tests/golden/make_labels.py

Praat itself (parselmouth) writes the long and the short form, and UTF-16 where a label is not ASCII;
praatio and textgrid write their own. pyannote.core writes the RTTM. Pitch is Praat's autocorrelation on a
signal that the test makes again from its formula.
"""
import json
import math
import pathlib

import numpy
import parselmouth
import pyannote.core
import textgrid as textgrid_module
from parselmouth.praat import call
from praatio import textgrid as praatio_textgrid

OUT = pathlib.Path(__file__).parent / "labels"
OUT.mkdir(exist_ok=True)

PHONES = [(0.0, 0.13, ""), (0.13, 0.205, "hh"), (0.205, 0.27, "iy"), (0.27, 0.5, "")]
WORDS = [(0.0, 0.13, ""), (0.13, 0.27, 'he "said"'), (0.27, 0.5, "")]
IPA = [(0.0, 0.13, ""), (0.13, 0.205, "t\u0283"), (0.205, 0.27, "\u0259"), (0.27, 0.5, "")]


def praat_grid(phones):
    grid = call("Create TextGrid", 0.0, 0.5, "phones words marks", "marks")
    for tier, entries in ((1, phones), (2, WORDS)):
        for start, _, _ in entries[1:]:
            call(grid, "Insert boundary", tier, start)
        for number, (_, _, text) in enumerate(entries, 1):
            call(grid, "Set interval text", tier, number, text)
    call(grid, "Insert point", 3, 0.2, "burst")
    return grid


praat_grid(PHONES).save(str(OUT / "praat_long.TextGrid"), "TEXT")
praat_grid(PHONES).save(str(OUT / "praat_short.TextGrid"), "SHORT_TEXT")
praat_grid(PHONES).save(str(OUT / "praat_binary.TextGrid"), "BINARY")
call("Text writing preferences", "UTF-16")
praat_grid(IPA).save(str(OUT / "praat_utf16.TextGrid"), "TEXT")
call("Text writing preferences", "UTF-8")
praat_grid(IPA).save(str(OUT / "praat_utf8.TextGrid"), "SHORT_TEXT")

grid = praatio_textgrid.Textgrid()
for name, entries in (("phones", PHONES), ("words", WORDS)):
    grid.addTier(praatio_textgrid.IntervalTier(name, [e for e in entries if e[2]], 0, 0.5))
grid.save(str(OUT / "praatio.TextGrid"), format="short_textgrid", includeBlankSpaces=True)

grid = textgrid_module.TextGrid(maxTime=0.5)
for name, entries in (("speaker1 - phones", IPA), ("speaker1 - words", WORDS)):
    tier = textgrid_module.IntervalTier(name, maxTime=0.5)
    for start, end, text in entries:
        if text:
            tier.add(start, end, text)
    grid.append(tier)
grid.write(str(OUT / "textgrid.TextGrid"))

turns = pyannote.core.Annotation(uri="meeting")
turns[pyannote.core.Segment(0.031, 4.958), "a"] = "spk00"
turns[pyannote.core.Segment(4.5, 7.25), "b"] = "spk01"  # at the same time as spk00
turns[pyannote.core.Segment(8.0, 9.125), "c"] = "spk00"
with open(OUT / "pyannote.rttm", "w") as file:
    turns.write_rttm(file)

# Ten harmonics of a glide from 110 to 220 Hz with vibrato, 1.5 s, then 0.3 s of zeros.
RATE = 16000
t = numpy.arange(int(1.5 * RATE)) / RATE
phase = 2 * math.pi * (110 * t + (110 / 1.5) * t**2 / 2) + 0.8 * numpy.sin(2 * math.pi * 5 * t)
samples = sum(numpy.sin(k * phase) / k for k in range(1, 11)) * 0.1
samples = numpy.concatenate([samples, numpy.zeros(int(0.3 * RATE))])
pitch = parselmouth.Sound(samples, RATE).to_pitch_ac(time_step=0.02, pitch_floor=60, pitch_ceiling=500)
frames = [pitch.get_value_at_time(0.02 * frame) for frame in range(90)]
(OUT / "pitch.json").write_text(
    json.dumps({"hz": [None if math.isnan(f) else round(float(f), 3) for f in frames]}) + "\n")
