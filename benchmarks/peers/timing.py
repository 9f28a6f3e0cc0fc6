"""Timing shared by the peers: the JSON lines that `otoscope bench --json` prints too."""

import json
import statistics
import time


def measure(work, repeats, warmup=3):
    for _ in range(warmup):
        work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return times


def report(name, sizes, threads, times, **extra):
    times = sorted(times)

    def quantile(q):  # linear between order statistics
        at = q * (len(times) - 1)
        low = int(at)
        return times[low] + (at - low) * (times[min(low + 1, len(times) - 1)] - times[low])

    print(json.dumps({"name": name, "sizes": sizes, "threads": threads, "median_ms": round(statistics.median(times), 3),
                      "p10_ms": round(quantile(0.1), 3), "p90_ms": round(quantile(0.9), 3), "repeats": len(times), **extra}), flush=True)
