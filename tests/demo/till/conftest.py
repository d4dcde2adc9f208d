"""What tests of the simulated till may ask for."""

from __future__ import annotations

from tests.adapters.conftest import anyio_backend, tools

__all__ = ["anyio_backend", "tools"]
