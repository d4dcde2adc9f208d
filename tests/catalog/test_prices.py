from datetime import timedelta

import pytest

from omnisync.catalog import pricelist, prices
from omnisync.catalog.pricelist import BasePrice, ChannelPrice, PriceRule
from omnisync.errors import InvalidRequest
from omnisync.values import Money
from tests.catalog.shop import article
from tests.conftest import START


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


@pytest.fixture
def say(session, ids):
    def say_at(*statements, now=START):
        return pricelist.set_prices(session, statements, ids=ids, now=now)

    return say_at


def price(session, sku="LAMP", channel="webshop", at=START):
    quote = prices.price_at(session, [(sku, channel)], at).get((sku, channel))
    return quote and (quote.price.minor, quote.source)


def test_the_channels_own_price_wins_over_rules_and_rules_over_the_base_price(session, say):
    article(session, "LAMP")
    assert price(session) is None

    say(BasePrice("LAMP", eur(2000)))
    assert price(session) == (2000, "base")
    say(PriceRule(percent_hundredths=-1000, channel="webshop", valid_from=START - timedelta(days=1)))
    assert price(session) == (1800, "rule")
    say(ChannelPrice("LAMP", "webshop", eur(1950), valid_from=START - timedelta(days=9)))

    assert price(session) == (1950, "channel")
    assert price(session, channel="markt") == (2000, "base")
    assert price(session, channel=None) == (2000, "base")


def test_of_several_rules_only_the_latest_counts_and_of_equal_ones_the_most_particular(session, say):
    article(session, "LAMP")
    article(session, "SHADE")
    say(BasePrice("LAMP", eur(10_000)), BasePrice("SHADE", eur(10_000)))
    say(PriceRule(percent_hundredths=-5000, sku="LAMP", valid_from=START - timedelta(days=2)))
    say(PriceRule(percent_hundredths=-1000, valid_from=START - timedelta(days=1)))
    assert price(session) == (9000, "rule")

    say(
        PriceRule(percent_hundredths=-2000, channel="webshop", valid_from=START - timedelta(days=1)),
        PriceRule(percent_hundredths=-3000, sku="LAMP", valid_from=START - timedelta(days=1)),
    )

    assert price(session) == (7000, "rule")
    assert price(session, "SHADE") == (8000, "rule")
    assert price(session, "SHADE", "markt") == (9000, "rule")


def test_a_rule_is_valid_from_its_first_moment_and_no_longer_at_its_last(session, say):
    article(session, "LAMP")
    begin, end = START + timedelta(days=1), START + timedelta(days=2)
    say(BasePrice("LAMP", eur(2000)), PriceRule(ending_minor=99, channel="webshop", valid_from=begin, valid_to=end))

    moments = [begin - timedelta(microseconds=1), begin, end - timedelta(microseconds=1), end]

    assert [price(session, at=moment) for moment in moments] == [
        (2000, "base"),
        (1999, "rule"),
        (1999, "rule"),
        (2000, "base"),
    ]


def test_a_newer_price_replaces_the_older_one_and_the_past_keeps_what_was_true_then(session, say):
    article(session, "LAMP")
    say(BasePrice("LAMP", eur(2000)))
    later = START + timedelta(days=5)

    say(BasePrice("LAMP", eur(2500)), now=later)
    say(ChannelPrice("LAMP", "webshop", eur(1), valid_from=START), now=later)

    assert price(session, channel="markt", at=START) == (2000, "base")
    assert price(session, channel="markt", at=later) == (2500, "base")
    assert price(session, at=START + timedelta(days=1)) == (2000, "base")


def test_a_withdrawn_price_gives_way_to_the_one_before(session, say):
    article(session, "LAMP")
    say(BasePrice("LAMP", eur(2000)))
    [wrong] = say(BasePrice("LAMP", eur(20)), now=START + timedelta(hours=1))

    ended = pricelist.withdraw(session, [wrong, wrong], now=START + timedelta(hours=2))

    assert ended == 1
    assert price(session, at=START + timedelta(hours=1)) == (20, "base")
    assert price(session, at=START + timedelta(hours=2)) == (2000, "base")


