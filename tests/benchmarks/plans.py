"""Time and peak memory of a plan that is oversampled to N rows and then loses half of them, against imbalanced-learn.

python -m tests.benchmarks plans [--rows 100000 1000000 10000000 100000000] [--peer-most 10000000] [--repeats 3]

Half of N are source rows of the frequent class and 3 / 32 of the rare one: balanced they are N rows (each rare one is
copied 4 or 5 times), of which half go at random, as many of each class. imbalanced-learn does the same with indices
(RandomOverSampler, RandomUnderSampler). Each measurement is a process of its own, which tells its seconds, how many of
them the kernel took (it hands out memory), and its peak resident memory (labels and imports included). The two sides take
turns; the peer is measured up to `--peer-most` rows, since it may need more memory than there is.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

SIDES = ("imbalkit", "imbalanced-learn")


def main(arguments: list[str]) -> None:
    """Print a line for each number of rows and side, and the ratios."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks plans")
    parser.add_argument("--rows", type=int, nargs="+", default=[10**5, 10**6, 10**7, 10**8])
    parser.add_argument("--peer-most", type=int, default=10**7)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", choices=SIDES, help="measure in this process (what the measurement calls)")
    options = parser.parse_args(arguments)
    if options.one:
        sys.stdout.write(json.dumps(one(options.one, options.rows[0])))
        return
    for rows in options.rows:
        found: dict[str, list[dict[str, float]]] = {
            side: [] for side in SIDES if side == "imbalkit" or rows <= options.peer_most
        }
        for _ in range(options.repeats):
            for side, results in found.items():
                results.append(in_process(side, rows))
        for side, results in found.items():
            parts = [
                f"{part} {spread([result[part] for result in results])} s"
                for part in ("over", "under", "all", "kernel")
            ]
            per_row = 1e9 * statistics.median(result["all"] for result in results) / rows
            peak = statistics.median(result["peak"] for result in results)
            sys.stdout.write(f"{rows:>11,} {side:<16} {'; '.join(parts)}; {per_row:.1f} ns a row; peak {peak:.2f} GB\n")
        if len(found) == 2:
            for part in ("over", "under", "all"):
                pairs = zip(found["imbalanced-learn"], found["imbalkit"], strict=True)
                sys.stdout.write(f"{'':>11} {part}: {spread([a[part] / b[part] for a, b in pairs])} times as fast\n")
        sys.stdout.flush()


def in_process(side: str, rows: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks", "plans", "--one", side, "--rows", str(rows)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def one(side: str, rows: int) -> dict[str, float]:
    """Seconds of both steps, of the kernel in them, and the peak resident memory of this process in GB."""
    labels = np.zeros(rows * 19 // 32, dtype=np.uint16)
    labels[: len(labels) - rows // 2] = 1
    np.random.default_rng(0).shuffle(labels)
    if side == "imbalkit":
        from imbalkit.base.randomness import generator
        from imbalkit.builtin.samplers import RandomOver, RandomUnder
        from imbalkit.plan import Plan

        started, kernel = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_stime
        plan = RandomOver().resample(Plan.from_labels(labels), generator(0, "over"))
        between, most = time.perf_counter(), len(plan)
        plan = RandomUnder(to=most // 4).resample(plan, generator(0, "under"))
        ended, left = time.perf_counter(), plan.counts()
    else:
        from imblearn.over_sampling import RandomOverSampler
        from imblearn.under_sampling import RandomUnderSampler

        started, kernel = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_stime
        indices, labels = RandomOverSampler(random_state=0).fit_resample(np.arange(len(labels))[:, None], labels)
        between, most = time.perf_counter(), len(labels)
        sampler = RandomUnderSampler(sampling_strategy={0: most // 4, 1: most // 4}, random_state=0)
        indices, labels = sampler.fit_resample(indices, labels)
        ended, left = time.perf_counter(), tuple(np.bincount(labels).tolist())
    if most != rows or left != (rows // 4, rows // 4):
        raise AssertionError(f"expected {rows} rows and then {rows // 4} of each class, got {most} and {left}")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "over": between - started,
        "under": ended - between,
        "all": ended - started,
        "kernel": usage.ru_stime - kernel,
        "peak": usage.ru_maxrss * 1024 / 1e9,
    }


def spread(values: list[float]) -> str:
    return f"median {statistics.median(values):.3g} (min {min(values):.3g}, max {max(values):.3g})"
