"""Make src/easyportrait/serve/page/vendor/ anew: ONNX Runtime's WebAssembly build, from npm.

    python tools/vendor.py              the version that vendor.json names
    python tools/vendor.py 1.31.0       another one; look at what vendor.json says afterwards

npm checks the package against the registry's own hash. The licence and the notices of what
is built into it are not in that package: they are the Python package's, `onnxruntime`.
"""

import gzip
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import distribution
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "src" / "easyportrait" / "serve" / "page" / "vendor"
PACKAGE = "onnxruntime-web"
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
PACKED = (".wasm",)  # kept as .gz: a quarter of the size
LEGAL = ("LICENSE", "ThirdPartyNotices.txt")


def main() -> None:
    record = VENDOR / "vendor.json"
    version = sys.argv[1] if len(sys.argv) > 1 else json.loads(record.read_text())["version"]
    files = from_npm(version) | legal()
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        if name.endswith(PACKED):
            (VENDOR / f"{name}.gz").write_bytes(gzip.compress(data, 9, mtime=0))
        else:
            (VENDOR / name).write_bytes(data)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    made = {"package": PACKAGE, "version": version, "licence": "MIT", "sha256": hashes}
    record.write_text(json.dumps(made, indent=2) + "\n")
    print(record.read_text(), end="")


def from_npm(version: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        packing = ["npm", "pack", f"{PACKAGE}@{version}", "--silent"]
        done = subprocess.run(packing, cwd=folder, check=True, capture_output=True, text=True)
        with tarfile.open(Path(folder) / done.stdout.strip()) as archive:
            found = {name: archive.extractfile(f"package/dist/{name}") for name in FILES}
            return {name: file.read() for name, file in found.items() if file is not None}


def legal() -> dict[str, bytes]:
    package = Path(str(distribution("onnxruntime").locate_file("onnxruntime")))
    return {name: (package / name).read_bytes() for name in LEGAL}


if __name__ == "__main__":
    main()