def test_saying_the_same_again_writes_no_second_row(session, say):
    article(session, "LAMP")
    rule = PriceRule(percent_hundredths=-500, channel="webshop", valid_from=START)

    first = say(BasePrice("LAMP", eur(2000)), rule, rule)
    second = say(BasePrice("LAMP", eur(2000)), rule, now=START + timedelta(days=1))

    assert first[1] == first[2]
    assert second == first[:2]


def test_going_back_to_an_earlier_price_is_a_new_row(session, say):
    article(session, "LAMP")
    say(BasePrice("LAMP", eur(2000)))
    say(BasePrice("LAMP", eur(1500)), now=START + timedelta(days=1))

    say(BasePrice("LAMP", eur(2000)), now=START + timedelta(days=2))

    assert price(session, at=START + timedelta(days=2)) == (2000, "base")


def test_a_price_below_the_minimum_is_flagged_and_one_of_another_currency_is_not_compared(session, say):
    article(session, "LAMP", min_price_minor=1500, currency="EUR", vat_rate=1900)
    say(BasePrice("LAMP", eur(2000)), ChannelPrice("LAMP", "swiss", Money(100, "CHF")))
    say(PriceRule(percent_hundredths=-5000, channel="webshop"))

    quotes = prices.price_at(session, [("LAMP", "webshop"), ("LAMP", "markt"), ("LAMP", "swiss")], START)

    flags = {channel: (quote.below_minimum, quote.min_price_minor) for (_, channel), quote in quotes.items()}
    assert flags == {"webshop": (True, 1500), "markt": (False, 1500), "swiss": (False, None)}
    assert quotes["LAMP", "markt"].net_minor == 1681


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        (BasePrice("STRANGER", eur(1)), "sku"),
        (BasePrice("LAMP", eur(-1)), "amount_minor"),
        (BasePrice("LAMP", eur(2_000_000_000)), "amount_minor"),
        (BasePrice("LAMP", eur(1), valid_to=START), "valid_to"),
        (PriceRule(percent_hundredths=-10_001), "percent_hundredths"),
        (PriceRule(channel="webshop"), "percent_hundredths"),
        (PriceRule(ending_minor=-1), "ending_minor"),
    ],
)
def test_what_cannot_be_a_price_is_refused_by_name_and_nothing_is_written(session, say, statement, field):
    article(session, "LAMP")

    with pytest.raises(InvalidRequest) as refused:
        say(BasePrice("LAMP", eur(2000)), statement)

    assert [error["field"] for error in refused.value.details["errors"]] == [f"prices[1].{field}"]
    assert price(session) is None


def test_only_changes_of_what_a_channel_shows_are_kept(session):
    seen = [("LAMP", "webshop", eur(2000)), ("LAMP", "markt", eur(2100))]

    counts = [
        prices.applied(session, seen, now=START),
        prices.applied(session, seen, now=START + timedelta(days=1)),
        prices.applied(session, [("LAMP", "webshop", eur(1500))], now=START + timedelta(days=2)),
        prices.applied(session, [("LAMP", "webshop", eur(2000))], now=START + timedelta(days=3)),
    ]

    assert counts == [2, 0, 1, 1]
    assert prices.lowest_30_days(session, "LAMP", "webshop", START + timedelta(days=9)) == eur(1500)
    assert prices.lowest_30_days(session, "LAMP", "webshop", START + timedelta(days=2)) == eur(2000)
    assert prices.lowest_30_days(session, "LAMP", "markt", START + timedelta(days=40)) == eur(2100)
    assert prices.lowest_30_days(session, "LAMP", "elsewhere", START) is None
