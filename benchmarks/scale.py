"""What parsing 100 million portraits costs, from what can be measured on one core.

    python benchmarks/scale.py --portraits DIR [--pictures 96]

Measured: core-seconds a picture (processor time, so that a busy machine does not count), sizes
of pictures and results, what Ray adds to a part, and how fast lists are made and read.
Assumed: ASSUMED, below, printed with the results. From both: docs/explain/scale.md.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from tables import ROOT, put, result, table

from easyportrait.image.io import picture_size
from easyportrait.scale.engine import Cluster, connected, over_machines
from easyportrait.scale.part import DoPart
from easyportrait.scale.plan import Again, cut, planned
from easyportrait.scale.store import Listed, Store, found_in
from easyportrait.scale.task import Parse, Travelling

N = 100_000_000
MACHINES = (1, 10, 100)
ASSUMED = {
    "cores_a_machine": 16,
    "busy": 0.9,  # share of the time that cores parse
    "network_gbit_a_machine": 10,
    "eur_a_core_hour": 0.04,
    "eur_a_gb_month": 0.023,
    "eur_a_million_puts": 5.0,
    "eur_a_million_gets": 0.4,
    "names_a_listing": 1000,
    "ms_a_listing": 100,
    "puts_a_second_a_prefix": 3500,
    "gets_a_second_a_prefix": 5500,
    "pictures_a_part": 1000,
}


def measured_on_a_core(src: str, task: Parse) -> dict[str, float]:
    """Core-seconds a picture and sizes, without Ray."""
    with tempfile.TemporaryDirectory() as out:
        store = Store(out)
        planned(src, store, {"as": "files"}, size=1 << 20)
        work = DoPart(store, task)
        task.parser.parse(np.zeros((64, 64, 3), np.uint8))  # opened before the clock runs
        start = time.process_time()
        told = work(0)
        seconds = time.process_time() - start
        rows = (Path(out) / "manifest/000000.jsonl").stat().st_size
    n = told.pictures - told.failed
    return {
        "core_s": seconds / n,
        "bytes_in": told.bytes_in / n,
        "bytes_labels": told.bytes_out / n,
        "bytes_manifest": rows / n,
    }


def megapixels(src: str) -> float:
    sizes = [picture_size(Path(one.source)) for one in found_in(src)]
    return sum(height * width for height, width in sizes) / 1e6 / len(sizes)


def nothing(item: int) -> int:
    return item


def ray_overhead(parts: int = 400) -> dict[str, float]:
    """Seconds until the first item is back, as a clock has them, and milliseconds of a core of
    the machine that hands out for each item."""
    start = time.perf_counter()
    with connected(Cluster(workers=1)):
        results = over_machines(nothing, range(parts), Cluster(workers=1))
        next(results)
        begun, busy = time.perf_counter(), time.process_time()
        assert len([*results]) == parts - 1
        busy = time.process_time() - busy
    return {"start_s": begun - start, "ms_a_part": 1e3 * busy / (parts - 1)}


def listing(n: int = 50_000) -> dict[str, float]:
    """Core-microseconds a name: cut into parts, and looked through again."""
    names = [
        Listed(f"s3://bucket/{i % 100:02x}/{i:09d}.jpg", f"{i:09d}", f"9 {i}") for i in range(n)
    ]
    with tempfile.TemporaryDirectory() as out:
        start = time.process_time()
        index, _ = cut(Store(out), names, 0, ASSUMED["pictures_a_part"])
        cut_s = time.process_time() - start
        size = sum(path.stat().st_size for path in Path(out).rglob("*.jsonl"))
        start = time.process_time()
        assert not [*islice(Again(index).new(names), 1)]
        again_s = time.process_time() - start
    return {
        "us_a_name": 1e6 * cut_s / n,
        "us_a_name_again": 1e6 * again_s / n,
        "index_bytes_a_name": index.itemsize,
        "list_bytes_a_name": size / n,
    }


# -- from what was measured to what is to be expected ----------------------------------------


def costs(found: dict[str, float], looks: str) -> list[list[str]]:
    a = ASSUMED
    core_hours = N * found[looks]["core_s"] / 3600
    gb_in = N * found[looks]["bytes_in"] / 1e9
    gb_out = N * (found[looks]["bytes_labels"] + found[looks]["bytes_manifest"]) / 1e9
    rows = []
    for machines in MACHINES:
        hours = core_hours / (machines * a["cores_a_machine"] * a["busy"])
        each = N / machines / hours / 3600
        gbit = each * found[looks]["bytes_in"] * 8 / 1e9
        rows.append(
            [
                f"{machines}",
                f"{hours / 24:.1f} days" if hours > 48 else f"{hours:.1f} h",
                f"{core_hours / a['busy']:,.0f}",
                f"{core_hours / a['busy'] * a['eur_a_core_hour']:,.0f} €",
                f"{machines * each:,.0f}",
                f"{gbit:.2f} Gbit/s",
                f"{gb_in / 1e3:.1f} TB",
                f"{gb_out / 1e3:.2f} TB",
            ]
        )
    return rows


def limits(found: dict[str, float], looks: str) -> list[list[str]]:
    """Where it saturates: what each piece can do at most, in pictures a second."""
    a, one = ASSUMED, found[looks]
    machine = a["cores_a_machine"] * a["busy"] / one["core_s"]
    network = a["network_gbit_a_machine"] * 1e9 / 8 / one["bytes_in"]
    per_part = found["ray"]["ms_a_part"] / 1e3
    listed = 1 / (
        a["ms_a_listing"] / 1e3 / a["names_a_listing"] + found["listing"]["us_a_name"] / 1e6
    )
    rows = [
        ("a machine's cores", machine, 1.0),
        ("its network, reading", network, network / machine),
        ("results as files, a prefix", a["puts_a_second_a_prefix"], a["puts_a_second_a_prefix"] / machine),
        ("reading, a prefix", a["gets_a_second_a_prefix"], a["gets_a_second_a_prefix"] / machine),
        ("the one who lists", listed, listed / machine),
        ("the one who hands out parts", a["pictures_a_part"] / per_part, a["pictures_a_part"] / per_part / machine),
    ]  # fmt: skip
    return [[name, f"{rate:,.0f}", f"{machines:,.1f}"] for name, rate, machines in rows]


def page(found: dict[str, float]) -> None:
    path = ROOT / "docs" / "explain" / "scale.md"
    one, two, a, speed = found["looks 1"], found["looks 2"], ASSUMED, result("speed")
    put(path, "measured", table(
        ["measured", "one look", "two looks"],
        [
            ["core-milliseconds a picture, from file to file", f"{1e3 * one['core_s']:.0f}", f"{1e3 * two['core_s']:.0f}"],
            ["the same of the clock, 1080p, from file to memory, on both cores at once", f"{speed['parse_one_look_ms']:.0f}", f"{speed['parse_two_looks_ms']:.0f}"],
            ["a picture, read", f"{one['bytes_in'] / 1e3:.0f} kB", f"{two['bytes_in'] / 1e3:.0f} kB"],
            ["its labels", f"{one['bytes_labels'] / 1e3:.1f} kB", f"{two['bytes_labels'] / 1e3:.1f} kB"],
            ["its line in the manifest", f"{one['bytes_manifest']:.0f} B", f"{two['bytes_manifest']:.0f} B"],
        ],
    ))  # fmt: skip
    head = [
        "machines",
        "takes",
        "core-hours",
        "at",
        "pictures/s",
        "each reads",
        "read in all",
        "results",
    ]
    put(path, "costs", table(head, costs(found, "looks 2")))
    put(
        path,
        "limits",
        table(["what", "pictures a second", "machines' worth"], limits(found, "looks 2")),
    )
    ray, lists = found["ray"], found["listing"]
    put(path, "engine", table(
        ["measured", ""],
        [
            ["Ray, from nothing to the first part (a busy machine; by the clock)", f"{ray['start_s']:.0f} s"],
            ["handing out a part and taking back what is said of it", f"{ray['ms_a_part']:.1f} ms"],
            ["cutting a list into parts, a name", f"{lists['us_a_name']:.0f} µs"],
            ["looking whether it is known, a name", f"{lists['us_a_name_again']:.0f} µs"],
            ["100 million names in memory", f"{N * lists['index_bytes_a_name'] / 1e9:.1f} GB"],
            ["and as lists of parts", f"{N * lists['list_bytes_a_name'] / 1e9:.0f} GB"],
        ],
    ))  # fmt: skip
    puts = {"files": 1.0, "tars or tables of parts": 1 / a["pictures_a_part"]}
    stored = N * (two["bytes_labels"] + two["bytes_manifest"]) / 1e9 * a["eur_a_gb_month"]
    put(path, "storage", table(
        ["results as", "uploads", "cost of uploads", "cost of reads", "kept, a month"],
        [
            [name, f"{N * share / 1e6:,.1f} million", f"{N * share / 1e6 * a['eur_a_million_puts']:,.0f} €",
             f"{N / 1e6 * a['eur_a_million_gets']:,.0f} €", f"{stored:,.2f} €"]
            for name, share in puts.items()
        ],
    ))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portraits", type=Path, help="a folder that has images/")
    parser.add_argument("--pictures", type=int, default=96)
    parser.add_argument("--page", action="store_true", help="only write the page anew")
    args = parser.parse_args()
    path = ROOT / "results" / "scale.json"
    if not args.page:
        files = sorted((args.portraits / "images").glob("*.jpg"))
        step = max(1, len(files) // args.pictures)
        with tempfile.TemporaryDirectory() as folder:
            src = Path(folder, "portraits.txt")
            src.write_text("\n".join(map(str, files[::step][: args.pictures])))
            two = Parse(Travelling("embedded-int8"))
            found = {
                "pictures": args.pictures,
                "megapixels": megapixels(str(src)),
                "looks 1": measured_on_a_core(str(src), replace(two, looks=1)),
                "looks 2": measured_on_a_core(str(src), two),
                "ray": ray_overhead(),
                "listing": listing(),
                "assumed": ASSUMED,
                "machine": platform.machine(),
                "cores": len(os.sched_getaffinity(0)),
            }
        path.write_text(json.dumps(found, indent=2) + "\n")
    page(json.loads(path.read_text()))


if __name__ == "__main__":
    main()
