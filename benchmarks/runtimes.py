"""The same nets in ONNX Runtime and OpenVINO, as float32 and as int8.

    python benchmarks/runtimes.py [--net NAME]... [--quick]

One picture at 320 and 512 pixels, all taking turns in one run; medians, and how many times as
fast as float32 in ONNX Runtime:

- `ms`: by the clock, two threads.
- `processor_ms`: processor time of one thread, which other work on the machine moves less.

`--net` adds nets of the six, their weights as built, which costs as much time as trained ones.
What int8 does to the scores `easyportrait models export MODEL --int8 --data DIR --json` says.
`--quick` is a trial of the script: one round, nothing written.
"""

import argparse
import json
import logging
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from easyportrait.models.catalog import EMBEDDED, find_model
from easyportrait.models.export import export_model
from easyportrait.models.onnxfile import read_model
from easyportrait.models.parity import noise
from easyportrait.models.quantize import quantise
from easyportrait.models.session import RUNTIMES, OnnxSession, Session, open_session

RESULTS = Path(__file__).parents[1] / "results"
THREADS = 2
SIDES = (320, 512)
ROUNDS = 9


def built(name: str, folder: Path) -> Path:
    """A net of the six as a model file."""
    from dataclasses import replace

    from easyportrait.models.session import fake_card
    from easyportrait.train.export import export
    from easyportrait.train.nets import NETS

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    path = folder / f"{name}.onnx"
    export(NETS[name](9).eval(), replace(fake_card(), multiple=32), path)
    return path


def files(source: Path, folder: Path) -> dict[str, Path]:
    """The net by precision."""
    wide, int8 = folder / f"{source.stem}-32.onnx", folder / f"{source.stem}-8.onnx"
    export_model(source, wide, half=False)
    quantise(read_model(wide), int8, list(noise(OnnxSession(wide).card.multiple)))
    return {"float32": wide, "int8": int8}


def sessions(files: dict[str, Path], threads: int) -> dict[str, Session]:
    """By "runtime, precision", what runs the net."""
    return {
        f"{runtime}, {precision}": open_session(path, threads=threads, runtime=runtime)
        for runtime in RUNTIMES
        for precision, path in files.items()
    }


def medians(
    runs: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Milliseconds of each, taking turns after one run that does not count."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for at in range(rounds + 1):
        for name, run in runs.items():
            start = clock()
            run()
            if at:
                times[name].append(1e3 * (clock() - start))
    return {name: statistics.median(t) for name, t in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", action="append", default=[], help="one of the six as well")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    rounds = 1 if args.quick else ROUNDS
    rows: dict[str, dict[int, dict[str, dict[str, float]]]] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        sources = {EMBEDDED: find_model(EMBEDDED)} | {n: built(n, folder) for n in args.net}
        for name, source in sources.items():
            made = files(source, folder)
            by_clock, alone = sessions(made, THREADS), sessions(made, 1)
            for side in SIDES:
                row = rows.setdefault(name, {}).setdefault(side, {})
                x = np.random.default_rng(0).normal(size=(1, 3, side, side)).astype(np.float32)
                for what, nets, clock in (
                    ("ms", by_clock, time.perf_counter),
                    ("processor_ms", alone, time.process_time),
                ):
                    runs = {kind: (lambda net=net, x=x: net.run(x)) for kind, net in nets.items()}
                    found = medians(runs, rounds, clock)
                    for kind, ms in found.items():
                        ratio = found["onnx, float32"] / ms
                        of_it = {what: round(ms, 1), f"{what}_times_as_fast": round(ratio, 2)}
                        row.setdefault(kind, {}).update(of_it)
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    result = {
        "nets": rows,
        "threads": THREADS,
        "rounds": rounds,
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.processor() or platform.machine(),
        "vnni": "vnni" in flags,
    }
    print(json.dumps(result, indent=2))
    if not args.quick:
        (RESULTS / "runtimes.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
