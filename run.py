#!/usr/bin/env python3
"""omnisync from a fresh clone: each verb makes what it needs first, and does nothing twice.

python3 run.py demo  [--for SECONDS] [--port N] [--database URL] [--json] [--plant BUG]   the live demo
python3 run.py test  [pytest arguments]      the default test set; --cov: also that it takes every branch of the ledger
python3 run.py check                         format, lint, types, import contracts, dependencies, audit, tests
python3 run.py bench [--json] [names]        benchmarks
python3 run.py -- COMMAND ...                any command with the environment, such as: omnisync --help
python3 run.py freeze                        for maintainers: write constraints.txt from what is installed
"""

# Only the standard library, and only words that an old Python can read: it must get as far as saying that it is too old.
from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:  # an old Python has no such names, and needs none
    from collections.abc import Callable, Iterable

    Judge = Callable[[int, str, str], str]

OLDEST_PYTHON = (3, 11)
HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
CONSTRAINTS = HERE / "constraints.txt"
STAMP = VENV / "omnisync.stamp"
EXTRAS = ".[postgres,sftp,otel,dev]"
NO_NETWORK = re.compile(
    r"name resolution|dns error|error sending request|failed to establish a new connection|network is unreachable"
    r"|connection (refused|reset|timed out)|newconnectionerror|connecttimeout|max retries exceeded|no route to host|from versions: none",
    re.IGNORECASE,
)
NOT_OURS = {"omnisync", "pip", "setuptools", "wheel"}


class Missing(Exception):
    """Something this machine lacks, and the line that mends it."""


