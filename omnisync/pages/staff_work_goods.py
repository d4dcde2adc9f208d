"""Articles as the desk shows them away from pickups: what they are called, where they lie, and how they are found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zlib import crc32

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync.catalog import articles
from omnisync.catalog.tables import Article
from omnisync.pages.staff_view import Eyes, is_picture, places
from omnisync.sync import availability

FOUND_AT_MOST = 30
WORDS_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Goods:
    """One article; `parts.tile` draws it like a line of a pickup."""

    sku: str
    title: str
    detail: str
    shelf: str
    tint: str
    picture: str


def of(session: Session, eyes: Eyes, skus: Collection[str]) -> dict[str, Goods]:
    """SKU -> the article as this store knows it; one that nobody knows is called by its SKU."""
    known = {one.sku: one for one in session.exec(select(Article).where(col(Article.sku).in_(sorted(skus))))}
    where = places(session, eyes.location.code, sorted(skus))
    return {sku: _goods(sku, known.get(sku), where.get(sku), eyes) for sku in skus}


def find(session: Session, eyes: Eyes, wanted: str) -> list[Goods]:
    """Articles of that barcode or SKU, else those of which each word is in the title, size, colour or SKU."""
    exact = articles.by_barcode(session, [wanted]).get(wanted, wanted)
    statement = sa.select(Article.sku).where(col(Article.sku) == exact)  # type: ignore[call-overload]
    skus = list(session.execute(statement).scalars()) or _called(session, wanted.split()[:WORDS_AT_MOST])
    shown = of(session, eyes, skus)
    return [shown[sku] for sku in skus]


def _called(session: Session, words: Sequence[str]) -> list[str]:
    if not words:
        return []
    fields = (col(Article.title), col(Article.sku), col(Article.size), col(Article.colour))

    def says(word: str) -> sa.ColumnElement[bool]:
        spelled = {word, word.capitalize(), word.upper(), word.lower()}
        return sa.or_(*(field.contains(one, autoescape=True) for field in fields for one in sorted(spelled)))

    statement = sa.select(Article.sku).where(*(says(word) for word in words))  # type: ignore[call-overload]
    ordered = statement.order_by(col(Article.title), col(Article.size), col(Article.sku))
    return list(session.execute(ordered.limit(FOUND_AT_MOST)).scalars())


@dataclass(frozen=True, slots=True)
class There:
    """How many pieces can be had at a location."""

    code: str
    name: str
    pieces: int


def everywhere(session: Session, eyes: Eyes, sku: str) -> tuple[int, list[There]]:
    """Pieces that can be had here, and elsewhere; of a bundle whole ones."""
    names = {one.code: one.name for one in eyes.locations}
    [stock] = availability.look(session, [availability.Question((sku,), tuple(names))])
    found = stock.available(sku, tuple(names)) or {}
    others = [There(code, names[code], n) for code, n in found.items() if n and code != eyes.location.code]
    return found.get(eyes.location.code, 0), others


def _goods(sku: str, article: Article | None, place: str | None, eyes: Eyes) -> Goods:
    image = (article and article.image) or ""
    size = eyes.say("Size %(size)s", size=article.size) if article and article.size else ""
    traits = [size, (article and article.colour) or ""]
    return Goods(
        sku=sku,
        title=(article and article.title) or sku,
        detail=" · ".join(trait for trait in traits if trait) or sku,
        shelf=place or (article and article.shelf) or "",
        tint=f"c{crc32(sku.encode()) % 5}",
        picture=image if eyes.pictures and is_picture(image) else "",
    )
