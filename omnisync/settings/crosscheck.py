"""What only shows when all settings are seen together: names that point nowhere, twins, regions and time zones."""

from __future__ import annotations

import zoneinfo
from collections.abc import Collection, Iterator

import holidays

from omnisync.settings.faults import Fault, among, nearest
from omnisync.settings.locate import Path
from omnisync.settings.models import LEDGER, ChannelSettings, LocationSettings, Settings


def faults_between(settings: Settings, adapters: Collection[str]) -> Iterator[Fault]:
    """Every fault of settings whose single fields are right."""
    yield from _twins("locations", "code", [location.code for location in settings.locations])
    yield from _twins("channels", "name", [channel.name for channel in settings.channels])
    for number, location in enumerate(settings.locations):
        place: Path = ("locations", number)
        yield from _timezone(place, location)
        yield from _region(place, location)
        yield from _owner(place, location, settings)
    yield from _alerts(settings)
    codes = [location.code for location in settings.locations]
    for number, channel in enumerate(settings.channels):
        place = ("channels", number)
        yield from _name(place, channel)
        yield from _adapter(place, channel, adapters)
        yield from _locations(place, channel, codes)
        yield from _map(place, channel, codes)
        yield from _writer(place, channel, settings)


def _twins(section: str, key: str, names: list[str]) -> Iterator[Fault]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield Fault((section, number, key), f"{name!r} is used twice", allowed="every name once")


def _timezone(path: Path, location: LocationSettings) -> Iterator[Fault]:
    known = zoneinfo.available_timezones()
    if location.timezone not in known:
        yield Fault(
            (*path, "timezone"),
            f"{location.timezone!r} is no time zone",
            allowed="names such as Europe/Berlin",
            nearest=nearest(location.timezone, known),
        )


def _region(path: Path, location: LocationSettings) -> Iterator[Fault]:
    if location.holidays is None or _is_region(location.holidays):
        return
    countries = holidays.list_supported_countries()
    country, _, part = location.holidays.partition("-")
    regions = [country, *(f"{country}-{name}" for name in countries.get(country, []))]
    if country not in countries or (part and location.holidays not in regions):
        known = regions if country in countries else list(countries)
        yield Fault(
            (*path, "holidays"),
            f"{location.holidays!r} is no region whose holidays we know",
            allowed=", ".join(regions) if country in countries else "a country such as DE, or a region such as DE-BE",
            nearest=nearest(location.holidays, known),
        )


def _is_region(text: str) -> bool:
    """Asks for this region alone: the list of all of them loads every country there is, which takes a second at each start."""
    country, _, part = text.partition("-")
    if len(country) != 2 or not country.isupper():
        return False
    try:
        known = holidays.country_holidays(country)
    except NotImplementedError:
        return False
    return part in known.subdivisions if "-" in text else True


def _owner(path: Path, location: LocationSettings, settings: Settings) -> Iterator[Fault]:
    owner = location.stock_owner
    names = [channel.name for channel in settings.channels]
    if owner == LEDGER:
        return
    if owner not in names:
        yield among((*path, "stock_owner"), f"there is no channel {owner!r}", owner, [LEDGER, *names])
    elif location.code not in settings.channel(owner).locations:
        yield Fault(
            (*path, "stock_owner"),
            f"channel {owner!r} does not sell from {location.code!r}, so it cannot count there",
            allowed=f"a channel whose locations hold {location.code!r}, or {LEDGER}",
        )


def _name(path: Path, channel: ChannelSettings) -> Iterator[Fault]:
    if channel.name == LEDGER:
        yield Fault((*path, "name"), f"{LEDGER!r} means omnisync itself", allowed="another name")


def _adapter(path: Path, channel: ChannelSettings, adapters: Collection[str]) -> Iterator[Fault]:
    if channel.adapter not in adapters:
        wrong = f"there is no adapter {channel.adapter!r}, neither in this version nor in a package that is installed"
        yield among((*path, "adapter"), wrong, channel.adapter, adapters)


def _locations(path: Path, channel: ChannelSettings, codes: list[str]) -> Iterator[Fault]:
    for number, code in enumerate(channel.locations):
        if code not in codes:
            yield among((*path, "locations", number), f"there is no location {code!r}", code, codes)
        elif code in channel.locations[:number]:
            yield Fault((*path, "locations", number), f"{code!r} is named twice", allowed="every location once")


def _writer(path: Path, channel: ChannelSettings, settings: Settings) -> Iterator[Fault]:
    if channel.policy.notify == "omnisync" and not settings.mail.host:
        yield Fault(
            (*path, "policy", "notify"),
            "omnisync cannot write to customers without a mail server",
            allowed="host under [mail], or notify as channel or none",
        )


def _alerts(settings: Settings) -> Iterator[Fault]:
    if settings.alerts.to and not settings.mail.host:
        yield Fault(("alerts", "to"), "omnisync cannot write mails without a mail server", allowed="host under [mail]")
    if settings.alerts.secret and not settings.alerts.url:
        yield Fault(("alerts", "secret"), "nothing is signed with it", allowed="an url beside it")
    if not settings.alerts.is_key:
        yield Fault(
            ("alerts", "secret"), "what follows whsec_ is no base64", allowed="whsec_ and base64, or any other text"
        )


def _map(path: Path, channel: ChannelSettings, codes: list[str]) -> Iterator[Fault]:
    for place, code in channel.location_map.items():
        if code not in codes:
            yield among((*path, "location_map", place), f"there is no location {code!r}", code, codes)
