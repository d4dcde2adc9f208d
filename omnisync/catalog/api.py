"""Prices over HTTP: what an article costs where and when, what it was at its lowest, and saying new prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field, StrictInt, model_validator
from sqlmodel import Session

from omnisync.access import Access, Role, acts
from omnisync.catalog import answers, pricelist, prices, pricing
from omnisync.catalog.pricelist import MAX_PRICE_MINOR, BasePrice, ChannelPrice, PriceRule, Statement
from omnisync.catalog.prices import Pair, Quote
from omnisync.errors import InvalidRequest
from omnisync.http import Body, Code, Moment, Services, Sku, json_response, router
from omnisync.values import Money, format_time

MAX_SKUS, MAX_PRICES = 200, 1000
_FIELDS = {
    "base": ({"sku", "amount_minor", "currency"}, set[str]()),
    "channel": ({"sku", "channel", "amount_minor", "currency"}, set[str]()),
    "rule": (set[str](), {"sku", "channel", "percent_hundredths", "add_minor", "ending_minor"}),
}
"""What each kind needs, and what it may say beside that. All may be limited in time."""
_ALWAYS = {"kind", "valid_from", "valid_to"}


class PriceBody(Body):
    """A base price, the price of one channel, or a rule that makes prices from base prices.

    Valid for valid_from <= t < valid_to; without valid_from from now on.
    """

    kind: Literal["base", "channel", "rule"] = Field(examples=["rule"])
    sku: Sku | None = Field(None, description="A rule without it is for all articles.", examples=["JACKE-NORDWIND-L"])
    channel: Code | None = Field(None, description="A rule without it is for all channels.", examples=["webshop"])
    amount_minor: Annotated[StrictInt, Field(ge=0, le=MAX_PRICE_MINOR)] | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    percent_hundredths: StrictInt | None = Field(None, description="-1000 is 10 % off.", examples=[-1000])
    add_minor: StrictInt | None = Field(None, description="Added after the per cent.")
    ending_minor: StrictInt | None = Field(None, description="99: the nearest price that ends in ,99.", examples=[99])
    valid_from: Moment | None = None
    valid_to: Moment | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> PriceBody:
        needed, allowed = _FIELDS[self.kind]
        given = {name for name in self.model_fields_set if getattr(self, name) is not None} - _ALWAYS
        if missing := sorted(needed - given):
            raise ValueError(f"kind {self.kind} needs {', '.join(missing)}")
        if odd := sorted(given - needed - allowed):
            raise ValueError(f"kind {self.kind} takes no {', '.join(odd)}")
        return self


class PricesBody(Body):
    """1 to 1,000 prices and rules, all or none."""

    prices: list[PriceBody] = Field(min_length=1, max_length=MAX_PRICES)


def routes(services: Services) -> APIRouter:
    """The price endpoints over these services."""
    api = router("prices", answers.SAYS)
    readers, ops = services.allow(Role.SHOP, Role.STAFF, Role.OPS), services.allow(Role.OPS)
    channels = {channel.name for channel in services.settings.channels}

    @api.get("/prices", operation_id="listPrices", dependencies=[Depends(readers)])
    async def list_prices(
        sku: Annotated[list[Sku], Query(min_length=1, max_length=MAX_SKUS)],
        channel: Code | None = None,
        at: Moment | None = None,
    ) -> Response:
        """What these articles cost, on that channel or by their base price, at that moment.

        `lowest_30_days_minor` is the lowest price that the channel showed in the 30 days before the present one was applied
        there: what a reduction must name (Directive 98/6/EC Art. 6a, section 11 PAngV).
        """
        _refuse_strangers([("channel", channel)], channels)
        moment = at or services.clock.now()
        pairs: list[Pair] = [(one, channel) for one in sku]
        return json_response(await services.read.run(lambda session: _listed(session, pairs, moment)))

    @api.put("/prices", operation_id="setPrices")
    async def set_prices(body: PricesBody, asker: Access = Depends(ops)) -> Response:
        """Say prices and rules, all or none. What is said already stays one price."""
        _refuse_strangers([(f"prices.{n}.channel", price.channel) for n, price in enumerate(body.prices)], channels)
        statements = [_statement(price) for price in body.prices]
        now = services.clock.now()
        about = acts.named([price.sku or price.channel or "" for price in body.prices])

        def work(session: Session) -> list[str]:
            return pricelist.set_prices(session, statements, ids=services.ids, now=now)

        ids = await services.write.run(acts.of_key(asker, ("prices", "set"), about, now, work))
        services.changed()
        return json_response({"prices": [{"id": one} for one in ids]})

    return api


def _refuse_strangers(named: Sequence[tuple[str, str | None]], channels: set[str]) -> None:
    known = ", ".join(sorted(channels)) or "none"
    errors = [
        {"field": field, "message": f"There is no channel {name!r}; there are {known}."}
        for field, name in named
        if name is not None and name not in channels
    ]
    if errors:
        raise InvalidRequest(errors)


def _statement(body: PriceBody) -> Statement:
    validity = (body.valid_from, body.valid_to)
    if body.kind == "rule":
        numbers = (body.percent_hundredths or 0, body.add_minor or 0, body.ending_minor)
        return PriceRule(*numbers, body.sku, body.channel, *validity)
    price = Money(body.amount_minor or 0, body.currency or "")
    if body.kind == "base":
        return BasePrice(body.sku or "", price, *validity)
    return ChannelPrice(body.sku or "", body.channel or "", price, *validity)


def _listed(session: Session, pairs: Sequence[Pair], at: Any) -> dict[str, Any]:
    quotes = prices.price_at(session, pairs, at)
    shown = prices.history(session, [(sku, channel) for sku, channel in pairs if channel], at)
    lowest = {pair: pricing.reference(history, at) for pair, history in shown.items()}
    items = [
        _item(sku, channel, quotes.get((sku, channel)), lowest.get((sku, channel or "")))
        for sku, channel in dict.fromkeys(pairs)
    ]
    return {"at": format_time(at), "items": items}


def _item(sku: str, channel: str | None, quote: Quote | None, lowest: Money | None) -> dict[str, Any]:
    return {
        "sku": sku,
        "channel": channel,
        "amount_minor": quote.price.minor if quote else None,
        "currency": quote.price.currency if quote else None,
        "net_minor": quote.net_minor if quote else None,
        "vat_rate": quote.vat_rate if quote else None,
        "source": quote.source if quote else None,
        "base_minor": quote.base.minor if quote and quote.base else None,
        "min_price_minor": quote.min_price_minor if quote else None,
        "below_minimum": bool(quote and quote.below_minimum),
        "lowest_30_days_minor": lowest.minor if lowest else None,
    }
