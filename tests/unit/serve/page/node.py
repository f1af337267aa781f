"""The page's modules in Node, asked from Python: most of them need no browser.

    answer = run("const {round} = await load('engine/numbers.js'); return given.map(round)", [0.5])

Arrays go over as typed arrays, and come back as flat NumPy arrays.
"""

import base64
import json
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest

from easyportrait.serve.studio import PAGE

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed (node)")

TYPES = {
    "float32": "Float32Array",
    "float64": "Float64Array",
    "int32": "Int32Array",
    "uint8": "Uint8Array",
}
RUNNER = """
import { readFileSync, writeSync } from "node:fs";
const load = (path) => import(PAGE + path);
const typed = { Float32Array, Float64Array, Int32Array, Uint8Array };
const revive = (_, value) => {
  if (!value?.$type) return value;
  const bytes = Uint8Array.from(Buffer.from(value.$bytes, "base64"));
  return new typed[value.$type](bytes.buffer);
};
const replace = (_, value) => {
  if (!ArrayBuffer.isView(value)) return value;
  const name = value.constructor.name.replace("Clamped", "");
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { $type: name, $bytes: bytes.toString("base64") };
};
const work = async (given) => { CODE };
const answer = await work(JSON.parse(readFileSync(0, "utf-8"), revive));
let text = Buffer.from(JSON.stringify(answer ?? null, replace));
while (text.length) text = text.subarray(writeSync(1, text));
"""


def run(code: str, given: Any = None) -> Any:
    """What a function's body returns, where it can `load` modules of the page by their paths."""
    assert NODE is not None
    script = RUNNER.replace("PAGE", json.dumps(f"{PAGE.as_uri()}/")).replace("CODE", code)
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", script],
        input=json.dumps(given, default=packed),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout, object_hook=unpacked)


def packed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        text = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"$type": TYPES[value.dtype.name], "$bytes": text}
    raise TypeError(f"{type(value)} is nothing that goes over")


def unpacked(value: dict[str, Any]) -> Any:
    if "$type" not in value:
        return value
    dtype = next(name for name, kind in TYPES.items() if kind == value["$type"])
    return np.frombuffer(base64.b64decode(value["$bytes"]), dtype)


def picture(image: np.ndarray) -> dict[str, Any]:
    """(H, W, 3) uint8 as modules take pictures."""
    height, width = image.shape[:2]
    rgba = np.dstack([image, np.full((height, width), 255, np.uint8)])
    return {"data": rgba, "width": width, "height": height}
