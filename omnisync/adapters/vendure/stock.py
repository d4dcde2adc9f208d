"""Shows numbers and prices, and reads them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.adapters.base import LevelSeen, Outcome, Published, Shown, Target
from omnisync.adapters.vendure import documents, mapping
from omnisync.adapters.vendure.admin import Admin, Declined, Failed
from omnisync.adapters.vendure.mapping import Json, Shop
from omnisync.adapters.vendure.settings import ShopSettings
from omnisync.errors import TryLater
from omnisync.values import Money

IDS_AT_ONCE = 50
UNKNOWN = Published(
    Outcome.ATTENTION,
    reason="The shop does not know this variant.",
    action="Match this listing anew: the variant was deleted, or belongs to another Vendure channel.",
    unknown=True,
)
Fates = dict[int, Published]


class Stock:
    """The levels and prices of one shop."""

    def __init__(self, admin: Admin, settings: ShopSettings) -> None:
        self._admin, self._settings = admin, settings

    async def look(self, targets: Sequence[Target], shop: Shop) -> list[LevelSeen]:
        ids = sorted({target.external_id for target in targets})
        found: dict[str, Json] = {}
        for start in range(0, len(ids), IDS_AT_ONCE):
            options = {"filter": {"id": {"in": ids[start : start + IDS_AT_ONCE]}}, "take": IDS_AT_ONCE}
            answer = await self._admin.run(documents.VARIANTS, {"options": options})
            found |= {variant["id"]: variant for variant in answer["productVariants"]["items"]}
        return [
            mapping.level_seen(found[target.external_id], target, self.place_of(target, shop), shop, self._settings)
            for target in targets
            if target.external_id in found
        ]

    async def publish(self, shown: Sequence[Shown], shop: Shop) -> list[Published]:
        """A price that the shop cannot keep waits for a person, and its number with it."""
        fates = {n: refusal for n, one in enumerate(shown) if (refusal := self._impossible(one, shop))}
        fates |= await self._write([(n, one) for n, one in enumerate(shown) if n not in fates], shop)
        return [fates[n] for n in range(len(shown))]

    def place_of(self, target: Target, shop: Shop) -> str:
        """The stock location that a number is kept at."""
        return target.place or self._settings.stock_location or next(iter(shop.locations), "")

    async def _write(self, lines: Sequence[tuple[int, Shown]], shop: Shop) -> Fates:
        """The shop takes a call whole or not at all: one that fails is sent again in halves, down to the line at fault."""
        if not lines:
            return {}
        wishes = [self._wish(one, shop) for _, one in lines]
        try:
            answer = await self._admin.run(documents.WRITE, {"input": wishes})
        except (Declined, Failed) as error:
            return await self._in_halves(lines, shop, error)
        written = {variant["id"]: variant for variant in answer["updateProductVariants"] if variant is not None}
        return {n: self._fate(one, written.get(one.target.external_id), shop) for n, one in lines}

    async def _in_halves(self, lines: Sequence[tuple[int, Shown]], shop: Shop, error: Declined | Failed) -> Fates:
        if len(lines) == 1:
            return {lines[0][0]: _refused(error)}
        fates: Fates = {}
        half = len(lines) // 2
        for part in (lines[:half], lines[half:]):
            try:
                fates |= await self._write(part, shop)
            except TryLater as late:  # what was written is known, the rest is for later
                fates |= dict.fromkeys((n for n, _ in part), _late(late))
        return fates

    def _wish(self, shown: Shown, shop: Shop) -> dict[str, Any]:
        """The shop takes its own allocations off what it is told."""
        wish: dict[str, Any] = {"id": shown.target.external_id}
        if shown.quantity is not None:
            place = self.place_of(shown.target, shop)
            wish["stockLevels"] = [{"stockLocationId": place, "stockOnHand": shown.quantity + shown.allocated}]
        if shown.price is not None:
            wish["prices"] = [{"currencyCode": shown.price.currency, "price": shop.amount(shown.price)}]
        return wish

    def _impossible(self, shown: Shown, shop: Shop) -> Published | None:
        if shown.price is None:
            return None
        return _wrong_money(shown.price, shop) or _wrong_tax(shop, self._settings)

    def _fate(self, shown: Shown, variant: Json | None, shop: Shop) -> Published:
        """Vendure passes over stock of a location that it does not know without a word."""
        if variant is None:
            return UNKNOWN
        if shown.quantity is None:
            return Published(Outcome.APPLIED)
        place = self.place_of(shown.target, shop)
        level = mapping.level_at(variant, place)
        if level is None:
            reason = f"The shop has no stock location {place!r}: it took the number and kept it nowhere."
            return _attention(reason, "Correct location_map or stock_location: name the id of a stock location.")
        return Published(Outcome.APPLIED, actual=level[0] - level[1])


def _wrong_money(price: Money, shop: Shop) -> Published | None:
    if price.currency not in shop.currencies:
        reason = f"The price is in {price.currency}, the shop sells in {', '.join(shop.currencies)}."
        return _attention(reason, f"Give this channel prices in {shop.currency}.")
    if shop.amount(price) is None:
        return _attention("The shop keeps prices with too few decimals for this one.", "Round the price.")
    return None


def _wrong_tax(shop: Shop, settings: ShopSettings) -> Published | None:
    if shop.gross == (settings.prices == "gross"):
        return None
    kept = "with" if shop.gross else "without"
    return _attention(
        f"The shop keeps its prices {kept} tax, ours for it are {settings.prices}.",
        "Change pricesIncludeTax of the Vendure channel, or give this channel such prices and say so in settings.prices.",
    )


def _refused(error: Declined | Failed) -> Published:
    if isinstance(error, Failed):
        return _late(error)
    if error.code == "ENTITY_NOT_FOUND":
        return UNKNOWN
    return _attention(error.message, "Correct the variant in the shop's dashboard.")


def _late(error: TryLater) -> Published:
    return Published(Outcome.TRY_LATER, reason=error.message, retry_after_seconds=error.retry_after_seconds)


def _attention(reason: str, action: str) -> Published:
    return Published(Outcome.ATTENTION, reason=reason, action=action)


def checks_of(shop: Shop, settings: ShopSettings, places: Mapping[str, str]) -> list[tuple[str, bool, str, str]]:
    """(name, fine, detail, mend) of everything that would make buyers see other numbers than ours."""
    wanted = [settings.stock_location] if settings.stock_location else list(places)
    unknown = [place for place in wanted if place not in shop.locations]
    named = ", ".join(f"{id} {name}" for id, name in shop.locations.items())
    others = sorted(set(shop.locations) - set(wanted)) if wanted else sorted(shop.locations)[1:]
    tax = _wrong_tax(shop, settings)
    return [
        ("stock locations", not unknown, f"The shop has: {named}.", f"Not there: {', '.join(unknown)}." if unknown else ""),
        ("other stock", not others, f"{len(others)} stock locations are not ours.",
         f"Buyers are offered the stock of {', '.join(others)} too: map it, or empty it." if others else ""),
        ("prices", tax is None, f"{shop.currency}, {'with' if shop.gross else 'without'} tax.", tax.action if tax else ""),
        ("out of stock threshold", shop.threshold == 0, f"{shop.threshold} pieces.",
         "" if shop.threshold == 0 else "Set it to 0 in the shop's global settings: buffers belong into this channel's policy."),
    ]  # fmt: skip
