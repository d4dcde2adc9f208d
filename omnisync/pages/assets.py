"""Style sheets, scripts, fonts and the scanner: files that stay as they are, packed for the wire where that makes them smaller."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"
PACKED = frozenset({".css", ".js", ".svg", ".wasm"})
"""Only what is the same for everybody: a page with somebody's token beside what a stranger made it say would give the token
away by its packed length."""
SCANNER = {"Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"}
MORE: Mapping[str, Mapping[str, str]] = {"scan-worker.js": SCANNER}
"""A worker's policy comes with its own file: no page may compile WebAssembly, this one worker may."""
AT_MOST = 64


class Assets(StaticFiles):
    """The files below `/static`."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, packed once for all who can unpack it."""
        found = await super().get_response(path, scope)
        found.headers["X-Content-Type-Options"] = "nosniff"
        found.headers.update(MORE.get(path, {}))
        if not isinstance(found, FileResponse) or Path(path).suffix not in PACKED:
            return found
        found.headers["Vary"] = "Accept-Encoding"
        if "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            return found
        content = await run_in_threadpool(_packed, str(found.path), found.headers["etag"])
        kept = {name: value for name, value in found.headers.items() if name not in ("content-length", "accept-ranges")}
        # The same file in another dress: a weak tag says so, and still matches.
        kept |= {"content-encoding": "gzip", "etag": f"W/{found.headers['etag']}"}
        return Response(content, headers=kept)


@lru_cache(maxsize=AT_MOST)
def _packed(path: str, _etag: str) -> bytes:
    """The file as gzip; the tag says which version of it."""
    return gzip.compress(Path(path).read_bytes(), mtime=0)
