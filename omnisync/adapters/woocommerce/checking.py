"""What `omnisync doctor` asks of a shop, by calls that change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omnisync.adapters.base import Check
from omnisync.adapters.woocommerce.settings import ShopSettings
from omnisync.adapters.woocommerce.wire import Wire
from omnisync.errors import NeedsAttention, TryLater


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of the shop that decides whether our numbers mean there what they mean here."""

    name: str
    path: str
    wanted: str
    mend: str


def _options(settings: ShopSettings) -> tuple[Option, ...]:
    return (
        Option(
            "stock management", "settings/products/woocommerce_manage_stock", "yes",
            "Switch on WooCommerce > Settings > Products > Inventory > Enable stock management.",
        ),
        Option(
            "currency", "settings/general/woocommerce_currency", settings.currency,
            "Set `currency` in the channel's settings to the shop's.",
        ),
    )  # fmt: skip


NET = (
    "Our prices include tax. Enter prices inclusive of tax in WooCommerce > Settings > Tax, or set `prices` of this "
    'channel to "off".'
)


async def check(wire: Wire, settings: ShopSettings) -> Sequence[Check]:
    """Each thing that may be read, and each option."""
    checks = [await _may_read(wire, path) for path in ("products", "orders", "webhooks")]
    if not all(check.ok for check in checks):
        return checks
    found = {one.name: await _value(wire, one.path) for one in _options(settings)}
    checks += [
        Check(
            one.name,
            found[one.name] == one.wanted,
            str(found[one.name]),
            one.mend if found[one.name] != one.wanted else "",
        )
        for one in _options(settings)
    ]
    return [*checks, await _taxes(wire)]


async def _may_read(wire: Wire, path: str) -> Check:
    try:
        await wire.page(path, per_page=1)
    except NeedsAttention as error:
        return Check(path, False, error.message, error.action)
    except TryLater as error:
        return Check(path, False, error.message, "Try again later.")
    return Check(path, True, "may be read")


async def _taxes(wire: Wire) -> Check:
    net = await _value(wire, "settings/tax/woocommerce_prices_include_tax") == "no"
    taxed = await _value(wire, "settings/general/woocommerce_calc_taxes") == "yes"
    wrong = net and taxed
    return Check("prices include tax", not wrong, "no" if wrong else "yes", NET if wrong else "")


async def _value(wire: Wire, path: str) -> str:
    try:
        found = await wire.get(path)
    except (NeedsAttention, TryLater) as error:
        return error.message
    return str((found or {}).get("value"))
