"""The plugin that makes a skipped test a failure, on test files of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("def test_a(): pass", 0, "1 passed"),
        ("import pytest\n@pytest.mark.skip(reason='no shop')\ndef test_a(): pass", 1, "no shop"),
        ("import pytest\ndef test_a(): pytest.skip('no shop')", 1, "no shop"),
        ("import pytest\npytest.importorskip('no_such_module')\ndef test_a(): pass", 1, "no_such_module"),
        ("import pytest\n@pytest.mark.xfail(strict=True)\ndef test_a(): assert False", 0, "1 xfailed"),
        ("x = 1", 5, "no tests ran"),
    ],
)
def test_a_skip_fails_the_run(tmp_path: Path, source: str, code: int, said: str) -> None:
    (tmp_path / "test_some.py").write_text(source, encoding="utf-8")

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.nothing_skips",
            "-p",
            "no:cacheprovider",
            "-c",
            "/dev/null",
            tmp_path,
        ],
        cwd=HERE,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code
    assert said in done.stdout
