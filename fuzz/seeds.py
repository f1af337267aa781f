"""Make the corpus again: `python fuzz/seeds.py`. What was found (`found-*`) stays."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.target import TARGETS, load


def main() -> None:
    for name in TARGETS:
        target = load(name)
        target.corpus.mkdir(parents=True, exist_ok=True)
        for path in target.corpus.iterdir():
            if not path.name.startswith("found-"):
                path.unlink()
        for file, data in target.seeds().items():
            (target.corpus / file).write_bytes(data)
        print(f"{name}: {len(list(target.corpus.iterdir()))} files")


if __name__ == "__main__":
    main()
