"""What tests need from npm: installed once for each package.json, in the user's cache folder, never in the repository."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

OLDEST_NODE = 20


def missing(what: str, *, runs: bool = True) -> str | None:
    """What this machine lacks for it, and what mends that; `runs`: it is run by Node.js, and not only fetched."""
    lacking = [name for name in ("node", "npm") if shutil.which(name) is None]
    if lacking:
        return f"no {' and '.join(lacking)} for {what}: apt-get install nodejs npm"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if runs and int(said.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        return f"{what} needs Node.js {OLDEST_NODE} or newer, here is {said}: https://nodejs.org/en/download"
    return None


def installed(package: Path, name: str) -> Path:
    """The folder whose `node_modules` holds what this package.json asks for."""
    text = package.read_bytes()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "omnisync"
    folder = home / f"{name}-{hashlib.sha256(text).hexdigest()[:12]}"
    if not folder.exists():
        home.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f"{name}-draft-", dir=home))
        (draft / "package.json").write_bytes(text)
        _install(draft, name)
        _put(draft, folder)
    return folder


def _install(folder: Path, name: str) -> None:
    # No script of any package runs: nothing here needs one.
    quiet = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
    done = subprocess.run(["npm", "install", *quiet], cwd=folder, capture_output=True, text=True, timeout=900)
    if done.returncode:
        shutil.rmtree(folder)
        raise RuntimeError(
            f"npm could not install {name}; it needs its registry, or a filled cache:\n{done.stderr[-800:]}"
        )


def _put(draft: Path, folder: Path) -> None:
    """Another run may have been faster: then its folder stays."""
    try:
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft)
