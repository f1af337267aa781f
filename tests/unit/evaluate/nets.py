"""Nets that know classes by their colours, and folders of pictures in these colours."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from easyportrait.data.portraits import PortraitFolder
from easyportrait.models.parser import Parser
from easyportrait.models.session import FakeSession, fake_card
from easyportrait.taxonomy import CLASSES, TASKS, to_task
from tests.conftest import by_colour


def parser_of(task: str, frame_side: int = 256) -> Parser:
    """A fake net of a task, sure of itself."""
    table = to_task(task).table[: len(CLASSES)]
    gather = (table == np.arange(len(TASKS[task]))[:, None]).astype(np.float32)

    def net(batch: np.ndarray) -> np.ndarray:
        return np.einsum("tc,nchw->nthw", gather, by_colour(batch)).astype(np.float32)

    return Parser(FakeSession(net, fake_card(task, frame_side=frame_side, face_side=512)))


def portraits_of(
    root: Path,
    masks: Mapping[str, np.ndarray],
    *,
    shown: Mapping[str, np.ndarray] | None = None,
    rows: Mapping[str, dict[str, Any]] | None = None,
) -> PortraitFolder:
    """A folder of masks with pictures in their colours.

    Args:
        shown: what pictures show instead of their masks.
        rows: of the manifest; there is none without.
    """
    (root / "images").mkdir()
    (root / "masks").mkdir()
    for name, mask in masks.items():
        picture = CLASSES.colour((shown or {}).get(name, mask))[..., ::-1]
        cv2.imwrite(str(root / f"images/{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 98])
        cv2.imwrite(str(root / f"masks/{name}.png"), mask)
    if rows:
        lines = (json.dumps({"id": name} | row) for name, row in rows.items())
        (root / "manifest.jsonl").write_text("\n".join(lines))
    return PortraitFolder(root)
