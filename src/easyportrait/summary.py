"""What was found in a picture, for machines: `parse --json`, and the server."""

from typing import Any

from .parsing import Parsing


def summary(result: Parsing, source: str) -> dict[str, Any]:
    """What was found, for machines: boxes are [left, top, right, bottom] in pixels."""
    height, width = result.size
    counts = [int((result.labels == i).sum()) for i in range(len(result.taxonomy))]
    return {
        "source": source,
        "width": width,
        "height": height,
        "model": result.model,
        "classes": {
            name: {"index": i, "pixels": n, "share": round(n / (height * width), 6)}
            for i, (name, n) in enumerate(zip(result.taxonomy.names, counts, strict=True))
        },
        "faces": [
            {
                "box": rounded(face.box.left, face.box.top, face.box.right, face.box.bottom),
                "roll": face.roll and round(face.roll, 1),
                "yaw": face.yaw and round(face.yaw, 1),
                "parts": {
                    name: {
                        "box": rounded(
                            part.box.left, part.box.top, part.box.right, part.box.bottom
                        ),
                        "centre": rounded(*part.centre),
                        "area": round(part.area, 1),
                    }
                    for name, part in face.parts.items()
                },
            }
            for face in result.faces
        ],
    }


def rounded(*values: float) -> list[float]:
    return [round(float(value), 1) for value in values]
