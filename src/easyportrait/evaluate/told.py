"""Scores as JSON and as words; docs/howto/evaluate.md lists the keys, which are to stay."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from . import boundary, calibration
from .bootstrap import ROUNDS, Value
from .groups import Attribute, Group
from .record import held_iou
from .scores import Scored, Scores, reliability, rounded

LABELS = {
    "miou": "mean IoU",
    "mean_f1": "mean F1 (Dice)",
    "accuracy": "pixel accuracy",
    "boundary_f": "mean boundary F",
    "boundary_iou": "mean boundary IoU",
    "calibration_error": "expected calibration error",
    "sad": "person, SAD, thousand pixels",
    "mad": "person, mean absolute difference",
    "mse": "person, mean squared difference",
    "gradient_error": "person, gradient error",
}
TASK_LABELS = {
    "joint": "mean IoU of nine classes",
    "ps": "mean IoU of two: background, person",
    "fp": "mean IoU of eight: faces",
}
CLASS_LABELS = {
    "iou": "IoU",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "boundary_f": "boundary F",
    "boundary_iou": "boundary IoU",
}


# -- words ---------------------------------------------------------------------------------


def overview(scores: Scores) -> list[tuple[str, Value]]:
    """What a model reaches in all, a row each: what it is, and the value."""
    total = scores.total
    others = {task: value for task, value in total.tasks.items() if task != scores.task}
    rows = [(LABELS[name], value) for name, value in total.overall.items()]
    told = [(TASK_LABELS[task], value) for task, value in others.items()]
    return [*rows[:1], *told, *rows[1:]]


def number(value: float | None, places: int = 3) -> str:
    """
    >>> number(0.51239), number(1234.5678), number(None)
    ('0.512', '1,234.568', '-')
    """
    return "-" if value is None else f"{value:,.{places}f}"


def ends(value: Value, places: int = 3) -> str:
    """The interval, "0.512–0.630"; empty where there is none."""
    if value.low is None or value.high is None:
        return ""
    return f"{number(value.low, places)}–{number(value.high, places)}"


def spoken(name: str) -> str:
    return name.replace("_", " ")


def heading(attribute: Attribute) -> str:
    return f"{attribute.label}: {attribute.unit}" if attribute.unit else attribute.label


def whose(scores: Scores) -> str:
    """What intervals were made by drawing again."""
    users = scores.total.users
    if not users:
        return "pictures, since no table tells whose they are"
    lone = sum(record.user is None for record in scores.records)
    rest = f", and {lone:,} pictures of nobody known" if lone else ""
    return f"the {users:,} users{rest}"


# -- JSON ----------------------------------------------------------------------------------


def to_json(scores: Scores, **about: Any) -> str:
    """All of it as one JSON object, "each" picture on a line of its own at the end.

    Args:
        about: what else to tell, at the top.
    """
    total = scores.total
    told = {
        "model": scores.model,
        "task": scores.task,
        "looks": scores.looks,
        **about,
        "pictures": scores.pictures,
        "users": total.users,
        "failures": [asdict(failure) for failure in scores.failures],
        "iou": scores.iou,
        "mean": None if np.isnan(scores.mean) else scores.mean,
        "resampled": {"by": "user" if total.users else "picture", "rounds": ROUNDS},
        "overall": _values(total.overall),
        "tasks": _values(total.tasks),
        "classes": {name: _values(its) for name, its in total.classes.items()},
        "confusion": {"classes": scores.taxonomy.names, "pixels": scores.counts.tolist()},
        "boundary": {
            "tolerance": boundary.TOLERANCE,
            "dilation": boundary.DILATION,
            "longest_side": boundary.SIDE,
        },
        "calibration": {"longest_side": calibration.SIDE, "bins": _bins(scores)},
        "groups": {
            attribute.name: {
                "label": attribute.label,
                "unit": attribute.unit,
                "groups": [_group(*one) for one in groups],
            }
            for attribute, groups in scores.by_group.items()
        },
    }
    head = json.dumps(told, indent=2).removesuffix("\n}")
    each = ",\n    ".join(json.dumps(row) for row in _rows(scores))
    return f'{head},\n  "each": [\n    {each}\n  ]\n}}'


def _values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: asdict(value) for name, value in values.items()}


def _bins(scores: Scores) -> list[dict[str, Any]]:
    sure, right = reliability(scores.bins)
    return [
        {
            "from": round(i / calibration.BINS, 4),
            "to": round((i + 1) / calibration.BINS, 4),
            "points": int(scores.bins[0, i]),
            "confidence": rounded(sure[i]),
            "accuracy": rounded(right[i]),
        }
        for i in range(calibration.BINS)
    ]


def _group(group: Group, scored: Scored) -> dict[str, Any]:
    return {
        "name": group.name,
        "from": group.low,
        "to": group.high,
        "pictures": scored.pictures,
        "users": scored.users,
        "overall": _values(scored.overall),
        "iou": {name: asdict(its["iou"]) for name, its in scored.classes.items()},
    }


def _rows(scores: Scores) -> list[dict[str, Any]]:
    names = scores.taxonomy.names
    return [
        {
            "name": record.name,
            "user": record.user,
            "miou": rounded(record.miou),
            "iou": dict(zip(names, map(rounded, held_iou(record.counts)), strict=True)),
            **record.attributes,
        }
        for record in scores.records
    ]
