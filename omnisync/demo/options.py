"""What can be typed after `run.py demo`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from omnisync.demo.plants import PLANTS
from omnisync.demo.traffic import RATE

SEED = 2026
SETTLE_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Options:
    """One demo, as it was asked for."""

    seconds: float | None
    port: int | None
    database: str | None
    as_json: bool
    plant: str | None
    storm: bool
    seed: int
    rate: float
    settle_seconds: float


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; ends the program with a clear text when it cannot be understood."""
    parser = argparse.ArgumentParser(
        prog="run.py demo",
        description="The whole of omnisync live: a real server, four simulated channels, buyers, baskets and staff.",
        epilog="While it runs, switches can be typed (down ebay, lose webshop, ebay off, all off) or turned on /ops.",
    )
    parser.add_argument("--for", dest="seconds", type=_positive, metavar="SECONDS", help="end by itself, with a proof")
    parser.add_argument(
        "--port", type=_port, metavar="N", help="the server's; the next one is the switches' (default: free ones)"
    )
    parser.add_argument(
        "--database", metavar="URL", help="an empty one, such as postgresql+psycopg://user@host/db (default: SQLite)"
    )
    parser.add_argument("--json", dest="as_json", action="store_true", help="end with the proof as one JSON object")
    parser.add_argument(
        "--plant",
        choices=sorted(PLANTS),
        metavar="BUG",
        help=f"plant a bug and see the proof fail: {', '.join(sorted(PLANTS))}",
    )
    parser.add_argument("--storm", action="store_true", help="turn every switch on for a while")
    parser.add_argument("--seed", type=int, default=SEED, help="of assortment and traffic (default: %(default)s)")
    parser.add_argument(
        "--rate",
        type=_positive,
        default=RATE,
        metavar="N",
        help="things that happen in a second (default: %(default)g)",
    )
    parser.add_argument(
        "--settle",
        dest="settle_seconds",
        type=_positive,
        default=SETTLE_SECONDS,
        metavar="SECONDS",
        help="how long everything may take to agree at the end (default: %(default)g)",
    )
    return Options(**vars(parser.parse_args(arguments)))


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is no positive number")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 1 <= number < 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port below 65535")
    return number
