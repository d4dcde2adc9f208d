"""What rigs may ask for."""

from tests.rig.databases import database

__all__ = ["database"]
