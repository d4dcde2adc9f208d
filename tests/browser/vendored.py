"""The scanner for browsers without one of their own, as it stands on npm: `python -m tests.browser.vendored` puts the versions of
`scanner/package.json` into `omnisync/pages/static/vendor/barcode-detector`. Nothing is built: these are the packages' own files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests import npm

PACKAGE = Path(__file__).parent / "scanner" / "package.json"
VENDOR = Path(__file__).parents[2] / "omnisync/pages/static/vendor/barcode-detector"
FILES: Mapping[str, str] = {
    "ponyfill.js": "barcode-detector/dist/es/ponyfill.js",
    "zxing-exported.js": "barcode-detector/dist/es/zxing-exported.js",
    "zxing_reader.wasm": "zxing-wasm/dist/reader/zxing_reader.wasm",
    "LICENSE-barcode-detector": "barcode-detector/LICENSE",
    "LICENSE-zxing-wasm": "zxing-wasm/LICENSE",
}
"""Our file -> where it stands in the packages."""


def versions() -> dict[str, str]:
    """Package -> the version that we carry."""
    found: dict[str, str] = json.loads(PACKAGE.read_text())["dependencies"]
    return found


def originals() -> Iterator[tuple[Path, bytes]]:
    """Each vendored file with what npm has of it."""
    modules = npm.installed(PACKAGE, "scanner") / "node_modules"
    for name, origin in FILES.items():
        yield VENDOR / name, (modules / origin).read_bytes()


def main() -> None:
    """Put them there, and say which are other ones now."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    for path, content in originals():
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
            print(f"{path.name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
