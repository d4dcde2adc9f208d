"""What journeys may ask for."""

from tests.real.conftest import oscar_template, vendure_modules
from tests.rig.databases import database

__all__ = ["database", "oscar_template", "vendure_modules"]
