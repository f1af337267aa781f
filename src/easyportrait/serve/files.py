"""A page's files over HTTP: those in a folder, packed ones too, and those that are made."""

import gzip
import hashlib
import os
from collections.abc import Mapping, MutableMapping
from mimetypes import guess_type
from pathlib import Path, PurePosixPath
from typing import Any

import anyio
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles

# Browsers run no module of another type, and what a system calls them differs
TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".onnx": "application/octet-stream",
    ".wasm": "application/wasm",
}
PACKED = ".gz"
ASK_AGAIN = {"cache-control": "no-cache"}  # these are no secrets: kept, if they are the same


class Files(StaticFiles):
    """A folder and more; a file that lies there as NAME.gz is found as NAME.

    Args:
        folder: of the files.
        made: others by their paths: bytes, or a file that lies elsewhere.
    """

    def __init__(self, folder: Path, made: Mapping[str, bytes | Path]) -> None:
        super().__init__(directory=folder, html=True)
        self._made = dict(made)

    async def get_response(self, path: str, scope: MutableMapping[str, Any]) -> Response:
        """Raises: HTTPException: there is no such file, or it is not asked for by GET."""
        name = path.replace(os.sep, "/")
        headers = Headers(scope=scope)
        answer = None
        if scope["method"] in ("GET", "HEAD"):
            unpacks = "gzip" in headers.get("accept-encoding", "")
            answer = await anyio.to_thread.run_sync(self._further, path, name, unpacks)
        if answer is None:
            answer = await super().get_response(path, scope)
        elif self.is_not_modified(answer.headers, headers):
            answer = NotModifiedResponse(answer.headers)
        if kind := TYPES.get(PurePosixPath(name).suffix):
            answer.headers["content-type"] = kind
        answer.headers.update(ASK_AGAIN)
        return answer

    def _further(self, path: str, name: str, unpacks: bool) -> Response | None:
        """What is made, or lies packed."""
        found = self._made.get(name)
        if isinstance(found, bytes):
            etag = f'"{hashlib.sha256(found).hexdigest()}"'
            return Response(found, media_type=guess_type(name)[0], headers={"etag": etag})
        if found is not None:
            return FileResponse(found, stat_result=found.stat())
        packed = self._packed(path)
        return None if packed is None else unpacked_by(packed, unpacks)

    def _packed(self, path: str) -> Path | None:
        try:
            full, found = self.lookup_path(path + PACKED)
        except (OSError, ValueError):  # which the same path without .gz will tell
            return None
        return Path(full) if found else None


def unpacked_by(packed: Path, asker: bool) -> Response:
    """A packed file, as it is if who asks unpacks it; its own length is said in any case."""
    with packed.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        length = str(int.from_bytes(file.read(), "little"))
    more = {"vary": "accept-encoding", "x-unpacked-length": length}
    if asker:
        more |= {"content-encoding": "gzip"}
        return FileResponse(packed, stat_result=packed.stat(), headers=more)
    return Response(gzip.decompress(packed.read_bytes()), headers=more)
