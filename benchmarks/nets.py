"""Every net: images a second in training, milliseconds as a model file.

    python benchmarks/nets.py [--net NAME]... [--portraits DIR] [--quick]

Training: forward, all heads' cross-entropy, backward and an AdamW step in float32 on the CPU,
four pictures at a time, at 256 pixels. With --portraits, how many samples a second the
loader gives at that size, made from those portraits as the recipe `segformer-b0` says by one
and by two processes, while nothing trains: more than a net takes, and no net waits. Model file: ONNX Runtime, float32, one picture,
two threads, at 256, 384, 512 and 1024 pixels; medians. Weights are as built, which costs as
much time as trained ones. Nets take turns, so that a busy machine is busy for all.

`stated_ms` are figures from elsewhere for the same nets (two cores of an AMD EPYC, busy).
Results are written when all nets are measured. `--quick` is a trial of the script: one round
at the smallest sizes, nothing written.
"""

import argparse
import json
import logging
import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from easyportrait.data.portraits import open_folder
from easyportrait.models.session import OnnxSession, fake_card
from easyportrait.train.dataset import TrainingSamples
from easyportrait.train.export import export
from easyportrait.train.nets import NETS, all_logits
from easyportrait.train.recipe import Recipe, Stage

RESULTS = Path(__file__).parents[1] / "results"
THREADS = 2
BATCH = 4
TRAIN_SIDE, FILE_SIDES = 256, (256, 384, 512, 1024)
TRAIN_ROUNDS, FILE_ROUNDS = 3, 5
LOADED = 160  # samples that are timed, after as many that are not

STATED_MS: dict[str, dict[int, float]] = {
    "lraspp-mobilenetv3": {256: 14, 384: 33, 512: 59, 1024: 277},
    "bisenet-v2": {256: 29, 384: 66, 512: 118, 1024: 485},
    "segformer-b0": {256: 24, 384: 76, 512: 140, 1024: 683},
    "fcn-mobilenetv2": {256: 96, 384: 217, 512: 381},
    "segformer-b2": {256: 93, 384: 201, 512: 360},
    "fpn-resnet50": {256: 114, 384: 233, 512: 426},
}


def training_step(net: nn.Module, side: int) -> Callable[[], None]:
    net = net.train().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-5)
    x = torch.randn(BATCH, 3, side, side).to(memory_format=torch.channels_last)
    target = torch.randint(0, 9, (BATCH, side, side))

    def step() -> None:
        optimiser.zero_grad()
        answers = (
            F.interpolate(logits, size=(side, side), mode="bilinear", align_corners=False)
            for logits in all_logits(net, x)
        )
        torch.stack([F.cross_entropy(logits, target) for logits in answers]).sum().backward()
        optimiser.step()

    return step


def one_run(session: OnnxSession, side: int) -> Callable[[], None]:
    x = np.random.default_rng(0).normal(size=(1, 3, side, side)).astype(np.float32)

    def run() -> None:
        session.run(x)

    return run


def medians(kinds: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Seconds of each, taking turns after one run that does not count."""
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for at in range(rounds + 1):
        for name, run in kinds.items():
            start = time.perf_counter()
            run()
            if at:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(t) for name, t in times.items()}


def loader_rates(portraits: Path) -> dict[int, float]:
    """Samples a second, by number of processes."""
    recipe = Recipe.load("segformer-b0")
    stage = Stage(from_step=0, side=TRAIN_SIDE, strength=1.0)
    samples = TrainingSamples(open_folder(portraits, "train"), replace(recipe, stages=(stage,)))
    rates = {}
    for workers in (1, 2):
        loader = iter(DataLoader(samples, BATCH, num_workers=workers))
        for _ in range(LOADED // BATCH):
            next(loader)
        start = time.perf_counter()
        for _ in range(LOADED // BATCH):
            next(loader)
        rates[workers] = round(LOADED / (time.perf_counter() - start), 1)
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", action="append", choices=list(NETS), help="only this one")
    parser.add_argument("--portraits", type=Path, help="a folder as `train` takes it")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    torch.set_num_threads(THREADS)
    names = args.net or list(NETS)
    file_sides = FILE_SIDES[:1] if args.quick else FILE_SIDES
    train_rounds, file_rounds = (1, 1) if args.quick else (TRAIN_ROUNDS, FILE_ROUNDS)

    rows: dict[str, dict[str, object]] = {}
    sessions: dict[str, OnnxSession] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            torch.manual_seed(0)
            net = NETS[name](9).eval()
            rows[name] = {"parameters": sum(p.numel() for p in net.parameters())}
            path = Path(folder) / f"{name}.onnx"
            export(net, replace(fake_card(), multiple=32), path, half=False)
            sessions[name] = OnnxSession(path, threads=THREADS)
    for side in file_sides:
        runs = {name: one_run(session, side) for name, session in sessions.items()}
        for name, seconds in medians(runs, file_rounds).items():
            rows[name].setdefault("file_ms", {})[side] = round(1e3 * seconds, 1)
    for name in names:  # one at a time: their activations together would not fit
        step = training_step(NETS[name](9), TRAIN_SIDE)
        seconds = medians({name: step}, train_rounds)[name]
        rows[name]["train_images_per_s"] = round(BATCH / seconds, 2)
    for name in names:
        rows[name]["stated_ms"] = STATED_MS.get(name, {})
    found = {
        "nets": rows,
        "loader_images_per_s": loader_rates(args.portraits) if args.portraits else None,
        "batch": BATCH,
        "train_side": TRAIN_SIDE,
        "threads": THREADS,
        "rounds": {"file": file_rounds, "train": train_rounds},
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.processor() or platform.machine(),
    }
    print(json.dumps(found, indent=2))
    if not args.quick and not args.net:
        (RESULTS / "nets.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
