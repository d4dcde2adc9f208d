from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisync.catalog import pricing
from omnisync.catalog.pricing import Applied, Rule
from omnisync.values import Money
from tests.conftest import START

minors = st.integers(0, 10_000_000)
percents = st.integers(-10_000, 20_000)
endings = st.integers(0, 9_999)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


@pytest.mark.parametrize(
    ("base", "rule", "price"),
    [
        (2000, Rule(percent_hundredths=-1000), 1800),
        (1999, Rule(percent_hundredths=-1000), 1799),
        (1995, Rule(percent_hundredths=-1000), 1796),  # 17,955 goes up
        (2000, Rule(add_minor=-1), 1999),
        (2000, Rule(percent_hundredths=1000, add_minor=50), 2250),
        (2000, Rule(ending_minor=99), 1999),
        (2049, Rule(ending_minor=99), 2099),  # as far from 19,99 as from 20,99: up
        (2048, Rule(ending_minor=99), 1999),
        (2050, Rule(ending_minor=0), 2100),
        (30, Rule(ending_minor=99), 99),
        (1234, Rule(ending_minor=990), 990),
        (1500, Rule(ending_minor=990), 1990),
        (500, Rule(percent_hundredths=-10_000), 0),
        (500, Rule(add_minor=-900), 0),
    ],
)
def test_a_rule_makes_the_price_that_the_price_tag_needs(base, rule, price):
    assert pricing.apply_rule(eur(base), rule) == eur(price)


def test_yen_have_no_cents_to_end_in():
    assert pricing.apply_rule(Money(1234, "JPY"), Rule(ending_minor=80)) == Money(1280, "JPY")


@given(minors, percents, st.integers(-100_000, 100_000))
def test_without_an_ending_the_price_is_the_exact_one_rounded_half_up(base, percent, add):
    exact = Fraction(base * (10_000 + percent), 10_000) + add

    price = pricing.apply_rule(eur(base), Rule(percent, add)).minor

    assert price == 0 or Fraction(-1, 2) < price - exact <= Fraction(1, 2)
    assert price > 0 or exact < Fraction(1, 2)


@given(minors, percents, endings)
def test_an_ending_is_kept_and_no_price_of_that_ending_is_nearer(base, percent, ending):
    exact = Fraction(base * (10_000 + percent), 10_000)
    step = pricing.ending_step(ending, "EUR")

    price = pricing.apply_rule(eur(base), Rule(percent, 0, ending)).minor

    assert price % step == ending
    assert abs(price - exact) < abs(price + step - exact)
    assert price == ending or abs(price - exact) <= abs(price - step - exact)


@given(minors, minors, percents, st.none() | endings)
def test_what_costs_more_before_a_rule_never_costs_less_after_it(one, other, percent, ending):
    low, high = sorted((one, other))
    rule = Rule(percent, 0, ending)

    assert pricing.apply_rule(eur(low), rule) <= pricing.apply_rule(eur(high), rule)


@given(st.integers(-10_000_000, 10_000_000), st.sampled_from([0, 700, 1900, 2100, 550]))
def test_net_is_the_nearest_cent_and_mirrors_for_refunds(gross, rate):
    exact = Fraction(gross * 10_000, 10_000 + rate)

    net = pricing.net_minor(gross, rate)

    assert abs(net - exact) <= Fraction(1, 2)
    assert pricing.net_minor(-gross, rate) == -net
    assert rate or net == gross


@pytest.mark.parametrize(
    ("gross", "rate", "net"), [(1999, 1900, 1680), (1070, 700, 1000), (119, 1900, 100), (21, 2000, 18)]
)
def test_net_of_known_amounts(gross, rate, net):
    assert pricing.net_minor(gross, rate) == net


def applied(*days_and_prices: tuple[float, int]) -> list[Applied]:
    return [Applied(START + timedelta(days=days), eur(price)) for days, price in days_and_prices]


def test_the_lowest_of_30_days_counts_the_price_that_stood_when_they_began():
    history = applied((-90, 1500), (-40, 1800), (-10, 2500))

    assert pricing.lowest(history, START) == eur(1800)


def test_a_price_replaced_just_as_the_30_days_begin_does_not_count():
    history = applied((-90, 1500), (-30, 1800))

    assert pricing.lowest(history, START) == eur(1800)


def test_the_reduction_itself_does_not_count():
    history = applied((-20, 2000), (0, 1000))

    assert pricing.lowest(history, START) == eur(2000)


def test_raising_a_price_just_before_a_sale_helps_nobody():
    history = applied((-100, 1999), (-3, 2999), (-1, 2499))

    assert pricing.reference(history, START) == eur(1999)


def test_a_longer_sale_keeps_the_reference_of_its_beginning():
    history = applied((-60, 2000), (-29, 1500))

    assert pricing.reference(history, START) == eur(2000)


def test_prices_of_another_currency_are_not_compared():
    history = [Applied(START - timedelta(days=20), Money(900, "CHF")), *applied((-10, 2000))]

    assert pricing.lowest(history, START) == eur(2000)


def test_without_a_history_there_is_no_lowest_price():
    assert pricing.lowest([], START) is None
    assert pricing.lowest(applied((1, 100)), START) is None
    assert pricing.reference([], START) is None


@given(st.lists(st.tuples(st.integers(-100, 20), st.integers(1, 5000)), max_size=12, unique_by=lambda step: step[0]))
def test_the_lowest_price_is_the_minimum_over_every_hour_of_the_30_days(steps):
    history = applied(*((days + 0.5, price) for days, price in sorted(steps)))
    hours = [START - timedelta(hours=hour) for hour in range(1, 30 * 24 + 1)]

    standing = [past[-1] for hour in hours if (past := [one for one in history if one.at <= hour])]

    assert pricing.lowest(history, START) == min((one.price for one in standing), default=None)