def main(arguments: list[str]) -> int:
    """Run one verb and return its exit code."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if verb not in VERBS:
        sys.stdout.write(__doc__)
        return 0 if verb in ("help", "-h", "--help") else 2
    try:
        check_python(tuple(sys.version_info[:3]))
        prepare()
    except Missing as error:
        sys.stderr.write(f"omnisync: {error}\n")
        return 2
    return VERBS[verb](rest)


# ---------------------------------------------------------------- the environment


def check_python(version: tuple[int, ...]) -> None:
    """Missing when this Python is too old."""
    if tuple(version[:2]) < OLDEST_PYTHON:
        have, want = ".".join(map(str, version[:3])), ".".join(map(str, OLDEST_PYTHON))
        raise Missing(
            f"this is Python {have}, omnisync needs {want} or newer.\n"
            "  Debian 12 and Ubuntu 24.04 bring it (apt install python3 python3-venv); then: python3 run.py"
        )


def prepare() -> None:
    """Make .venv and install into it, unless that was done for just these files."""
    wanted = fingerprint(HERE)
    if STAMP.exists() and PYTHON.exists() and STAMP.read_text() == wanted:
        return
    uv = shutil.which("uv")
    if not PYTHON.exists():
        step("making .venv", make_venv_command(uv))
    step("installing omnisync and its tools (%s)" % ("uv" if uv else "pip"), install_command(uv))
    STAMP.write_text(wanted)


def fingerprint(folder: Path) -> str:
    """Changes when what has to be installed changes."""
    digest = hashlib.sha256(sys.version.encode())
    for name in ("pyproject.toml", "constraints.txt"):
        file = folder / name
        digest.update(file.read_bytes() if file.exists() else b"none")
    return digest.hexdigest()


def make_venv_command(uv: str | None) -> list[str]:
    """How to make .venv; Missing when this Python cannot."""
    if uv:
        return [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(VENV)]
    if importlib.util.find_spec("ensurepip") is None:
        raise Missing(
            "this Python cannot make virtual environments (it has no ensurepip).\n"
            "  Debian, Ubuntu: apt install python3-venv"
        )
    return [sys.executable, "-m", "venv", str(VENV)]


def install_command(uv: str | None) -> list[str]:
    """How to install everything at the versions of constraints.txt."""
    constraints = ["--constraint", str(CONSTRAINTS)] if CONSTRAINTS.exists() else []
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", str(PYTHON), *constraints, "--editable", EXTRAS]
    # Uncompiled: what `environment` runs is compiled beside it when it is first imported, and most of it never is.
    quiet = ["--quiet", "--disable-pip-version-check", "--no-compile"]
    return [str(PYTHON), "-m", "pip", "install", *quiet, *constraints, "--editable", EXTRAS]


def step(title: str, command: list[str]) -> None:
    """Run a command of the set-up with one line about it; Missing when it fails."""
    sys.stderr.write(f"omnisync: {title} ... ")
    sys.stderr.flush()
    began = time.monotonic()
    done = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    sys.stderr.write(f"{'failed' if done.returncode else 'done'} ({time.monotonic() - began:.0f} s)\n")
    if done.returncode:
        raise Missing(explain(title, done.stdout))


def explain(title: str, output: str) -> str:
    """Why a step of the set-up failed, in words that say what to do."""
    if NO_NETWORK.search(output):
        return (
            f"{title}: the package index cannot be reached.\n"
            f"  Check the network (or HTTPS_PROXY, PIP_INDEX_URL), then run this again. It said: {telling_line(output)}"
        )
    said = "\n".join("  " + line for line in output.splitlines()[-15:])
    return f"{title} did not work. It said:\n{said}"


def telling_line(output: str) -> str:
    """The last line that speaks of the network."""
    return [line.strip() for line in output.splitlines() if NO_NETWORK.search(line)][-1]


def environment() -> dict[str, str]:
    """This environment, with .venv active, and with a place for compiled modules: the demo starts six processes, and each
    would compile everything anew where nobody may keep it."""
    path = os.pathsep.join([str(PYTHON.parent), os.environ.get("PATH", os.defpath)])
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {"PYTHONPYCACHEPREFIX": str(VENV / "compiled"), **kept, "PATH": path, "VIRTUAL_ENV": str(VENV)}


# ---------------------------------------------------------------- verbs


def become(command: list[str]) -> int:
    """Hand this process over to a command, so that signals reach it and its exit code is ours."""
    os.chdir(HERE)
    found = shutil.which(command[0], path=environment()["PATH"])
    if found is None:
        sys.stderr.write(f"omnisync: there is no command {command[0]!r} here\n")
        return 127
    if os.name == "nt":
        return subprocess.run([found, *command[1:]], env=environment(), check=False).returncode
    sys.stdout.flush()
    os.execve(found, command, environment())  # noqa: S606  a shell would only stand in between


def demo(rest: list[str]) -> int:
    """The live demo."""
    return become([str(PYTHON), "-m", "omnisync.demo", *rest])


def bench(rest: list[str]) -> int:
    """The benchmarks."""
    return become([str(PYTHON), "-m", "bench", *rest])


def test(rest: list[str]) -> int:
    """The tests, on as many processes as help."""
    return become([str(PYTHON), "-m", "pytest", *parallel(rest, os.cpu_count() or 1), *rest])


def parallel(rest: list[str], cores: int) -> list[str]:
    """A process for each core, up to four, unless the caller says otherwise or looks at single tests."""
    alone = any(text.startswith(("-n", "--numprocesses", "--pdb", "-p", "-s")) or "::" in text for text in rest)
    return [] if alone or cores < 2 else ["-n", str(min(cores, 4))]


def run(rest: list[str]) -> int:
    """Any command."""
    return become(rest) if rest else become([str(PYTHON)])


def check(rest: list[str]) -> int:
    """Everything that must be right before code lands; every check runs, whatever the others say, and the others while the types are
    looked at. `--no-tests`: they ran a moment ago."""
    wanted = [one for one in CHECKS if one[0] != "tests"]
    with ThreadPoolExecutor(2) as pool:
        outcomes = [tell(*told) for told in pool.map(ask, wanted)]
    if "--no-tests" not in rest:  # they keep every core busy
        outcomes += [tell(*ask(one)) for one in CHECKS if one[0] == "tests"]
    sys.stdout.write(summary(outcomes) + "\n")
    return 1 if "failed" in outcomes else 0


def ask(one: tuple[str, list[str], Judge]) -> tuple[str, str, float, str]:
    """Run one check: its title, outcome, seconds, and what it said."""
    title, command, judge = one
    began = time.monotonic()
    command = [str(PYTHON.parent / command[0]), *command[1:]]
    done = subprocess.run(command, cwd=HERE, env=environment(), text=True, capture_output=True, check=False)
    outcome = judge(done.returncode, done.stdout, done.stderr)
    said = done.stdout + done.stderr if outcome == "failed" else ""
    if title == "tests":
        said += "".join(line + "\n" for line in done.stdout.splitlines()[-1:])
    return title, outcome, time.monotonic() - began, said


def tell(title: str, outcome: str, seconds: float, said: str) -> str:
    """Print the line of one check and what it said; returns its outcome."""
    sys.stdout.write(f"{title:28}{outcome} ({seconds:.0f} s)\n{said}")
    sys.stdout.flush()
    return outcome


def by_exit_code(code: int, _output: str, _errors: str) -> str:
    """ok or failed."""
    return "failed" if code else "ok"


def by_audit(code: int, output: str, errors: str) -> str:
    """pip-audit also exits 0 when it could audit nothing: that is a third state, not ok."""
    try:
        audited = [package for package in json.loads(output)["dependencies"] if "vulns" in package]
    except (ValueError, KeyError):
        return "could not audit" if NO_NETWORK.search(errors) or not code else "failed"
    if any(package["vulns"] for package in audited):
        return "failed"
    return "ok" if audited else "could not audit"


def summary(outcomes: list[str]) -> str:
    """The last line of a check."""
    return ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in ("ok", "failed", "could not audit"))


def freeze(_rest: list[str]) -> int:
    """Write the exact versions of what is installed; names and versions only, so that it fits every package index."""
    listed = subprocess.run(
        [str(PYTHON), "-c", LIST_VERSIONS], cwd=HERE, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    CONSTRAINTS.write_text(constraints_text(json.loads(listed)))
    STAMP.write_text(fingerprint(HERE))
    return 0


def constraints_text(versions: Iterable[tuple[str, str]]) -> str:
    """The constraints file for these (name, version) pairs."""
    pinned = sorted({re.sub(r"[-_.]+", "-", name).lower(): version for name, version in versions}.items())
    lines = [f"{name}=={version}" for name, version in pinned if name not in NOT_OURS]
    return "# Written by `python3 run.py freeze`: the versions everything was tested with.\n" + "\n".join(lines) + "\n"


LIST_VERSIONS = (
    "import json; from importlib.metadata import distributions;"
    " print(json.dumps([(d.metadata['Name'], d.version) for d in distributions()]))"
)
CHECKS = (
    ("types", ["mypy"], by_exit_code),  # as long as all others together
    ("format", ["ruff", "format", "--check", "."], by_exit_code),
    ("lint", ["ruff", "check", "."], by_exit_code),
    ("import contracts", ["lint-imports"], by_exit_code),
    ("dependencies", ["deptry", "--no-ansi", "."], by_exit_code),
    ("known vulnerabilities", ["pip-audit", "--skip-editable", "--progress-spinner=off", "--format=json"], by_audit),
    ("tests", ["pytest", *parallel([], os.cpu_count() or 1)], by_exit_code),
)
VERBS = {"demo": demo, "test": test, "check": check, "bench": bench, "--": run, "freeze": freeze}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
