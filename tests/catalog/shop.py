"""A few articles to test with."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from tests.conftest import START


def article(
    session: Session,
    sku: str,
    *,
    barcodes: tuple[str, ...] = (),
    components: dict[str, int] | None = None,
    now: datetime = START,
    **fields: object,
) -> str:
    """Put one article on the books and return its SKU."""
    change = ArticleChange(sku, {"title": sku.title(), **fields}, barcodes, components)
    articles.put(session, [change], now=now)
    return sku
