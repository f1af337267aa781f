"""What int8 does to trained nets: their score, their size, and how fast they are.

    python benchmarks/int8.py MODEL... --portraits DIR --work DIR

Each is exported as `easyportrait models export MODEL --int8 --data DIR --split val` does, which
scores it beside its source on the pictures that set no ranges; and one picture at its own side
and at 512 pixels is timed in both runtimes, as in runtimes.py, in processor time of one thread.
What lies in `--work` already is not exported again. A net whose score does not hold is written
down with what the command said.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from runtimes import medians, sessions

from easyportrait.models.catalog import find_model
from easyportrait.models.export import export_model
from easyportrait.models.session import OnnxSession

RESULTS = Path(__file__).parents[1] / "results"
ROUNDS = 7


def exported(source: Path, portraits: Path, work: Path) -> dict:
    """What the command measured; or, of a net whose score does not hold, what it said."""
    target, told = work / f"{source.stem}-int8.onnx", work / f"{source.stem}.json"
    if not told.exists():
        command = [sys.executable, "-m", "easyportrait", "models", "export", source, "-o", target]
        command += ["--int8", "--data", portraits, "--split", "val", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return {"refused": done.stderr.strip().splitlines()[-1]}
        told.write_text(done.stdout)
    found = json.loads(told.read_text())
    return {key: value for key, value in found.items() if key not in ("source", "path")}


def clocked(source: Path, work: Path) -> dict[int, dict[str, float]]:
    """By side, then runtime and precision, milliseconds of one thread."""
    wide = work / f"{source.stem}-32.onnx"
    export_model(source, wide, half=False)
    nets = sessions({"float32": wide, "int8": work / f"{source.stem}-int8.onnx"}, threads=1)
    rows = {}
    for side in sorted({OnnxSession(source).card.frame_side, 512}):
        x = np.random.default_rng(0).normal(size=(1, 3, side, side)).astype(np.float32)
        runs = {kind: (lambda net=net, x=x: net.run(x)) for kind, net in nets.items()}
        found = medians(runs, ROUNDS, time.process_time)
        rows[side] = {kind: round(ms, 1) for kind, ms in found.items()}
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    rows = {}
    for source in map(find_model, args.models):
        row = exported(source, args.portraits, args.work)
        if "refused" not in row:
            row |= {"bytes_before": source.stat().st_size, "ms": clocked(source, args.work)}
        rows[source.stem] = row
        print(source.stem, json.dumps(row))
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    found = {
        "nets": rows,
        "rounds": ROUNDS,
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.processor() or platform.machine(),
        "vnni": "vnni" in flags,
    }
    (RESULTS / "int8.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
