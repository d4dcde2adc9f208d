"""Pages that miss nothing while the shop changes: WooCommerce counts pages, and whatever moves shifts all that follow it.

So each page is asked for as a first page: of what has at least the time of the last one read, without those of that time that
were read already. Times are whole seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from omnisync.adapters.woocommerce.wire import Json
from omnisync.values import as_utc, format_time, from_cursor, parse_time, to_cursor

SECOND = timedelta(seconds=1)


def gmt(text: str) -> datetime:
    """WooCommerce writes its `_gmt` times without a zone."""
    return parse_time(text if text.endswith("Z") else f"{text}Z")


@dataclass(frozen=True, slots=True)
class Mark:
    """Read up to this moment, and of that very second these."""

    at: datetime | None = None
    read: tuple[str, ...] = ()

    @classmethod
    def parse(cls, cursor: str) -> Mark:
        """ValueError when it is none of ours."""
        at, read = from_cursor(cursor, 2)
        return cls(parse_time(at) if at else None, tuple(read.split(",")) if read else ())

    def cursor(self) -> str:
        return to_cursor(format_time(self.at) if self.at else "", ",".join(self.read))

    def params(self, name: str) -> dict[str, Any]:
        """The filter that `name`s its time; WooCommerce's is exclusive."""
        if self.at is None:
            return {}
        before = as_utc(self.at) - SECOND
        after = {name: before.strftime("%Y-%m-%dT%H:%M:%S"), "dates_are_gmt": True}
        return {**after, "exclude": self.read} if self.read else after

    def after(self, page: Sequence[Json], field: str) -> Mark:
        """Where the next page begins."""
        times = [(str(one["id"]), gmt(one[field])) for one in page if one.get(field)]
        if not times:
            return self
        last = max([*(at for _, at in times), *([self.at] if self.at else [])])
        here = [id for id, at in times if at == last]
        before = self.read if self.at == last else ()
        return Mark(last, (*before, *(one for one in here if one not in before)))
