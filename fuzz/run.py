"""Look for what breaks: `python fuzz/run.py --seconds 60 [TARGET]...`.

With atheris (the extra `fuzz`) changes are led by what code they reach; without it, they are
random. Each target runs in a process of its own. A find is kept as `FOUND/TARGET-HASH` and its
trace is printed; the exit status is 1 if there is one.
"""

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
import traceback
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from fuzz.target import TARGETS, Target, load  # noqa: E402

LONGEST = 1 << 14  # bytes that an input grows to
SLOWEST = 20  # seconds that one input may take
LED = ("easyportrait", "PIL", "zipfile", "tomllib", "tomli")  # whose branches lead atheris


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    asked.add_argument("--seconds", type=int, default=60, help="for each target")
    asked.add_argument("--found", type=Path, default=ROOT / "fuzz" / "found")
    asked.add_argument("--plain", action="store_true", help="at random, also with atheris")
    asked.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = asked.parse_args()
    if unknown := [name for name in args.targets if name not in TARGETS]:
        asked.error(f"no target {unknown[0]!r}; targets: {', '.join(TARGETS)}")
    if args.seconds < 1:
        asked.error("--seconds is at least 1")
    args.found.mkdir(parents=True, exist_ok=True)
    if args.one:
        is_led = not args.plain and find_spec("atheris") is not None
        return (led if is_led else at_random)(args.targets[0], args.seconds, args.found)
    failed = []
    for name in args.targets or TARGETS:
        own = [__file__, name, "--one", "--seconds", str(args.seconds), "--found", str(args.found)]
        process = subprocess.run([sys.executable, *own, *["--plain"] * args.plain], check=False)
        print(f"{name}: {'broken' if process.returncode else 'nothing found'}", flush=True)
        failed += [name] if process.returncode else []
    return 1 if failed else 0


def led(name: str, seconds: int, found: Path) -> int:
    """By atheris, which leaves the process itself; what it learns lasts as long as the run."""
    import atheris

    with atheris.instrument_imports(include=list(LED)):
        target = load(name)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as learnt:
        words = Path(learnt, "words")
        words.write_text("".join(f'"{escaped(word)}"\n' for word in target.words))
        (new := Path(learnt, "new")).mkdir()
        options = [
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST}",
            f"-timeout={SLOWEST}",
            f"-artifact_prefix={found / name}-",
            f"-dict={words}",
            "-rss_limit_mb=4096",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(new), str(target.corpus)], target.check)
        atheris.Fuzz()
    return 0


def escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def at_random(name: str, seconds: int, found: Path) -> int:
    """Files of the corpus changed a few times each, until the time is over or one breaks."""
    target, chance = load(name), random.Random(time.time_ns())
    corpus = [path.read_bytes() for path in sorted(target.corpus.iterdir())]
    until, tried = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        data = changed(chance.choice(corpus), target, corpus, chance)[:LONGEST]
        began = time.monotonic()
        try:
            target.check(data)
            if (took := time.monotonic() - began) > SLOWEST:
                raise TimeoutError(f"{took:.0f} s, over {SLOWEST}")
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            kept = found / f"{name}-{hashlib.sha256(data).hexdigest()[:16]}"
            kept.write_bytes(data)
            traceback.print_exc()
            print(f"kept as {kept}", file=sys.stderr)
            return 1
        tried += 1
    print(f"{name}: {tried} inputs, at random")
    return 0


def changed(data: bytes, target: Target, corpus: list[bytes], chance: random.Random) -> bytes:
    """The same bytes after one to eight changes."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(made))
        end = min(len(made), at + chance.choice((1, 1, 2, 4, 16, 256)))
        match chance.randrange(6):
            case 0 if at < len(made):
                made[at] ^= 1 << chance.randrange(8)
            case 1:
                made[at:end] = chance.randbytes(end - at)
            case 2:
                del made[at:end]
            case 3:
                made[at:end] = chance.choice(target.words)
            case 4:
                made[at:at] = made[at:end] * chance.randint(1, 4)
            case 5 if other := chance.choice(corpus):
                start = chance.randrange(len(other))
                made[at:end] = other[start : start + chance.randint(1, 64)]
    return bytes(made)


if __name__ == "__main__":
    sys.exit(main())
