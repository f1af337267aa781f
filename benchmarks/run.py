"""Everything that we claim, measured in one go; then the tables in the docs.

    python benchmarks/run.py [--peer-python PYTHON] [--portraits DIR] [--outlined DIR] [--only NAME]...

A script that needs something not given is left out, and said to be. What one prints goes to
results/NAME.log beside its figures, which git ignores. Takes an hour or two; a failure of one
does not stop the others, and is told at the end with status 1.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"

# Each script with its arguments; {name} stands for what --name gives.
SCRIPTS = {
    "headlines": ["--write"],
    "speed": ["--peer-python", "{peer_python}"],
    "video": ["--peer-python", "{peer_python}"],
    "growth": [],
    "memory": [],
    "effects": [],
    "data": [],
    "server": [],
    "runtimes": [],
    "nets": ["--portraits", "{portraits}"],
    "offset": ["embedded", "--portraits", "{portraits}"],
    "scores": ["embedded-int8", "--portraits", "{portraits}", "--outlined", "{outlined}"],
    "groups": ["--portraits", "{portraits}"],
    "scale": [],
}


def command(script: str, given: dict[str, Path | None]) -> list[str] | str:
    """How to call a script, or the option that it lacks."""
    words = []
    for word in SCRIPTS[script]:
        name = word.strip("{}")
        if name == word:
            words.append(word)
        elif given[name] is None:
            return f"--{name.replace('_', '-')}"
        else:
            words.append(str(given[name]))
    return [sys.executable, str(HERE / f"{script}.py"), *words]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", type=Path)
    parser.add_argument("--portraits", type=Path)
    parser.add_argument("--outlined", type=Path)
    parser.add_argument("--only", action="append", choices=SCRIPTS)
    args = parser.parse_args()
    failed = []
    for script in args.only or SCRIPTS:
        words = command(script, vars(args))
        if isinstance(words, str):
            print(f"{script:10} left out: it needs {words}", flush=True)
            continue
        begun = time.monotonic()
        with (RESULTS / f"{script}.log").open("w") as log:
            status = subprocess.run(words, stdout=log, stderr=log, check=False).returncode
        failed += [script] * (status != 0)
        told = "done" if status == 0 else f"FAILED, see results/{script}.log"
        print(f"{script:10} {time.monotonic() - begun:5.0f} s  {told}", flush=True)
    subprocess.run([sys.executable, str(HERE / "tables.py")], check=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
