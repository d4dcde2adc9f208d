"""run.py by its pure parts, and for real on machines that lack something."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import run

HERE = Path(run.__file__).parent
STUB_UV = """\
#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
  venv) for last; do :; done; mkdir -p "$last/bin"; ln -sf "{python}" "$last/bin/python" ;;
  pip) {install} ;;
esac
"""
OFFLINE = "echo 'error: client error (Connect): dns error: failed to lookup address information' >&2; exit 2"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a newcomer has: run.py and the two files that say what to install."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("run.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(HERE / name, folder / name)
    return folder


def started(clone: Path, *arguments: str, path: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it with this Python and a PATH that holds just what the test put there."""
    tools = f"{path}:/usr/bin:/bin" if path else "/nowhere"
    return subprocess.run(
        [sys.executable, "run.py", *arguments],
        cwd=clone,
        env={"PATH": tools, "HOME": str(clone), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def pretending(folder: Path, code: str) -> str:
    """A PYTHONPATH whose Python begins with this code."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    return str(folder)


def stub_uv(folder: Path, install: str) -> Path:
    """A uv that makes a .venv of links and installs nothing; it logs how it was called."""
    folder.mkdir(exist_ok=True)
    uv = folder / "uv"
    uv.write_text(STUB_UV.format(log=folder / "log", python=sys.executable, install=install), encoding="utf-8")
    uv.chmod(0o755)
    return folder


def test_no_verb_is_help(clone: Path) -> None:
    done = started(clone)

    assert done.returncode == 0
    for verb in run.VERBS:
        assert f"python3 run.py {verb}" in done.stdout
    assert not (clone / ".venv").exists()


def test_an_unknown_verb_is_the_callers_mistake(clone: Path) -> None:
    assert started(clone, "dmeo").returncode == 2


def test_it_says_that_python_is_too_old(clone: Path, tmp_path: Path) -> None:
    old = pretending(tmp_path / "old", "import sys\nsys.version_info = (3, 9, 2)")

    done = started(clone, "test", PYTHONPATH=old)

    assert done.returncode == 2
    assert "this is Python 3.9.2, omnisync needs 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_old_python_can_read_it() -> None:
    assert ast.parse((HERE / "run.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_it_says_that_venv_is_missing(clone: Path, tmp_path: Path) -> None:
    bare = pretending(tmp_path / "bare", "import sys\nsys.modules['ensurepip'] = None")

    done = started(clone, "test", PYTHONPATH=bare)

    assert done.returncode == 2
    assert "apt install python3-venv" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_says_that_there_is_no_network_for_uv(clone: Path, tmp_path: Path) -> None:
    done = started(clone, "test", path=stub_uv(tmp_path / "tools", OFFLINE))

    assert done.returncode == 2
    assert "the package index cannot be reached" in done.stderr
    assert "dns error" in done.stderr


def test_it_says_that_there_is_no_network_for_pip(clone: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}

    done = started(clone, "test", **nowhere)

    assert done.returncode == 2
    assert "making .venv ... done" in done.stderr
    assert "the package index cannot be reached" in done.stderr


def test_another_fault_of_the_installation_is_shown_as_it_is(clone: Path, tmp_path: Path) -> None:
    done = started(clone, "test", path=stub_uv(tmp_path / "tools", "echo 'No space left on device'; exit 1"))

    assert done.returncode == 2
    assert "No space left on device" in done.stderr


def test_what_is_installed_is_not_installed_again(clone: Path, tmp_path: Path) -> None:
    tools = stub_uv(tmp_path / "tools", "exit 0")
    command = ("--", "python", "-c", "import os; print(os.environ['VIRTUAL_ENV'])")

    first = started(clone, *command, path=tools)
    second = started(clone, *command, path=tools)

    assert first.stdout == second.stdout == f"{clone / '.venv'}\n"
    assert (tools / "log").read_text(encoding="utf-8").count("pip install") == 1
    assert second.stderr == ""


def test_it_installs_again_when_a_version_changes(clone: Path, tmp_path: Path) -> None:
    tools = stub_uv(tmp_path / "tools", "exit 0")
    started(clone, "--", "true", path=tools)
    with (clone / "constraints.txt").open("a", encoding="utf-8") as constraints:
        constraints.write("another==1.0\n")

    started(clone, "--", "true", path=tools)

    log = (tools / "log").read_text(encoding="utf-8")
    assert (log.count("pip install"), log.count("venv --quiet")) == (2, 1)


def test_the_exit_code_of_a_command_is_ours(clone: Path, tmp_path: Path) -> None:
    tools = stub_uv(tmp_path / "tools", "exit 0")

    assert started(clone, "--", "sh", "-c", "exit 7", path=tools).returncode == 7
    assert started(clone, "--", "no-such-command", path=tools).returncode == 127


@pytest.mark.parametrize(
    ("rest", "cores", "extra"),
    [
        ([], 1, []),
        ([], 2, ["-n", "2"]),
        ([], 32, ["-n", "4"]),
        (["tests/stock"], 2, ["-n", "2"]),
        (["-n0"], 2, []),
        (["--pdb"], 2, []),
        (["tests/test_db.py::test_x"], 2, []),
    ],
)
def test_tests_run_on_as_many_processes_as_help(rest: list[str], cores: int, extra: list[str]) -> None:
    assert run.parallel(rest, cores) == extra


@pytest.mark.parametrize(
    ("code", "output", "errors", "outcome"),
    [
        (0, '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', "", "ok"),
        (1, '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X"}]}]}', "", "failed"),
        (0, '{"dependencies": []}', "", "could not audit"),
        (0, '{"dependencies": [{"name": "a", "skip_reason": "unknown"}]}', "", "could not audit"),
        (1, "", "urllib3: Max retries exceeded with url", "could not audit"),
        (0, "", "", "could not audit"),
        (1, "", "TypeError: something broke", "failed"),
    ],
)
def test_an_audit_has_three_outcomes(code: int, output: str, errors: str, outcome: str) -> None:
    assert run.by_audit(code, output, errors) == outcome


def test_constraints_are_names_and_versions_alone() -> None:
    text = run.constraints_text([("Zope.Interface", "7.0"), ("omnisync", "0.1"), ("alembic", "1.14"), ("pip", "24")])

    assert text.splitlines()[1:] == ["alembic==1.14", "zope-interface==7.0"]


def test_the_committed_constraints_name_no_address() -> None:
    lines = (HERE / "constraints.txt").read_text(encoding="utf-8").splitlines()

    assert all("://" not in line and "@" not in line for line in lines)
    assert all(line.startswith("#") or line.count("==") == 1 for line in lines)
