"""Write docs/results.md, docs/embedded.md's tables and README's from results/*.json.

python benchmarks/tables.py
"""

import json
import re
from collections import defaultdict
from pathlib import Path

import easyportrait
from easyportrait.taxonomy import CLASSES

ROOT = Path(__file__).parents[1]


def result(name: str) -> dict:
    return json.loads((ROOT / "results" / f"{name}.json").read_text())


def table(head: list[str], rows: list[list[str]]) -> str:
    align = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, align, *rows])


def scores() -> str:
    sets = result("embedded-int8")["sets"]
    names = [*CLASSES.names, "person_whole"]
    rows = [
        [name.replace("_", " "), *(number(row["iou"].get(name)) for row in sets.values())]
        for name in names
    ]
    rows.append(["**brows, eyes, lips**", *(number(row.get("five")) for row in sets.values())])
    return table(["IoU", *sets], rows)


TRAINED = {  # results/NAME.json -> its net in results/nets.json
    "embedded-int8": "efficientlite-fpn",
    "embedded": "efficientlite-fpn",
    "portraits-segformer-b0": "segformer-b0",
    "portraits-bisenet-v2": "bisenet-v2",
}


def trained() -> str:
    """Nets trained here, beside each other."""
    rows = []
    for name, net in TRAINED.items():
        if not (ROOT / "results" / f"{name}.json").exists():
            continue
        found = result(name)
        two, val = found["sets"]["outlined, looks 2"], found["sets"]["portraits-val, looks 2"]
        parts = ("person_whole", "skin", "lips", "teeth")
        rows.append(
            [
                name,
                f"{result('nets')['nets'][net]['parameters'] / 1e6:.2f} M",
                str(found["looks"][0]),
                found["trained"],
                number(two["five"]),
                *(number(val["iou"][part]) for part in parts),
            ]
        )
    head = ["net", "parameters", "looks of", "trained", "outlined: brows, eyes, lips"]
    return table([*head, "val: person", "skin", "lips", "teeth"], rows)


def nets() -> str:
    """Speed of each net, in training and as a model file."""
    found = result("nets")
    sides = ("256", "384", "512", "1024")
    rows = [
        [
            name,
            f"{row['parameters'] / 1e6:.2f} M",
            f"{row['train_images_per_s']:.1f}",
            *(f"{row['file_ms'][side]:,.0f}" for side in sides),
            *(f"{row['stated_ms'].get(side, 0):,.0f}" if row["stated_ms"].get(side) else ""
              for side in sides),
        ]
        for name, row in found["nets"].items()
    ]  # fmt: skip
    head = ["net", "parameters", f"training, images/s at {found['train_side']}"]
    head += [f"file, ms at {side}" for side in sides] + [f"stated at {side}" for side in sides]
    loader = found["loader_images_per_s"]
    text = (
        f"The loader makes {loader['1']} samples a second in one process and {loader['2']} in two, "
        "so on a CPU no net waits for it."
        if loader
        else ""
    )
    return f"{table(head, rows)}\n\n{text}".rstrip()


def growth() -> str:
    """Cost against size, faces and cores."""
    found = result("growth")
    size = [
        [name, f"{row['labels_ms']:,.0f}", f"{row['cutout_ms']:,.0f}"]
        for name, row in found["size"].items()
    ]
    faces = [
        [name, f"{row['labels_ms']:,.0f}", f"{row['cutout_ms']:,.0f}"]
        for name, row in found["faces"].items()
    ]
    cores = [[name, *(f"{v:,}" for v in row.values())] for name, row in found["cores"].items()]
    head = ["file to labels, ms", "then the cutout, ms"]
    return "\n\n".join(
        [
            table(["one face in", *head], size),
            table(["faces in 12 MP", *head], faces),
            table(["2 MP, cores:", *found["cores"]["one picture, ms"]], cores),
        ]
    )


def effects() -> str:
    found = result("effects")
    rows = [[f"`{name}`", f"{ms:,.0f}"] for name, ms in found["ms_a_megapixel"].items()]
    return table(["", "ms a megapixel"], rows)


