"""Style sheets, scripts and the scanner's files, as they come over the wire."""

import asyncio
import gzip
import hashlib
import re

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from omnisync.pages import assets
from tests.browser import vendored

PLAIN = {"accept-encoding": "identity"}


def get(*asked):
    """Answers to (name, headers)."""

    async def fetched():
        transport = httpx.ASGITransport(Starlette(routes=[Mount("/static", assets.Assets())]))
        async with httpx.AsyncClient(transport=transport, base_url="http://omnisync") as browser:
            return [await browser.get(f"/static/{name}", headers=headers) for name, headers in asked]

    return asyncio.run(fetched())


@pytest.mark.parametrize("name", ["staff.js", "omnisync.css", "vendor/barcode-detector/zxing_reader.wasm"])
def test_who_can_unpack_gets_it_packed_and_is_told_that_he_has_it_already(name):
    plain, packed = get((name, PLAIN), (name, {"accept-encoding": "br, gzip"}))
    tags = [{"if-none-match": one.headers["etag"]} for one in (plain, packed)]
    again = get(*((name, tag | {"accept-encoding": "gzip"}) for tag in tags))

    assert plain.content == packed.content == (assets.FOLDER / name).read_bytes()
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, mtime=0)) < len(plain.content)
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert plain.headers["content-type"] == packed.headers["content-type"]
    assert [one.status_code for one in again] == [304, 304]


def test_what_is_packed_already_is_sent_as_it_is_and_what_is_not_there_is_not_found():
    font, nothing = get(("fonts/inter-latin.woff2", {}), ("fonts/none.woff2", {}))

    assert "content-encoding" not in font.headers
    assert font.headers["x-content-type-options"] == "nosniff"
    assert nothing.status_code == 404


def test_only_the_scanners_worker_may_compile_webassembly():
    names = [path.relative_to(assets.FOLDER).as_posix() for path in assets.FOLDER.rglob("*.js")]
    shown = get(*((name, {}) for name in names))

    allowed = {name for name, one in zip(names, shown, strict=True) if "wasm" in str(one.headers)}
    assert allowed == {"scan-worker.js"}


def test_the_scanners_script_and_its_wasm_belong_together():
    wasm = (vendored.VENDOR / "zxing_reader.wasm").read_bytes()

    assert hashlib.sha256(wasm).hexdigest() in (vendored.VENDOR / "zxing-exported.js").read_text()
    assert {path.name for path in vendored.VENDOR.iterdir()} == set(vendored.FILES)


def test_the_readme_names_the_versions_that_are_vendored():
    readme = (vendored.VENDOR.parent / "README.md").read_text()

    assert all(version in readme for version in vendored.versions().values())


DARK = re.compile(r"@media \(prefers-color-scheme: ?dark\) \{(.*?)\n\}", re.DOTALL)
DECLARED = re.compile(r"([\w-]+): ?([^;{}]+);")
PAINT = {"color", "background", "filter", "--shadow"}


def test_the_dark_changes_nothing_but_colours():
    """So a page that keeps to the rules in the light can break only those of colours in the dark (tests/browser/rules.py)."""
    texts = {path.name: path.read_text() for path in assets.FOLDER.rglob("*") if path.suffix in (".css", ".js")}
    blocks = [block for text in texts.values() for block in DARK.findall(text)]

    declared = [pair for block in blocks for pair in DECLARED.findall(block)]

    assert len(blocks) == sum(text.count("prefers-color-scheme") for text in texts.values())
    assert len(declared) > 20
    assert [(name, value) for name, value in declared if name not in PAINT and not value.startswith("#")] == []
