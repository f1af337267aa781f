"""The server under load on this machine: capacity, times, refusals and memory.

    python benchmarks/server.py [--quick]

`easyportrait serve` runs as its users start it and is asked over loopback by this process, which
shares the cores with it: half parses, half applies (a blurred background, whiter teeth), each
of the demo's photograph as JPEG. What it does at most is found first, by askers who wait for
their answers and by far too many who do not, which warms it up. Then it is asked for two minutes
at 60 % of that, where nothing may fail, and for two minutes at twice as much, where what is not
answered must be a 429 with Retry-After, at once. Requests come at an even pace whether or not
earlier ones are answered, and times count from when each was due.
Resident memory is read from the kernel every half second; growth is from the first ten seconds
after the warm-up to the last ten. `--quick`: two seconds each, nothing written.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

from easyportrait.assets import DEMO

RESULTS = Path(__file__).parents[1] / "results"
PICTURE = DEMO.read_bytes()
WISHES = quote('{"background": "blur", "whiten-teeth": 0.6}')
PATHS = {"parse": "/v1/parse", "apply": f"/v1/apply?effects={WISHES}"}
BELOW, ABOVE, WARM = 0.6, 2.0, 4.0
ASKERS = 64  # more than the server has places, so that it, not they, decides who waits


@dataclass(frozen=True)
class Asked:
    """One request: of what, its status, seconds, and when a refusal says to come again."""

    what: str
    status: int
    seconds: float
    again: str | None


def ask(address: str, what: str, due: float) -> Asked:
    to = urlsplit(address)
    line = HTTPConnection(to.hostname, to.port, timeout=90)
    try:
        line.request("POST", PATHS[what], PICTURE, {"Content-Type": "image/jpeg"})
        answer = line.getresponse()
        answer.read()
        return Asked(what, answer.status, time.monotonic() - due, answer.getheader("Retry-After"))
    except OSError:
        return Asked(what, 0, time.monotonic() - due, None)
    finally:
        line.close()


def at_pace(address: str, per_s: float, seconds: float) -> list[Asked]:
    """Requests at an even pace, whatever becomes of them."""
    began, jobs = time.monotonic(), []
    with ThreadPoolExecutor(ASKERS) as pool:
        for n in range(round(per_s * seconds)):
            due = began + n / per_s
            time.sleep(max(0.0, due - time.monotonic()))
            jobs.append(pool.submit(ask, address, ("parse", "apply")[n % 2], due))
        return [job.result() for job in jobs]


def capacity(address: str, seconds: float) -> float:
    """Requests a second when each of as many as there are cores asks again at once."""
    until = time.monotonic() + seconds

    def go_on(n: int) -> int:
        done = 0
        while time.monotonic() < until:
            asked = ask(address, ("parse", "apply")[(n + done) % 2], time.monotonic())
            assert asked.status == 200, asked
            done += 1
        return done

    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        done = sum(pool.map(go_on, range(cores())))
    return done / (time.monotonic() - began)


def answered_per_s(address: str, per_s: float, seconds: float) -> float:
    """The same when far more is asked than can be answered."""
    began = time.monotonic()
    found = at_pace(address, per_s, seconds)
    return sum(one.status == 200 for one in found) / (time.monotonic() - began)


def cores() -> int:
    return len(os.sched_getaffinity(0))


class Memory(threading.Thread):
    """A process's resident megabytes, every half second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.seen = pid, []

    def run(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while True:
            try:
                pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            except (OSError, IndexError):
                return
            self.seen.append(pages * page / 1e6)
            time.sleep(0.5)


@contextmanager
def server():
    command = [sys.executable, "-m", "easyportrait", "serve", "--port", "0"]
    made = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield made.stdout.readline().strip(), made.pid
    finally:
        made.terminate()
        made.wait()


def ms(seconds: list[float]) -> dict[str, float]:
    if len(seconds) < 2:
        return {}
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {f"p{at}": round(1e3 * cuts[at - 1], 1) for at in (50, 95, 99)}


def told(found: list[Asked], per_s: float, seconds: float) -> dict:
    refused = [one for one in found if one.status == 429]
    clean = all(one.again and int(one.again) >= 1 for one in refused)
    return {
        "asked_per_s": round(per_s, 2),
        "seconds": seconds,
        "requests": len(found),
        "answered": sum(one.status == 200 for one in found),
        "refused_429": len(refused),
        "refused_without_retry_after": 0 if clean else sum(not one.again for one in refused),
        "failed": sum(one.status not in (200, 429) for one in found),
        "answered_ms": {
            what: ms([one.seconds for one in found if one.status == 200 and one.what == what])
            for what in PATHS
        },
        "refused_ms": ms([one.seconds for one in refused]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    seconds = 2.0 if quick else 120.0
    with server() as (address, pid):
        capacity(address, 2)  # the first ones take longer
        most = capacity(address, 2 if quick else 12)
        most = max(most, answered_per_s(address, most * WARM, 2 if quick else 15))
        memory = Memory(pid)
        memory.start()
        below = told(at_pace(address, most * BELOW, seconds), most * BELOW, seconds)
        middle = len(memory.seen)
        above = told(at_pace(address, most * ABOVE, seconds), most * ABOVE, seconds)
        seen = memory.seen[:]
    few = 2 if quick else 20
    first, last = statistics.median(seen[:few]), statistics.median(seen[-few:])
    found = {
        "capacity_per_s": round(most, 2),
        "below": below,
        "above": above,
        "rss_mb": {
            "after_warm_up": round(first, 1),
            "after_below": round(statistics.median(seen[max(0, middle - few) : middle]), 1),
            "at_the_end": round(last, 1),
            "most": round(max(seen), 1),
        },
        "rss_growth": round(last / first - 1, 4),
        "cores": cores(),
        "machine": platform.processor() or platform.machine(),
    }
    print(json.dumps(found, indent=2))
    if quick:
        return
    (RESULTS / "server.json").write_text(json.dumps(found, indent=2) + "\n")
    if below["failed"] or below["refused_429"] or above["failed"]:
        sys.exit("requests failed")
    if above["refused_without_retry_after"] or found["rss_growth"] > 0.05:
        sys.exit("refusals without Retry-After, or memory grew")


if __name__ == "__main__":
    main()