def video() -> str:
    found = result("video")
    rows = [
        [name, f"{fps:.1f}", f"{found['over_mediapipe'][name]:.2f}"]
        for name, fps in found["fps"].items()
    ]
    calm = [
        [name, f"{row['labels']:.3%}", f"{row['person']:.4f}"]
        for name, row in found["unrest_of_a_still_film"].items()
    ]
    return "\n\n".join(
        [
            table(["720p, background blurred", "frames a second", "times MediaPipe"], rows),
            table(["a still film", "labels that change", "mean change of the person"], calm),
        ]
    )


def int8() -> str:
    """Score and speed of trained nets as int8, beside their float32."""
    rows = []
    for name, row in result("int8")["nets"].items():
        if "refused" in row:
            rows.append([name, "refused"])
            continue
        sides = row["ms"].items()
        times = (
            ", ".join(f"{ms['onnx, float32'] / ms[kind]:.2f}" for _, ms in sides)
            for kind in ("onnx, int8", "openvino, float32", "openvino, int8")
        )
        rows.append(
            [
                f"{name}, at {' and '.join(row['ms'])}",
                f"{row['bytes'] / 1e6:.1f} of {row['bytes_before'] / 1e6:.1f}",
                f"{row['mean']:.4f} of {row['mean_before']:.4f}",
                f"{min(found['same'] for found in row['runtimes'].values()):.1%}",
                *times,
            ]
        )
    head = ["net", "MB", "mean IoU", "pixels of the same class", "ONNX Runtime, int8"]
    return table([*head, "OpenVINO, float32", "OpenVINO, int8"], rows)


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def speed() -> str:
    row, memory = result("speed"), result("memory")
    return (
        f"A 1080p photograph with one face, from file to labels: {row['parse_two_looks_ms']:.0f} ms "
        f"with two looks, {row['parse_one_look_ms']:.0f} ms with one, on {row['cores']} cores "
        f"({row['reading_ms']:.0f} ms of it reading the JPEG). MediaPipe's selfie segmentation, which "
        f"knows one class, takes {row['mediapipe_ms']:.0f} ms from the same file to its mask in the "
        f"same run: ours takes {row['two_looks_over_mediapipe']:.2f} times as long. A "
        f"{memory['megapixels']}-megapixel photograph is parsed and cut out within "
        f"{memory['cut_out_mb'] / 1000:.1f} GB."
    )


def groups() -> str:
    """Scores by kind of picture."""
    rows = []
    for kind in result("groups").values():
        rows.append([f"**{kind['label']}**", "", "", ""])
        rows += [
            [
                g["name"],
                str(g["pictures"]),
                number(g["value"]),
                f"{g['low']:.3f} to {g['high']:.3f}",
            ]
            for g in kind["groups"]
        ]
    return table(["kind of picture", "pictures", "mean IoU", "95 % interval"], rows)


def offset() -> str:
    seen = result("offset")["iou_by_dx_dy"]["as they are"]
    here, moved = seen["0, 0"], seen["0.5, 0.5"]
    parts = ("left_eye", "right_eye", "lips")
    rows = [
        [name, *(f"{row[part]:.3f}" for part in parts)]
        for name, row in (
            ("labels as they are", here),
            ("labels moved to where the masks lie", moved),
        )
    ]
    return table(["two looks", *(part.replace("_", " ") for part in parts)], rows)


def data() -> str:
    row = result("data")
    rows = [
        [
            f"`data {name}`",
            *(
                f"{found[key]:,}"
                for key in ("pictures_per_s", "plain_per_s", "times_plain", "peak_mb")
            ),
        ]
        for name, found in row["commands"].items()
    ]
    head = ["", "pictures a second", "plain loop", "times the loop", "peak MB"]
    return (
        f"{row['pictures']:,} pictures of {row['width']} x {row['height']}, a table of {row['rows']:,} rows, "
        f"{row['cores']} cores.\n\n{table(head, rows)}"
    )


