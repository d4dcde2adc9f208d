"""`python -m omnisync.demo.server ...`: the server with a planted bug, for the demo alone."""

from __future__ import annotations

import os
import runpy

from omnisync.demo import plants


def main() -> None:
    """Plant what the environment names, then be the ordinary `omnisync`."""
    plants.PLANTS[os.environ[plants.ENVIRONMENT]]()
    runpy.run_module("omnisync.cli", run_name="__main__")


if __name__ == "__main__":
    main()
