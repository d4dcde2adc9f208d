"""A fresh simulated shop with its adapter."""

from __future__ import annotations

import pytest

from omnisync.adapters.client import Tools
from tests.adapters.shopify.rig import ShopifyWorld, open_world


@pytest.fixture
def world(tools: Tools) -> ShopifyWorld:
    """Three lamps in two stores."""
    return open_world(tools)
