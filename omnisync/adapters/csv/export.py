"""The file that a till imports its stock and prices from: every number in it is absolute, so importing it twice is harmless."""

from __future__ import annotations

from collections.abc import Sequence

from omnisync.adapters.base import Shown
from omnisync.adapters.csv.columns import split
from omnisync.adapters.csv.settings import TillSettings

SEPARATOR = ";"
Key = tuple[str, str]
"""(article, store)"""


def merged(waiting: bytes | None, shown: Sequence[Shown], settings: TillSettings) -> str:
    """What the till has not fetched yet and these, the newer number winning."""
    rows = _rows(waiting or b"", settings)
    for one in shown:
        key = (one.target.external_id, one.target.place or "")
        rows[key] = _row(one, key, rows.get(key, [""] * 5), settings)
    lines = [SEPARATOR.join(map(_quoted, cells)) for cells in [list(settings.out_columns), *rows.values()]]
    return "\r\n".join([*lines, ""])


def _rows(waiting: bytes, settings: TillSettings) -> dict[Key, list[str]]:
    """What lies there still. A file with other columns is not ours to keep."""
    try:
        header, *lines = waiting.decode().splitlines()
    except ValueError:
        return {}
    if split(header, SEPARATOR) != list(settings.out_columns):
        return {}
    rows = [split(line, SEPARATOR) for line in lines]
    return {(row[0], row[4]): row for row in rows if len(row) == 5}


def _row(one: Shown, key: Key, before: list[str], settings: TillSettings) -> list[str]:
    quantity = before[1] if one.quantity is None else str(one.quantity)
    if one.price is None:
        return [key[0], quantity, before[2], before[3], key[1]]
    mark = "." if settings.decimal == "." else ","
    return [key[0], quantity, one.price.decimal().replace(".", mark), one.price.currency, key[1]]


def _quoted(cell: str) -> str:
    if any(sign in cell for sign in f'{SEPARATOR}"\r\n'):
        doubled = cell.replace('"', '""')
        return f'"{doubled}"'
    return cell