def server() -> str:
    """`serve` below and beyond what it can do."""
    found = result("server")
    below, above, memory = found["below"], found["above"], found["rss_mb"]
    rows = [
        [
            f"`/v1/{what}`, {name}",
            f"{load['asked_per_s']:.1f}",
            *(f"{ms:,.0f}" for ms in times.values()),
        ]
        for name, load in (("below", below), ("beyond", above))
        for what, times in load["answered_ms"].items()
    ]
    rows.append(["refused, beyond", "", *(f"{ms:,.0f}" for ms in above["refused_ms"].values())])
    head = ["", "requests asked a second, both kinds", "p50 ms", "p95 ms", "p99 ms"]
    return (
        f"At most {found['capacity_per_s']:.1f} requests a second on {found['cores']} cores, which who asks "
        f"has a share of. In {below['seconds']:.0f} s below that, {below['requests']:,} were asked and "
        f"{below['failed'] + below['refused_429']} not answered. In {above['seconds']:.0f} s beyond it, "
        f"{above['requests']:,} were asked, {above['answered']:,} answered, {above['refused_429']:,} told to "
        f"come again (429 with Retry-After), and {above['failed']} failed. Resident memory: "
        f"{memory['after_warm_up']:.0f} MB after the warm-up, {memory['at_the_end']:.0f} MB at the end "
        f"({found['rss_growth']:+.1%}), {memory['most']:.0f} MB at most.\n\n{table(head, rows)}"
    )


def headline() -> str:
    sets = result("embedded-int8")["sets"]
    two, val = sets["outlined, looks 2"], sets["portraits-val, looks 2"]
    return (
        f"On 142 faces drawn by hand and never trained on: brows "
        f"{two['iou']['left_brow']:.2f} and {two['iou']['right_brow']:.2f}, eyes "
        f"{two['iou']['left_eye']:.2f} and {two['iou']['right_eye']:.2f}, lips "
        f"{two['iou']['lips']:.2f} IoU (mean {two['five']:.3f}). On 201 photographs held out, "
        f"against masks that other models made: person {val['iou']['person_whole']:.2f}, skin "
        f"{val['iou']['skin']:.2f}, teeth {val['iou']['teeth']:.2f}.\n\n{speed()}"
    )


def sources() -> str:
    """By licence and source, from the card inside the model file."""
    by_licence = defaultdict(list)
    for source in easyportrait.load().card.sources:
        by_licence[source.licence].append(source)
    rows = []
    for licence in sorted(by_licence):
        found = by_licence[licence]
        rows.append([f"**{licence}**", str(sum(s.pictures for s in found))])
        rows += [[s.name, str(s.pictures)] for s in found]
    return table(["source", "pictures"], rows)


def limits() -> str:
    return "\n".join(f"- {limit}" for limit in easyportrait.load().card.limits)


def put(path: Path, name: str, text: str) -> None:
    """Replace what stands between a page's markers."""
    page = path.read_text()
    pattern = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
    assert pattern.search(page), f"{path} has no markers {name!r}"
    path.write_text(pattern.sub(lambda m: f"{m[1]}{text}\n{m[2]}", page))


def main() -> None:
    put(ROOT / "README.md", "scores", headline())
    put(ROOT / "docs" / "results.md", "scores", scores())
    put(ROOT / "docs" / "results.md", "offset", offset())
    put(ROOT / "docs" / "results.md", "speed", speed())
    for name, write in (
        ("data", data), ("trained", trained), ("nets", nets), ("growth", growth), ("server", server), ("effects", effects), ("video", video)
    ):  # fmt: skip
        put(ROOT / "docs" / "results.md", name, write())
    put(ROOT / "docs" / "explain" / "fairness.md", "groups", groups())
    put(ROOT / "docs" / "embedded.md", "limits", limits())
    put(ROOT / "docs" / "embedded.md", "sources", sources())


if __name__ == "__main__":
    main()
