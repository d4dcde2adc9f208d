"""How many of the bugs that are planted into the ledger and the engine its own tests find, each within its budget."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlmodel import SQLModel

from omnisync import db
from tests.planted import proof


def measure() -> dict[str, Any]:
    """Plant one after the other and look who survives; then nothing, and look whether something is found."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="omnisync-planted-") as folder:
        engine = db.engine_for(f"sqlite:///{Path(folder)}/planted.db")
        SQLModel.metadata.create_all(engine)
        survived = []
        for name in proof.PLANTED:
            finding = proof.find(name, engine)
            print(f"{name:34}{finding or 'SURVIVED'}", file=sys.stderr, flush=True)
            survived += [] if finding else [name]
        false = proof.find_by_machine(proof.nothing, engine)
        print(f"{'nothing at all':34}{false or 'nothing found'}", file=sys.stderr, flush=True)
        engine.dispose()
    return {
        "name": "planted", "database": "sqlite", "value": len(proof.PLANTED) - len(survived), "unit": "bugs",
        "planted": len(proof.PLANTED), "survived": survived, "errors": len(survived) + (false is not None),
        "seconds": time.monotonic() - began,
    }  # fmt: skip
