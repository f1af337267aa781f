"""The embedded net, called like a Hugging Face pipeline for image segmentation.

python pipeline.py photo.jpg
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import easyportrait


class SegmentationPipeline:
    """`pipeline("image-segmentation", ...)` answers in this shape, so what takes one takes both."""

    def __init__(self, model: str | Path = "embedded-int8") -> None:
        self.parser = easyportrait.load(model)

    def __call__(self, picture: str | Path | Image.Image | list) -> list:
        """One picture, or several: for each class that is there a dict of `label`, `score`
        (how sure the net is of its pixels, on average) and `mask` (a picture of 0 and 255)."""
        if isinstance(picture, list):
            return [self(one) for one in picture]
        if isinstance(picture, Image.Image):
            picture = np.asarray(picture.convert("RGB"))
        parsing = easyportrait.parse(picture, model=self.parser)
        found = []
        for index, name in enumerate(parsing.taxonomy.names):
            here = parsing.labels == index
            if here.any():
                score = float(parsing.region(name)[here].mean())
                mask = Image.fromarray(here.astype(np.uint8) * 255)
                found.append({"label": name, "score": round(score, 4), "mask": mask})
        return found


if __name__ == "__main__":
    for part in SegmentationPipeline()(sys.argv[1]):
        share = np.asarray(part["mask"]).mean() / 255
        print(f"{part['label']:12} {part['score']:.3f} sure, {share:.1%} of the picture")
