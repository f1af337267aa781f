"""The release checklist, done: builds the package and tries it as a stranger would.

    pip install build twine && python tools/release.py [--keep DIR]

1. wheel and sdist are built, and `twine check` finds nothing;
2. the wheel is under 25 MB;
3. the wheel is installed into an empty environment; there, without a network where the system
   can take it away, the demo runs and finds a face, and the studio's page is built;
4. what came along is listed with its licence, all of them permissive.

Ends with status 1 at the first that fails, and says which.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_MB = 25
PERMISSIVE = re.compile(
    r"apache|mit\b|bsd|isc|psf|python software|hpnd|mpl-2|mozilla|unlicense|zlib", re.I
)
COPYLEFT = re.compile(r"\b(a?gpl|general public)", re.I)

LICENCES = """
import importlib.metadata as m, json
def licence(found):
    marks = [c for c in found.get_all("Classifier") or [] if "License ::" in c]
    told = ", ".join(c.split("::")[-1].strip() for c in marks)
    words = (found.get("License-Expression") or told or found.get("License") or "").strip()
    return words.splitlines()[0] if words else "not said"
print(json.dumps({d.metadata["Name"]: [d.version, licence(d.metadata)] for d in m.distributions()}))
"""


def run(*words: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [str(w) for w in words], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"FAILED {' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def without_network() -> list[str]:
    """What to put before a command so that it has none, if this system lets us."""
    words = ["unshare", "--net", "--map-root-user"]
    able = shutil.which("unshare") and subprocess.run([*words, "true"], check=False).returncode == 0
    return words if able else []


def built(dist: Path) -> Path:
    run(sys.executable, "-m", "build", "--outdir", dist, ROOT)
    run(sys.executable, "-m", "twine", "check", "--strict", *sorted(dist.iterdir()))
    (wheel,) = dist.glob("*.whl")
    size = wheel.stat().st_size / 1e6
    if size >= MOST_MB:
        sys.exit(f"FAILED the wheel has {size:.1f} MB, {MOST_MB} at most")
    print(f"built      {', '.join(p.name for p in sorted(dist.iterdir()))}; twine finds nothing")
    print(f"size       the wheel has {size:.1f} MB")
    return wheel


def tried(wheel: Path, desk: Path) -> Path:
    """The new environment's Python."""
    venv.create(desk / "env", with_pip=True)
    folder = desk / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    python, command = folder / "python", folder / "easyportrait"
    run(python, "-m", "pip", "install", "-q", f"{wheel}", cwd=desk)
    alone = without_network()
    run(*alone, command, "demo", cwd=desk)
    found = json.loads(next((desk / "easyportrait-demo").glob("*.json")).read_text())
    if len(found["faces"]) != 1:
        sys.exit(f"FAILED the demo found {len(found['faces'])} faces")
    run(*alone, command, "studio", "build", desk / "site", cwd=desk)
    how = "without a network" if alone else "with a network, which this system cannot take away"
    print(f"installed  into an empty environment; demo and studio ran {how}")
    return python


def licensed(python: Path) -> None:
    found: dict[str, list[str]] = json.loads(run(python, "-c", LICENCES))
    own = {"pip", "setuptools", "easyportrait"}
    others = {name: row for name, row in sorted(found.items()) if name.lower() not in own}
    for name, (version, licence) in others.items():
        print(f"  {name:24} {version:12} {licence}")
    odd = [
        n for n, (_, text) in others.items() if COPYLEFT.search(text) or not PERMISSIVE.search(text)
    ]
    if odd:
        sys.exit(f"FAILED not plainly permissive: {', '.join(odd)}")
    print(f"licences   {len(others)} packages come along, all permissive")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="where to leave wheel and sdist")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        desk = Path(folder)
        wheel = built(desk / "dist")
        licensed(tried(wheel, desk))
        if args.keep:
            shutil.copytree(desk / "dist", args.keep, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
