"""check_labels.py FOLDER: TextGrids and an RTTM that otoscope wrote, read by Praat, praatio and textgrid.

FOLDER holds grids/a.TextGrid, rttm/labels.rttm and labels/labels.jsonl, which both were written from. Used by peers.sh.
"""
import json
import pathlib
import sys

import parselmouth
import textgrid
from parselmouth.praat import call
from praatio import textgrid as praatio_textgrid

folder = pathlib.Path(sys.argv[1])
clip = next(c for c in map(json.loads, open(folder / "labels/labels.jsonl")) if c["id"] == "a")
want = [(s, e, v) for t in clip["tracks"] if t["kind"] == "phone" for s, e, v in t["labels"]]
path = str(folder / "grids/a.TextGrid")


def close(got, reader):
    assert len(got) == len(want), (reader, got, want)
    for (s, e, v), (s2, e2, v2) in zip(got, want):
        assert abs(s - s2) < 1e-6 and abs(e - e2) < 1e-6 and v == v2, (reader, (s, e, v), (s2, e2, v2))


grid = parselmouth.read(path)
tier = next(i for i in range(1, call(grid, "Get number of tiers") + 1) if call(grid, "Get tier name", i) == "phone")
entries = [
    (call(grid, "Get start time of interval", tier, i), call(grid, "Get end time of interval", tier, i),
     call(grid, "Get label of interval", tier, i))
    for i in range(1, call(grid, "Get number of intervals", tier) + 1)
]
close([e for e in entries if e[2]], "Praat")
close([tuple(e) for e in praatio_textgrid.openTextgrid(path, False).getTier("phone").entries], "praatio")
grid = textgrid.TextGrid.fromFile(path)
close([(i.minTime, i.maxTime, i.mark) for i in grid.getFirst("phone") if i.mark], "textgrid")

for line in open(folder / "rttm/labels.rttm"):
    fields = line.split()
    assert len(fields) == 10 and fields[0] == "SPEAKER", line
    assert float(fields[3]) >= 0 and float(fields[4]) > 0, line
print(f"labels: {len(want)} phones read alike by Praat, praatio and textgrid")
