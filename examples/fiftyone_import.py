"""A folder of photographs and masks in FiftyOne, a model's answers beside them.

python fiftyone_import.py DATASET --media DIR [--model embedded-int8] [--split val]

DATASET is EasyPortrait, zipped or not, or a folder of images/ and masks/; pictures come into DIR,
since FiftyOne wants files. The app opens in a browser.
"""

import argparse
from pathlib import Path

import fiftyone as fo

import easyportrait
from easyportrait.data.portraits import open_folder
from easyportrait.taxonomy import CLASSES


def dataset_of(
    root: str, media: Path, split: str | None, model: str | None, limit: int
) -> "fo.Dataset":
    """The samples, their masks as `truth`, the model's labels as `predicted`."""
    dataset = fo.Dataset(overwrite=True, name="easyportrait")
    dataset.default_mask_targets = dict(enumerate(CLASSES.names))
    net = easyportrait.load(model) if model else None
    folder = open_folder(root, split)
    for at in range(min(limit, len(folder))):
        portrait = folder[at]
        path = media / f"{portrait.id}.png"
        easyportrait.write_image(path, portrait.image)
        sample = fo.Sample(filepath=str(path.absolute()), tags=[split or "all"])
        sample["truth"] = fo.Segmentation(mask=portrait.mask)
        if net is not None:
            parsing = easyportrait.parse(portrait.image, model=net)
            sample["predicted"] = fo.Segmentation(mask=parsing.labels)
            sample["faces"] = len(parsing.faces)
        dataset.add_sample(sample)
    return dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset")
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--split")
    parser.add_argument("--model", default="embedded-int8")
    parser.add_argument("--limit", type=int, default=1000)
    args = parser.parse_args()
    dataset = dataset_of(args.dataset, args.media, args.split, args.model, args.limit)
    fo.launch_app(dataset).wait()


if __name__ == "__main__":
    main()
